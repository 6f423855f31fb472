/**
 * A process that is paused as a whole: nothing of it goes on, neither what it was doing nor its timers, while the world does. When it goes on, what it
 * was doing does so first: its timers fire when the next thing it asks for is answered.
 */
import type { Clock } from '../../src/contracts/clock.ts';
import type { Tap } from './tapped.ts';

export class Freezer {
  #thawed: Promise<void> = Promise.resolve();
  #thaw: () => void = () => undefined;
  #timers: Promise<void> = Promise.resolve();
  #thawTimers: () => void = () => undefined;
  #pauses = 0;
  isFrozen = false;
  /** Calls that it waits for. */
  pending = 0;

  freeze(): void {
    this.isFrozen = true;
    this.#pauses += 1;
    this.#thawed = new Promise((resolve) => (this.#thaw = resolve));
    this.#timers = new Promise((resolve) => (this.#thawTimers = resolve));
  }

  thaw(): void {
    this.isFrozen = false;
    this.#thaw();
  }

  /** To be put into each of its seams. */
  readonly tap: Tap = async (_what, work) => {
    await this.#thawed;
    this.pending += 1;
    const pauses = this.#pauses;
    try {
      return await work();
    } finally {
      this.pending -= 1;
      if (!this.isFrozen && pauses === this.#pauses) this.#thawTimers();
      await this.#thawed;
    }
  };

  /** Its clock: time passes for it too, and it notices when it wakes. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      wallTime: () => clock.wallTime(),
      sleep: async (ms, signal) => {
        try {
          await clock.sleep(ms, signal);
        } finally {
          if (!signal.aborted) await this.#timers;
        }
      },
    };
  }
}
