/** How many calls may be made to the cloud's API, for all who write routes of this network together: a token bucket in a record. */
import type { Clock } from '../contracts/clock.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';

export interface ApiBudgetParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ApiRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** One for a process. */
export class ApiBudget {
  constructor(parts: ApiBudgetParts, rate: ApiRate) {
    void parts;
    void rate;
  }

  /**
   * Resolves when so many calls may be made: true. False, with nothing taken, when that would be after `untilMs` of `Clock.now()`. Rejects with what the
   * store says, or ABORTED.
   */
  take(calls: number, untilMs: number, signal: AbortSignal): Promise<boolean> {
    void calls;
    void untilMs;
    void signal;
    return Promise.resolve(true);
  }

  /** The cloud said that there are too many: half the rate from now on, for everybody, and step by step more again. */
  throttled(): void {}

  /** Gives back what was taken in advance; at the end of a run. Never rejects. */
  giveBack(signal: AbortSignal): Promise<void> {
    void signal;
    return Promise.resolve();
  }
}
