/**
 * The lock of a run, after amazon-dynamodb-lock-client: nobody's clock is compared with another's.
 *
 *   free ──► held ──(a beat every 10 s, each a new version)──► released
 *              └─(no beat got through for nine tenths of the lease, by the holder's own clock)──► lost
 *   rival: sees one version unchanged for the whole lease, by its own clock ──► takes over, if it is that version still
 */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records, StoredRecord } from '../contracts/records.ts';
import { asWeftError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { LockBeats } from './lock-beats.ts';

export const RUN_LOCK_KEY = 'reconciler';

export interface RunLockParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface RunLockSettings {
  /** For people: who holds it. */
  readonly owner: string;
  /** Which lock; a run's, if not given. */
  readonly key?: string;
  readonly leaseMs?: number;
  readonly beatMs?: number;
}

export interface HeldLock {
  /** For so long from now nobody else can hold it; 0: it is lost, for good. */
  validForMs(): number;
  /** Fires when it is lost, at the latest with the end of what `validForMs` said. */
  readonly lost: AbortSignal;
  /** Ends the beats, and lets others have it at once. Where the store is away it runs out by itself. Never rejects. */
  release(signal: AbortSignal): Promise<void>;
}

const VERSION = 1;
/** Above twice the deadline of a call to the cloud: a lock that has missed one beat is good for another call. */
const LEASE_MS = 45_000;
const BEAT_MS = 10_000;
/** Another hand's word is believed up to here: a run that sees the lock for the first time waits longer. */
const LONGEST_LEASE_MS = 50_000;
const LOOK_MS = 5000;

interface Seen {
  readonly version: string;
  readonly sinceMs: number;
}

/** One for a process: what it has seen of a holder counts at the next `acquire`. */
export class RunLock {
  readonly #parts: RunLockParts;
  readonly #owner: string;
  readonly #key: string;
  readonly #leaseMs: number;
  readonly #beatMs: number;
  #seen: Seen | undefined;
  #holder: string | undefined;

  constructor(
    parts: RunLockParts,
    { owner, key = RUN_LOCK_KEY, leaseMs = LEASE_MS, beatMs = BEAT_MS }: RunLockSettings,
  ) {
    this.#parts = parts;
    this.#owner = owner;
    this.#key = key;
    this.#leaseMs = leaseMs;
    this.#beatMs = beatMs;
  }

  /** Who held it when it was looked at last; undefined: nobody, or nobody who says his name. */
  get holder(): string | undefined {
    return this.#holder;
  }

  /**
   * @param waitMs for how long another holder is waited for; 0: one look, Infinity: until it is ours
   * @returns undefined when another holds it. Rejects with what the store says, or ABORTED
   */
  async acquire(waitMs: number, signal: AbortSignal): Promise<HeldLock | undefined> {
    const { clock, random } = this.#parts;
    const untilMs = clock.now() + waitMs;
    for (;;) {
      const { held, againMs } = await this.#look(signal);
      if (held !== undefined) return held;
      const leftMs = untilMs - clock.now();
      if (leftMs <= 0) return undefined;
      const lookMs = LOOK_MS * (0.8 + 0.4 * random.fraction());
      await clock.sleep(Math.min(againMs, lookMs, leftMs), signal);
    }
  }

  async #look(signal: AbortSignal): Promise<{ readonly held?: HeldLock; readonly againMs: number }> {
    const { records, clock, log } = this.#parts;
    const { records: locks, skipped } = await records.list('lock', signal);
    const record = locks.get(this.#key);
    const isSkipped = skipped.some(({ key }) => key === this.#key);
    if (record === undefined && !isSkipped) {
      this.#seen = undefined;
      this.#holder = undefined;
      return this.#take('absent', signal);
    }
    const lock = record === undefined ? undefined : readLock(record.value);
    const version = record?.version ?? 'unreadable';
    this.#holder = lock?.owner;
    if (this.#seen?.version !== version) {
      this.#seen = { version, sinceMs: clock.now() };
      if (lock === undefined)
        log.warn({ entry: this.#key }, 'lock of the reconciler cannot be read, and is waited out');
    }
    const leaseMs = Math.max(this.#leaseMs, Math.min(lock?.leaseMs ?? 0, LONGEST_LEASE_MS));
    const againMs = this.#seen.sinceMs + leaseMs - clock.now();
    if (againMs > 0) return { againMs };
    if (record === undefined) {
      // There is no version that a taking over could be tied to: of two who write now neither holds it, until what stands then was waited out too.
      const written = await records.put('lock', this.#key, this.#value('none', 0), undefined, signal);
      this.#seen = { version: written.version, sinceMs: clock.now() };
      return { againMs: leaseMs };
    }
    log.info({ node: lock?.owner }, 'lock of a run that did not release it is taken over');
    return this.#take(record.version, signal);
  }

  async #take(version: string, signal: AbortSignal): Promise<{ readonly held?: HeldLock; readonly againMs: number }> {
    const { records, clock, random } = this.#parts;
    const mark = `${random.below(2 ** 31).toString(36)}-${random.below(2 ** 31).toString(36)}`;
    const sentMs = clock.now();
    let stored: StoredRecord;
    try {
      stored = await records.put('lock', this.#key, this.#value(mark, 0), version, signal);
    } catch (error) {
      if (asWeftError(error).code !== 'RECORD_CHANGED') throw error;
      return { againMs: 0 };
    }
    this.#seen = undefined;
    this.#holder = this.#owner;
    return {
      held: new LockBeats(this.#parts, {
        key: this.#key,
        leaseMs: this.#leaseMs,
        beatMs: this.#beatMs,
        value: (beat) => this.#value(mark, beat),
        isOurs: (value, beat) => isJsonObject(value) && value['mark'] === mark && value['beat'] === beat,
        first: { version: stored.version, sentMs },
      }),
      againMs: 0,
    };
  }

  #value(mark: string, beat: number): JsonObject {
    return { v: VERSION, owner: this.#owner, leaseMs: this.#leaseMs, mark, beat };
  }
}

function readLock(value: JsonValue): { readonly owner: string; readonly leaseMs: number } | undefined {
  if (!isJsonObject(value) || value['v'] !== VERSION) return undefined;
  const { owner, leaseMs } = value;
  if (typeof owner !== 'string' || !/^[A-Za-z0-9._-]{1,128}$/.test(owner)) return undefined;
  if (typeof leaseMs !== 'number' || !Number.isFinite(leaseMs) || leaseMs <= 0) return undefined;
  return { owner, leaseMs };
}
