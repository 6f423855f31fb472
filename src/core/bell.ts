/** A wake-up that carries nothing: many rings before somebody listens are one, and none is lost. For one listener at a time. */
import { WeftError } from './errors.ts';

/** The part of a clock that waiting needs: rejects when the signal fires. */
export interface Sleeper {
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** What it was rung for so far has been seen to. */
  hush(): void {
    this.#rung = false;
  }

  /** Resolves when it was rung since the last return, or when the signal fires, which uses up no ring. */
  async heard(signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) await this.#untilRung(signal);
    if (!signal.aborted) this.#rung = false;
  }

  /** As `heard`, but returns after `ms` at the latest (Infinity: never), and rejects with ABORTED when the signal fires. */
  async wait(sleeper: Sleeper, ms: number, signal: AbortSignal): Promise<void> {
    if (!signal.aborted && !this.#rung && ms > 0)
      await (ms === Infinity ? this.#untilRung(signal) : this.#sleep(sleeper, ms, signal));
    if (signal.aborted) throw new WeftError('ABORTED', 'the wait was ended', { cause: signal.reason });
    this.#rung = false;
  }

  async #sleep(sleeper: Sleeper, ms: number, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const end = (): void => ended.abort();
    this.#wake = end;
    signal.addEventListener('abort', end, { once: true });
    try {
      await sleeper.sleep(ms, ended.signal);
    } catch (error) {
      if (!ended.signal.aborted) throw error;
    } finally {
      this.#wake = undefined;
      signal.removeEventListener('abort', end);
    }
  }

  #untilRung(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#wake = undefined;
        signal.removeEventListener('abort', end);
        resolve();
      };
      this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
