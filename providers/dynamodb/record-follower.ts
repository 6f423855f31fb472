/** Records of one kind: read as a list, and followed. */
import type { RecordKind, RecordList, StoredRecord } from '../../src/contracts/records.ts';
import { Bell } from '../../src/core/bell.ts';
import { applyDeltas, wants, type Delta, type Interest } from './deltas.ts';
import type { Follower } from './feed.ts';
import type { Base } from './load.ts';
import { rowsUnder } from './partition.ts';
import type { Row } from './rows.ts';
import { recordRows } from './sort-keys.ts';

export const recordInterest = (kind: RecordKind): Interest => [rowsUnder(recordRows(kind))];

export function recordList(kind: RecordKind, rows: ReadonlyMap<string, Row>): RecordList {
  const records = new Map<string, StoredRecord>();
  const skipped: { readonly key: string; readonly why: string }[] = [];
  for (const [name, row] of rows) {
    if (row.kind === 'record') records.set(row.key, { key: row.key, value: row.value, version: row.version });
    else if (row.kind === 'bad') skipped.push({ key: name.slice(recordRows(kind).length), why: row.why });
  }
  return { records, skipped };
}

export class RecordFollower implements Follower {
  readonly interest: Interest;
  readonly startsFrom = 'snapshot';
  readonly #kind: RecordKind;
  readonly #bell = new Bell();
  #rows = new Map<string, Row>();

  constructor(kind: RecordKind) {
    this.#kind = kind;
    this.interest = recordInterest(kind);
  }

  restart(base: Base): void {
    this.#rows = base.rows;
    this.#bell.ring();
  }

  apply(deltas: readonly Delta[]): void {
    const mine = deltas.filter(({ row }) => row !== undefined && wants(this.interest, row));
    if (applyDeltas(this.#rows, mine).length > 0) this.#bell.ring();
  }

  dueMs(): undefined {
    return undefined;
  }

  leases(): undefined {
    return undefined;
  }

  trouble(): void {
    // The lease watch of the same feed tells of it.
  }

  next(signal: AbortSignal): Promise<void> {
    return this.#bell.heard(signal);
  }

  take(): RecordList {
    return recordList(this.#kind, this.#rows);
  }
}
