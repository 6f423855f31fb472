/** A wake-up that carries nothing: many rings before somebody listens are one, and none is lost. For one listener. */
import type { Clock } from '../contracts/clock.ts';
import { WeftError } from '../core/errors.ts';

export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Returns when it was rung since the last return, or after `ms` (Infinity: never). Rejects with ABORTED when the signal fires. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    if (!signal.aborted && !this.#rung && ms > 0)
      await (ms === Infinity ? this.#untilRung(signal) : this.#sleep(clock, ms, signal));
    this.#wake = undefined;
    if (signal.aborted) throw new WeftError('ABORTED', 'the wait was ended', { cause: signal.reason });
    this.#rung = false;
  }

  async #sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    this.#wake = end;
    signal.addEventListener('abort', end, { once: true });
    try {
      await clock.sleep(ms, ended.signal);
    } catch (error) {
      if (!ended.signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  #untilRung(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        resolve();
      };
      this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
