/** Tells what was done to the cloud: each entry as a line of the log at once, and in `Records`, a hundred to a record, for `weftd audit`. */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import {
  auditEntryToJson,
  auditKey,
  auditKeyTime,
  auditRecord,
  MOST_ENTRIES,
  MOST_ENTRY_BYTES,
  type AuditEntry,
} from '../core/audit.ts';
import { asWeftError, type WeftError } from '../core/errors.ts';
import { inParallel } from '../core/in-parallel.ts';
import { isoTime } from '../core/iso-time.ts';

export interface AuditParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export type Audited = Omit<AuditEntry, 'at' | 'by'>;

/** Entries of a run that is cut are lost to `weftd audit` for no longer than this; they stand in the log. */
const WRITE_EVERY_MS = 5000;
const KEPT_MS = 30 * 24 * 3_600_000;
/**
 * At once: a wall clock that jumps ahead takes no more with it than this. Far more than is written between two prunings, so that the audit does not grow
 * without end.
 */
const MOST_PRUNED = 1000;
const PRUNED_AT_ONCE = 8;
/** A store that is away for long must not fill the memory. */
const MOST_KEPT = 10_000;

/** One for a run, or for a daemon. */
export class AuditLog {
  readonly #parts: AuditParts;
  readonly #by: string;
  readonly #entries: AuditEntry[] = [];
  #unwritten: AuditEntry[] = [];
  /** Of the record to be written next. */
  #mark: string;
  #writtenMs: number;
  #trouble: WeftError | undefined;
  #flushing: Promise<void> | undefined;

  /** @param by node id, or the reconciler's name */
  constructor(parts: AuditParts, by: string) {
    this.#parts = parts;
    this.#by = by;
    this.#mark = mark(parts.random);
    this.#writtenMs = parts.clock.now();
  }

  /** All that was added, in order; of very many the last ten thousand. */
  get entries(): readonly AuditEntry[] {
    return this.#entries;
  }

  /** Why the last writing failed; undefined: it did not. What is not written is tried again with the next. */
  get trouble(): WeftError | undefined {
    return this.#trouble;
  }

  /** Logs it at once, and writes records when they are full or have waited for a few seconds. Rejects with ABORTED alone. */
  async add(audited: Audited, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const entry: AuditEntry = { at: isoTime(clock.wallTime()), by: this.#by, ...audited };
    const { action, table, destination, before, after, node, epoch, why } = entry;
    log.info({ action, entry: table, subnet: destination, before, after, node, epoch, why }, 'cloud was changed');
    for (const list of [this.#entries, this.#unwritten]) {
      list.push(entry);
      if (list.length > MOST_KEPT) list.shift();
    }
    // While the store is away no change to the cloud has to wait for it.
    const isFull = this.#unwritten.length >= MOST_ENTRIES && this.#trouble === undefined;
    if (isFull || clock.now() >= this.#writtenMs + WRITE_EVERY_MS) await this.flush(signal);
  }

  /** Writes what is not written yet; whoever asks meanwhile waits for the same writing. Rejects with ABORTED alone. */
  async flush(signal: AbortSignal): Promise<void> {
    this.#flushing ??= this.#flush(signal).finally(() => (this.#flushing = undefined));
    await this.#flushing;
  }

  async #flush(signal: AbortSignal): Promise<void> {
    this.#writtenMs = this.#parts.clock.now();
    try {
      while (this.#unwritten.length > 0) await this.#write(signal);
      this.#trouble = undefined;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#trouble = asWeftError(error);
    }
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { records, random } = this.#parts;
    const entries = firstRecord(this.#unwritten);
    const [first] = entries;
    if (first === undefined) return;
    try {
      await records.put('audit', auditKey(first.at, this.#mark), auditRecord(entries), 'absent', signal);
    } catch (error) {
      // Another's of the same moment, or our own after a lost answer: `weftd audit` shows what stands twice once.
      if (asWeftError(error).code !== 'RECORD_CHANGED') throw error;
      this.#mark = mark(random);
      return;
    }
    this.#mark = mark(random);
    this.#unwritten = this.#unwritten.filter((entry) => !entries.includes(entry));
  }

  /** Removes some records that are older than 30 days. It reads them all: to be called once in a while. Rejects with ABORTED alone. */
  async prune(signal: AbortSignal): Promise<void> {
    const { records, clock, log } = this.#parts;
    const before = isoTime(clock.wallTime() - KEPT_MS);
    try {
      const list = await records.list('audit', signal);
      const keys = [...list.records.keys(), ...list.skipped.map(({ key }) => key)];
      const old = keys.filter((key) => (auditKeyTime(key) ?? before) < before).toSorted();
      await inParallel(old.slice(0, MOST_PRUNED), PRUNED_AT_ONCE, signal, (key, own) =>
        records.remove('audit', key, undefined, own),
      );
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message } = asWeftError(error);
      log.warn({ code, error: message }, 'old audit records could not be removed');
    }
  }
}

const mark = (random: Random): string => `${random.below(2 ** 31).toString(36)}-${random.below(2 ** 31).toString(36)}`;

/** As many as one record takes. */
function firstRecord(entries: readonly AuditEntry[]): readonly AuditEntry[] {
  const encoder = new TextEncoder();
  let bytes = 0;
  let count = 0;
  for (const entry of entries.slice(0, MOST_ENTRIES)) {
    bytes += encoder.encode(JSON.stringify(auditEntryToJson(entry))).length + 1;
    if (bytes > MOST_ENTRY_BYTES) break;
    count += 1;
  }
  return entries.slice(0, Math.max(1, count));
}
