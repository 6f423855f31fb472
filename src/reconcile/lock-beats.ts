/** A lock that is held: its beats, and for how long it is certain that nobody else has it. */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Records } from '../contracts/records.ts';
import { asWeftError } from '../core/errors.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { HeldLock } from './run-lock.ts';

export interface LockBeatsParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Beating {
  readonly key: string;
  readonly leaseMs: number;
  readonly beatMs: number;
  /** What the record says at one beat; `isOurs`: it is the very one that this holder wrote. */
  value(beat: number): JsonObject;
  isOurs(value: JsonValue, beat: number): boolean;
  readonly first: { readonly version: string; readonly sentMs: number };
}

/** Two clocks of one speed differ by far less than the tenth that is left out. */
const CERTAIN = 0.9;
/** After a beat that the store did not take. */
const RETRY_MS = 1000;

export class LockBeats implements HeldLock {
  readonly #parts: LockBeatsParts;
  readonly #beating: Beating;
  readonly #lost = new AbortController();
  readonly #ended = new AbortController();
  /** The lock goes on in the store until then, whatever is heard of it: counted from before it was written. */
  #untilMs: number;
  #version: string;
  #beats = 0;
  readonly #running: Promise<unknown>;

  constructor(parts: LockBeatsParts, beating: Beating) {
    this.#parts = parts;
    this.#beating = beating;
    this.#version = beating.first.version;
    this.#untilMs = beating.first.sentMs + CERTAIN * beating.leaseMs;
    this.#running = Promise.all([this.#beatOn(), this.#watch()]);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  validForMs(): number {
    if (this.#ended.signal.aborted) return 0;
    const leftMs = this.#untilMs - this.#parts.clock.now();
    if (leftMs > 0) return leftMs;
    this.#lose('no beat got through for too long');
    return 0;
  }

  async release(signal: AbortSignal): Promise<void> {
    this.#ended.abort();
    await this.#running;
    const { records, log } = this.#parts;
    try {
      await records.remove('lock', this.#beating.key, this.#version, signal);
    } catch (error) {
      const { code, message } = asWeftError(error);
      // Another has it by now, as it may when it was lost.
      if (code !== 'RECORD_CHANGED') log.warn({ code, error: message }, 'lock could not be released, and runs out');
    }
  }

  async #watch(): Promise<void> {
    for (let leftMs = this.validForMs(); leftMs > 0; leftMs = this.validForMs()) await this.#sleep(leftMs);
  }

  async #beatOn(): Promise<void> {
    const { clock } = this.#parts;
    let pauseMs = this.#beating.beatMs;
    for (;;) {
      await this.#sleep(pauseMs);
      if (this.validForMs() === 0) return;
      const sentMs = clock.now();
      const isWritten = await this.#beat();
      // Asked again: what the store took too late does not bring back what was lost meanwhile.
      if (this.validForMs() === 0) return;
      if (isWritten) this.#untilMs = sentMs + CERTAIN * this.#beating.leaseMs;
      pauseMs = isWritten ? this.#beating.beatMs : Math.min(RETRY_MS, this.#beating.beatMs);
    }
  }

  /** Rejects never; ends by the store's own deadline. Not ended by `release`, so that the version stays known. */
  async #beat(): Promise<boolean> {
    const { records } = this.#parts;
    const { key, value } = this.#beating;
    const { signal } = new AbortController();
    try {
      this.#beats += 1;
      this.#version = (await records.put('lock', key, value(this.#beats), this.#version, signal)).version;
      return true;
    } catch (error) {
      return asWeftError(error).code === 'RECORD_CHANGED' && this.#recognise(signal);
    }
  }

  /** An answer of a beat before may have been lost, and the beat be written. */
  async #recognise(signal: AbortSignal): Promise<boolean> {
    const { key, isOurs } = this.#beating;
    try {
      const record = (await this.#parts.records.list('lock', signal)).records.get(key);
      for (let beat = this.#beats; record !== undefined && beat > 0; beat--) {
        if (!isOurs(record.value, beat)) continue;
        this.#version = record.version;
        return false;
      }
      this.#lose(record === undefined ? 'somebody has removed its record' : 'another has taken it');
    } catch {
      // The next beat finds out.
    }
    return false;
  }

  #lose(why: string): void {
    if (this.#ended.signal.aborted) return;
    this.#parts.log.warn({ why }, 'lock is lost');
    this.#lost.abort();
    this.#ended.abort();
  }

  async #sleep(ms: number): Promise<void> {
    try {
      await this.#parts.clock.sleep(ms, this.#ended.signal);
    } catch (error) {
      if (!this.#ended.signal.aborted) throw error;
    }
  }
}
