/** Tells what was done to the cloud: each entry as a line of the log at once, and in `Records`, a hundred to a record, for `weftd audit`. */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import type { AuditEntry } from '../core/audit.ts';
import type { WeftError } from '../core/errors.ts';

export interface AuditParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** One for a run, or for a daemon. */
export class AuditLog {
  readonly #entries: AuditEntry[] = [];

  /** @param by node id, or the reconciler's name */
  constructor(parts: AuditParts, by: string) {
    void parts;
    void by;
  }

  /** All that was added, in order; of a daemon the latest. */
  get entries(): readonly AuditEntry[] {
    return this.#entries;
  }

  /** Why the last writing failed; undefined: it did not. What is not written is tried again with the next. */
  get trouble(): WeftError | undefined {
    return undefined;
  }

  /** Logs it at once, and writes records when they are full or have waited for a few seconds. Rejects with ABORTED alone. */
  async add(entry: Omit<AuditEntry, 'at' | 'by'>, signal: AbortSignal): Promise<void> {
    void entry;
    void signal;
  }

  /** Writes what is not written yet. Rejects with ABORTED alone. */
  async flush(signal: AbortSignal): Promise<void> {
    void signal;
  }

  /** Removes some records that are older than 30 days. It reads them all: to be called once in a while. Rejects with ABORTED alone. */
  async prune(signal: AbortSignal): Promise<void> {
    void signal;
  }
}
