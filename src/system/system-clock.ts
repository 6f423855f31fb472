/**
 * The clock of this host. Node reads CLOCK_MONOTONIC, which stands still while the host is suspended; the kernel's uptime is
 * CLOCK_BOOTTIME (proc_uptime(5)), but in steps of 10 ms. So: the monotonic clock, moved ahead by every jump of the uptime against it.
 */
import os from 'node:os';
import type { Clock } from '../contracts/clock.ts';
import { WeftError } from '../core/errors.ts';

/** Uptime comes in steps of 10 ms, and the two are not read at one instant: what differs by less is no suspend. */
const NOISE_MS = 25;

/**
 * A timer counts CLOCK_MONOTONIC too: a long sleep looks at the clock this often, so that it ends soon after the host wakes up. It also
 * keeps below setTimeout's limit of 2^31 ms.
 */
const LOOK_EVERY_MS = 10_000;

/** To ask for the uptime opens a file, 20 µs each time: not twice within this, which a pass over thousands of peers would do. */
const UPTIME_FOR_MS = 1;

export interface ClockSources {
  monotonicMs(): number;
  uptimeMs(): number;
  wallMs(): number;
}

const HOST: ClockSources = {
  monotonicMs: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
  uptimeMs: () => os.uptime() * 1000,
  wallMs: () => Date.now(),
};

export class SystemClock implements Clock {
  readonly #sources: ClockSources;
  /** How far CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC. Never shrinks. */
  #aheadMs: number;
  #lookedAtMs = -Infinity;

  constructor(sources: ClockSources = HOST) {
    this.#sources = sources;
    this.#aheadMs = sources.uptimeMs() - sources.monotonicMs();
  }

  now(): number {
    const monotonicMs = this.#sources.monotonicMs();
    if (monotonicMs - this.#lookedAtMs >= UPTIME_FOR_MS) {
      this.#lookedAtMs = monotonicMs;
      const aheadMs = this.#sources.uptimeMs() - monotonicMs;
      if (aheadMs > this.#aheadMs + NOISE_MS) this.#aheadMs = aheadMs;
    }
    return monotonicMs + this.#aheadMs;
  }

  wallTime(): number {
    return this.#sources.wallMs();
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const until = this.now() + ms;
    for (let left = ms; left > 0 || signal.aborted; left = until - this.now()) {
      await timer(Math.min(left, LOOK_EVERY_MS), signal);
    }
  }
}

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timeout);
      reject(new WeftError('ABORTED', 'the wait was ended', { cause: signal.reason }));
    };
    if (signal.aborted) {
      reject(new WeftError('ABORTED', 'the wait was ended', { cause: signal.reason }));
      return;
    }
    const timeout = setTimeout(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', abort, { once: true });
  });
}
