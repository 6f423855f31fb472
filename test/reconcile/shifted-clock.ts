/** The clock of one process among others on a `ManualClock`: it booted at another time, and may think of the hour what it likes. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { ManualClock } from '../fakes/manual-clock.ts';

export class ShiftedClock implements Clock {
  readonly #clock: ManualClock;
  readonly #bootMs: number;
  /** What this machine's wall clock is off by. */
  wallMs: number;

  constructor(clock: ManualClock, wallMs = 0) {
    this.#clock = clock;
    this.#bootMs = clock.now();
    this.wallMs = wallMs;
  }

  now(): number {
    return this.#clock.now() - this.#bootMs;
  }

  wallTime(): number {
    return this.#clock.wallTime() + this.wallMs;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }
}
