/**
 * The lock of a run, after amazon-dynamodb-lock-client: nobody's clock is compared with another's.
 *
 *   free ──► held ──(a beat every 10 s, each a new version)──► released
 *              └─(no beat got through for nine tenths of the lease, by the holder's own clock)──► lost
 *   rival: sees one version unchanged for the whole lease, by its own clock ──► takes over, if it is that version still
 */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';

export interface RunLockParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface RunLockSettings {
  /** For people: who holds it. */
  readonly owner: string;
  readonly leaseMs?: number;
  readonly beatMs?: number;
}

export interface HeldLock {
  /** For so long from now nobody else can hold it; 0: it is lost, for good. */
  validForMs(): number;
  /** Fires when it is lost, by the next beat at the latest. */
  readonly lost: AbortSignal;
  /** Ends the beats, and lets others have it at once. Where the store is away it runs out by itself. Never rejects. */
  release(signal: AbortSignal): Promise<void>;
}

export const RUN_LOCK_KEY = 'reconciler';

/** One for a process: what it has seen of a holder counts at the next `acquire`. */
export class RunLock {
  constructor(parts: RunLockParts, settings: RunLockSettings) {
    void parts;
    void settings;
  }

  /**
   * @param waitMs for how long another holder is waited for; 0: one look, Infinity: until it is ours
   * @returns undefined when another holds it. Rejects with what the store says, or ABORTED
   */
  acquire(waitMs: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    void waitMs;
    void signal;
    return Promise.resolve(undefined);
  }
}
