/**
 * Which owners have stopped renewing, judged over many runs that know nothing of each other but what stands in `Records`: a version that has been
 * seen unchanged for its TTL and five minutes of the runs' age (core/sightings.ts is the same for one process).
 */
import type { Records } from '../contracts/records.ts';
import type { Lease, LeaseKey } from '../core/lease.ts';

export class ExpirySightings {
  /** Nothing that cannot be read makes anything expire: it begins anew. */
  static async read(records: Records, signal: AbortSignal): Promise<ExpirySightings> {
    void signal;
    return new ExpirySightings(records);
  }

  private constructor(records: Records) {
    void records;
  }

  /**
   * Takes what stands now, each with its latest version, and says which of it has stood too long. What is not named is forgotten.
   * @param ttlMs how long leases of Weft's nodes live without renewal, by the network config
   */
  expired(leases: Iterable<Lease>, now: { readonly ageMs: number; readonly ttlMs: number }): ReadonlySet<LeaseKey> {
    void leases;
    void now;
    return new Set();
  }

  /** Writes what has changed. Rejects with RECORD_CHANGED when another run is under way. */
  async save(signal: AbortSignal): Promise<void> {
    void signal;
  }
}
