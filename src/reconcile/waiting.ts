/** What is wanted and not done yet, since when: removals that are held until later runs agree, routes that an owner is given time to put. One record a table. */
import type { Records } from '../contracts/records.ts';
import type { Subnet } from '../core/subnet.ts';
import type { RunState } from './run-state.ts';

export interface Waited {
  /** Of the runs' age. */
  readonly forMs: number;
  /** How many runs by the clock have found it so, this one included. */
  readonly scheduledRuns: number;
}

export class Waiting {
  static async read(
    records: Records,
    now: Pick<RunState, 'ageMs' | 'scheduled'> & { readonly isScheduled: boolean },
    signal: AbortSignal,
  ): Promise<Waiting> {
    void signal;
    return new Waiting(records, now);
  }

  private constructor(records: Records, now: object) {
    void records;
    void now;
  }

  /**
   * It is wanted in this run too; from now on, if it was not in the last one, or was for another reason. May be asked more than once a run.
   * @param what 1 to 24 letters or dashes
   */
  wait(table: string, destination: Subnet, what: string): Waited {
    void table;
    void destination;
    void what;
    return { forMs: 0, scheduledRuns: 0 };
  }

  /** Writes what has changed. What nobody waited for in this run, in a table that was looked at, waits no more. Rejects with RECORD_CHANGED when another run is under way. */
  async save(looked: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    void looked;
    void signal;
  }
}
