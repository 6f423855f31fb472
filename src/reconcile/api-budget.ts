/**
 * How many calls may be made to the cloud's API, for all who write routes of this network together: a token bucket in a record.
 *
 * Who has seen the record before counts the time since by his own monotonic clock. Only of the first look the wall clock tells how long ago the
 * record was written, and a bucket never holds more than its burst: a clock that jumps gains one burst, once.
 */
import type { Clock } from '../contracts/clock.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import {
  bucketAt,
  bucketToJson,
  emptyBucket,
  fillsInMs,
  fullBucket,
  readBucket,
  refusedBucket,
  type ApiRate,
  type Bucket,
} from '../core/shared-bucket.ts';

export type { ApiRate } from '../core/shared-bucket.ts';

export interface ApiBudgetParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
}

export const API_BUDGET_KEY = 'calls';

/** Taken in advance, so that not each call costs a write to the store. */
const PORTION = 10;
/** Refusals of one moment are one. */
const THROTTLE_GAP_MS = 1000;
/** Each time that one's turn fails, another's has succeeded. */
const TURNS = 50;
const TURN_MS = 200;

interface Known {
  /** What the next write compares with; undefined: it cannot be compared with what stands there. */
  readonly version: string | 'absent' | undefined;
  readonly bucket: Bucket;
  /** Of `Clock.now()`: when the bucket was as it says. */
  readonly asOfMs: number;
}

/** One for a process. */
export class ApiBudget {
  readonly #parts: ApiBudgetParts;
  readonly #rate: ApiRate;
  /** As the record was read or written last; undefined: it has to be read. */
  #known: Known | undefined;
  /** When that was, whatever has become of it. */
  #metMs: number | undefined;
  #pocket = 0;
  #throttledMs = -Infinity;
  #isThrottled = false;

  constructor(parts: ApiBudgetParts, rate: ApiRate) {
    this.#parts = parts;
    this.#rate = rate;
  }

  /**
   * Resolves when so many calls may be made: true. False, with nothing taken, when that would be after `untilMs` of `Clock.now()`. Rejects with what the
   * store says, or ABORTED.
   */
  async take(calls: number, untilMs: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts;
    while (this.#pocket < calls) {
      const need = calls - this.#pocket;
      const empty = await this.#draw(need, signal);
      if (empty === undefined) continue;
      const { perSecond, burst } = this.#rate;
      const leftMs = untilMs - clock.now();
      const atLeastMs = fillsInMs(empty, Math.min(need, burst), this.#rate);
      if (atLeastMs > leftMs) return false;
      // A second's worth at once: not one write to the store for each call.
      const portion = Math.min(Math.max(need, perSecond * empty.share), burst);
      await clock.sleep(Math.min(fillsInMs(empty, portion, this.#rate), Math.max(atLeastMs, leftMs)), signal);
    }
    this.#pocket -= calls;
    return true;
  }

  /** The cloud said that there are too many: half the rate from now on, for everybody, and step by step more again. */
  throttled(): void {
    const nowMs = this.#parts.clock.now();
    if (nowMs < this.#throttledMs + THROTTLE_GAP_MS) return;
    this.#throttledMs = nowMs;
    this.#isThrottled = true;
    this.#pocket = 0;
  }

  /** Gives back what was taken in advance; at the end of a run. Never rejects. */
  async giveBack(signal: AbortSignal): Promise<void> {
    if (this.#pocket === 0 && !this.#isThrottled) return;
    const back = this.#pocket;
    this.#pocket = 0;
    try {
      await this.#change((bucket) => ({ ...bucket, tokens: bucket.tokens + back }), signal);
    } catch {
      // A few calls fewer, for a few seconds.
    }
  }

  /** @returns undefined: something was drawn; else the bucket, in which there is nothing */
  async #draw(need: number, signal: AbortSignal): Promise<Bucket | undefined> {
    let drawn = 0;
    const bucket = await this.#change((now) => {
      drawn = Math.min(Math.floor(now.tokens), Math.max(need, PORTION));
      return drawn < 1 ? undefined : { ...now, tokens: now.tokens - drawn };
    }, signal);
    this.#pocket += drawn;
    return drawn > 0 ? undefined : bucket;
  }

  /** Writes what `step` makes of the bucket as it is now; undefined: it stays. @returns as it is then */
  async #change(step: (bucket: Bucket) => Bucket | undefined, signal: AbortSignal): Promise<Bucket> {
    const { records, clock, random } = this.#parts;
    for (let turn = 1; turn <= TURNS; turn++) {
      const known = this.#known ?? (await this.#look(signal));
      const nowMs = clock.now();
      const isThrottled = this.#isThrottled;
      const filled = bucketAt(known.bucket, nowMs - known.asOfMs, this.#rate);
      const bucket = isThrottled ? refusedBucket(filled) : filled;
      const next = step(bucket);
      this.#known = known;
      if (next === undefined && !isThrottled) return bucket;
      const value = bucketToJson({ ...(next ?? bucket), wallMs: clock.wallTime() });
      this.#known = undefined;
      try {
        const { version } = await records.put('budget', API_BUDGET_KEY, value, known.version, signal);
        this.#known = { version, bucket: next ?? bucket, asOfMs: nowMs };
        this.#metMs = nowMs;
        if (isThrottled) this.#isThrottled = false;
        return next ?? bucket;
      } catch (error) {
        if (asWeftError(error).code !== 'RECORD_CHANGED') throw error;
      }
      await clock.sleep(TURN_MS * random.fraction(), signal);
    }
    throw new WeftError('STORE_CONFLICT', `the budget of calls was changed by others ${TURNS} times`);
  }

  async #look(signal: AbortSignal): Promise<Known> {
    const { records, clock } = this.#parts;
    const list = await records.list('budget', signal);
    const nowMs = clock.now();
    const metMs = this.#metMs ?? -Infinity;
    this.#metMs = nowMs;
    const record = list.records.get(API_BUDGET_KEY);
    if (record === undefined) {
      const isSpoiled = list.skipped.some(({ key }) => key === API_BUDGET_KEY);
      return isSpoiled
        ? { version: undefined, bucket: emptyBucket, asOfMs: nowMs }
        : { version: 'absent', bucket: fullBucket(this.#rate), asOfMs: nowMs };
    }
    const stored = readBucket(record.value, this.#rate);
    if (stored === undefined) return { version: record.version, bucket: emptyBucket, asOfMs: nowMs };
    // Whoever wrote it has counted what came until then, and that was after this process met it last.
    const agoMs = Math.min(Math.max(0, clock.wallTime() - stored.wallMs), nowMs - metMs);
    return { version: record.version, bucket: stored, asOfMs: nowMs - agoMs };
  }
}
