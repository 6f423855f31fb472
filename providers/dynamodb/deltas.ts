/** The feed's entries as read: what each change made of its row. */
import type { Plain } from './attributes.ts';
import { rowsUnder, type Partition, type Range, type Reading } from './partition.ts';
import { readRow, type Row } from './rows.ts';
import { deltaRow, seqOfDelta } from './sort-keys.ts';
import { SORT_KEY } from './table.ts';

export interface Delta {
  readonly seq: number;
  /** The row that changed; undefined when nothing did. */
  readonly row: string | undefined;
  /** What it says now; undefined: it was removed, or is none that we know. */
  readonly content: Row | undefined;
}

/** How far behind the counter a number may still be on its way to the table. */
export const OPEN_NUMBERS = 1000;

/** Rows that somebody wants to know of. */
export type Interest = readonly Range[];

export const wants = (interest: Interest, row: string): boolean =>
  interest.some(({ from, to }) => row >= from && row <= to);

/** All deltas behind a number, in order. What another hand wrote between them is passed over. */
export async function readDeltas(
  partition: Partition,
  after: number,
  interest: Interest,
  reading: Reading,
  signal: AbortSignal,
): Promise<readonly Delta[]> {
  const deltas: Delta[] = [];
  const range = { from: deltaRow(after + 1), to: rowsUnder('delta#').to };
  for await (const page of partition.pages(range, reading, signal)) {
    for (const item of page) {
      const seq = seqOfDelta(String(item[SORT_KEY]));
      if (seq !== undefined) deltas.push(readDelta(seq, item, interest));
    }
  }
  return deltas;
}

function readDelta(seq: number, item: Plain, interest: Interest): Delta {
  const { row } = item;
  if (item['void'] === true) return { seq, row: undefined, content: undefined };
  // Another hand's, and it may hide the change of that number: reported like any row that cannot be read.
  if (typeof row !== 'string')
    return {
      seq,
      row: deltaRow(seq),
      content: { kind: 'bad', row: deltaRow(seq), seq, why: 'attribute "row" is no string' },
    };
  if (!wants(interest, row)) return { seq, row: undefined, content: undefined };
  if (item['removed'] === true) return { seq, row, content: undefined };
  return { seq, row, content: readRow(row, { ...item, seq }) };
}

/** Puts deltas into a copy of the rows, in any order and any number of times: a row keeps the newest change. Returns the rows that differ now. */
export function applyDeltas(rows: Map<string, Row>, deltas: readonly Delta[]): readonly string[] {
  const changed: string[] = [];
  for (const { seq, row, content } of deltas) {
    if (row === undefined) continue;
    const standing = rows.get(row);
    if (standing !== undefined && standing.seq >= seq) continue;
    if (content !== undefined) rows.set(row, content);
    else if (!rows.delete(row)) continue;
    changed.push(row);
  }
  return changed;
}

/** The numbers from behind `after` up to `to` of which no delta stands, in order. */
export function holesIn(deltas: readonly Delta[], after: number, to: number): readonly number[] {
  const present = new Set(deltas.map(({ seq }) => seq));
  const holes: number[] = [];
  for (let seq = after + 1; seq <= to; seq++) if (!present.has(seq)) holes.push(seq);
  return holes;
}
