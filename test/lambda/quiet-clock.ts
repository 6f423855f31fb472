/**
 * A clock for programs that speak HTTP and sleep on it: time goes from sleeper to sleeper, and only while no request of this process is under way.
 * So an hour of calls within a rate takes as long as the calls themselves, and means the same on a fast and on a slow machine.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import type { Clock } from '../../src/contracts/clock.ts';
import { WeftError } from '../../src/core/errors.ts';

interface Sleeper {
  readonly until: number;
  readonly number: number;
  readonly wake: () => void;
}

/** Between the end of an answer and what is made of it lie a few turns of the event loop (the SDK reads bodies as streams). */
const QUIET_TURNS = 6;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class QuietClock implements Clock {
  #now = 0;
  readonly #wallAtZero: number;
  readonly #sleepers = new Set<Sleeper>();
  #slept = 0;
  #underWay = 0;
  readonly #onQuiet: (() => void)[] = [];
  readonly #onRequest = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('request' in message)) return;
    if (!(message.request instanceof ClientRequest)) return;
    this.#underWay += 1;
    message.request.once('close', () => {
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const tell of this.#onQuiet.splice(0)) tell();
    });
  };

  constructor(wallTime = Date.UTC(2026, 0, 1)) {
    this.#wallAtZero = wallTime;
    subscribe('http.client.request.start', this.#onRequest);
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
      const leave = (end: () => void): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener('abort', abort);
        end();
      };
      const abort = (): void => leave(() => reject(aborted()));
      const sleeper: Sleeper = { until: this.#now + ms, number: (this.#slept += 1), wake: () => leave(resolve) };
      signal.addEventListener('abort', abort, { once: true });
      this.#sleepers.add(sleeper);
    });
  }

  /** Lets time go on as it is slept for, until the promise settles. */
  async during<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const end = work.then(
      () => (settled = true),
      () => (settled = true),
    );
    for (let quiet = 0; !settled; quiet += 1) {
      // Not by looking again and again: the server that is waited for needs the processor.
      if (this.#underWay > 0) {
        await Promise.race([end, new Promise<void>((resolve) => this.#onQuiet.push(resolve))]);
        quiet = 0;
      }
      await turn();
      const next = quiet < QUIET_TURNS || this.#underWay > 0 ? undefined : this.#first();
      if (next === undefined) continue;
      this.#now = Math.max(this.#now, next.until);
      next.wake();
      quiet = 0;
    }
    return work;
  }

  /** Time in which nobody does anything that is waited for. */
  async pass(ms: number): Promise<void> {
    await this.during(this.sleep(ms, new AbortController().signal));
  }

  close(): void {
    unsubscribe('http.client.request.start', this.#onRequest);
  }

  #first(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers)
      if (
        first === undefined ||
        sleeper.until < first.until ||
        (sleeper.until === first.until && sleeper.number < first.number)
      )
        first = sleeper;
    return first;
  }
}
