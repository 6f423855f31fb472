/**
 * A clock that stands still until the test moves it. Sleepers wake in the order of their times, each before time goes further,
 * so that a loop which sleeps again within the span is woken again.
 */
import type { Clock } from '../../src/contracts/clock.ts';
import { WeftError } from '../../src/core/errors.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class ManualClock implements Clock {
  #now: number;
  readonly #wallAtZero: number;
  readonly #sleepers: Sleeper[] = [];
  #onSleep: (() => void)[] = [];

  constructor(now = 0, wallTime = Date.UTC(2026, 0, 1)) {
    this.#now = now;
    this.#wallAtZero = wallTime - now;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#wallAtZero + this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    const aborted = (): WeftError => new WeftError('ABORTED', 'the wait was ended', { cause: signal.reason });
    if (signal.aborted) return Promise.reject(aborted());
    if (ms <= 0) return Promise.resolve();
    return new Promise<void>((resolve, reject) => {
      const sleeper: Sleeper = { until: this.#now + ms, wake: () => leave(resolve) };
      const leave = (end: () => void): void => {
        this.#sleepers.splice(this.#sleepers.indexOf(sleeper), 1);
        signal.removeEventListener('abort', abort);
        end();
      };
      const abort = (): void => leave(() => reject(aborted()));
      signal.addEventListener('abort', abort, { once: true });
      this.#sleepers.push(sleeper);
      for (const tell of this.#onSleep.splice(0)) tell();
    });
  }

  /** How many sleep now. */
  get asleep(): number {
    return this.#sleepers.length;
  }

  /** Resolves when at least `count` sleep: whoever they are, they have done what they had to do before. */
  async untilAsleep(count = 1): Promise<void> {
    while (this.#sleepers.length < count) await new Promise<void>((resolve) => this.#onSleep.push(resolve));
  }

  /** Moves time on. Whoever wakes gets a turn of the event loop, not more: what waits for a socket is not waited for. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    for (let next = this.#first(); next !== undefined && next.until <= target; next = this.#first()) {
      this.#now = Math.max(this.#now, next.until);
      next.wake();
      await turn();
    }
    this.#now = target;
    await turn();
  }

  /**
   * Moves time on from sleeper to sleeper until the promise settles, and only while somebody sleeps. With one loop on this clock time stands still
   * while that loop waits for its store, so that a test means the same on a fast and on a slow machine.
   */
  async during<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const end = promise.then(
      () => (settled = true),
      () => (settled = true),
    );
    for (;;) {
      await Promise.race([end, this.untilAsleep()]);
      await turn();
      if (settled) return promise;
      const next = this.#first();
      if (next !== undefined) await this.advance(Math.max(0, next.until - this.#now));
    }
  }

  #first(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.until < first.until) first = sleeper;
    return first;
  }
}
