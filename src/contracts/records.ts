import type { JsonValue } from '../core/json.ts';

/** The kinds of record there are; each is a list of its own. */
export type RecordKind =
  | 'reservation'
  | 'ledger'
  | 'writer'
  | 'held'
  | 'audit'
  | 'lock'
  | 'budget'
  | 'expiry'
  | 'waiting'
  | 'leaving'
  | 'run'
  | 'challenge';

export interface StoredRecord {
  /** Unique within its kind. 1 to 200 characters of `A-Z a-z 0-9 . _ : / -`. */
  readonly key: string;
  readonly value: JsonValue;
  /** Opaque; changes with each write. */
  readonly version: string;
}

/** A record that could not be read stays out of the list and is named here. */
export interface RecordList {
  readonly records: ReadonlyMap<string, StoredRecord>;
  readonly skipped: readonly { readonly key: string; readonly why: string }[];
}

/**
 * Small versioned records beside the leases: ledger, reservations, audit, run locks, budgets, observations. A value is at most 32 KiB of JSON.
 * Errors and deadlines as in LeaseStore.
 */
export interface Records {
  /** All records of a kind, complete, as of a moment not before the call. */
  list(kind: RecordKind, signal: AbortSignal): Promise<RecordList>;

  /**
   * Writes one record. `ifVersion`: 'absent' writes only where none is, a version only over that version, undefined always.
   * RECORD_CHANGED when it stands otherwise; then nothing was written.
   */
  put(
    kind: RecordKind,
    key: string,
    value: JsonValue,
    ifVersion: string | 'absent' | undefined,
    signal: AbortSignal,
  ): Promise<StoredRecord>;

  /** Removes one record; of one that is gone already: succeeds. `ifVersion` as in `put`. */
  remove(kind: RecordKind, key: string, ifVersion: string | undefined, signal: AbortSignal): Promise<void>;

  /** Adds to a counter, which starts at 0, atomically; the sum after it. `by` 0 reads. Whole numbers up to 2^53. */
  add(counter: string, by: number, signal: AbortSignal): Promise<number>;

  /**
   * Complete lists for ever: the first at once, then after each change, conflated. Losing touch yields nothing and ends nothing. What nodes watch
   * (reservation, ledger, writer, held, challenge) is fed by the leases' own change feed; the other kinds may be read anew at intervals. Ends with the signal.
   */
  watch(kind: RecordKind, signal: AbortSignal): AsyncIterable<RecordList>;
}
