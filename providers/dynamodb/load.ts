/** Everything there is to know at one moment, as the start from which the feed is followed. */
import { applyDeltas, holesIn, OPEN_NUMBERS, readDeltas, type Interest } from './deltas.ts';
import type { Partition, Reading } from './partition.ts';
import { readRow, type Row } from './rows.ts';
import { readHead, readSnapshot, type Head } from './snapshot.ts';
import { COUNTER_ROW } from './sort-keys.ts';
import { SORT_KEY } from './table.ts';

export interface Base {
  readonly rows: Map<string, Row>;
  readonly head: Head;
  /** Every change up to this number is in the rows; later ones may be. */
  readonly position: number;
  readonly from: 'rows' | 'snapshot';
}

/** How long a reader waits for a number that was reserved and not yet written: its writer is two calls away, or dead. */
export const BEAT_MS = 500;

/** All rows of interest, one by one. */
export async function readRows(
  partition: Partition,
  interest: Interest,
  reading: Reading,
  signal: AbortSignal,
): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>();
  for (const range of interest) {
    for await (const page of partition.pages(range, reading, signal)) {
      for (const item of page) {
        const row = readRow(String(item[SORT_KEY]), item);
        if (row !== undefined) rows.set(row.row, row);
      }
    }
  }
  return rows;
}

/**
 * From the newest snapshot and what came since, which is cheap however many join at once; from the rows where there is no whole snapshot yet.
 * A hole behind a snapshot can be a change on its way, or one whose delta is gone: the rows tell, unless the caller takes either (`holes: 'any'`).
 */
export async function load(
  partition: Partition,
  interest: Interest,
  options: { readonly from: 'snapshot' | 'rows'; readonly holes: 'settled' | 'any' },
  signal: AbortSignal,
): Promise<Base> {
  const head = readHead(await partition.row(COUNTER_ROW, 'strong', signal));
  if (options.from === 'snapshot' && head.snapshot > 0) {
    const rows = await readSnapshot(partition, head, interest, signal);
    if (rows !== undefined) {
      let base = await caughtUp(partition, { rows, head, from: 'snapshot' }, interest, signal);
      if (options.holes === 'settled' && base.position < head.seq) {
        await partition.clock.sleep(BEAT_MS * (1 + partition.random.fraction()), signal);
        base = await caughtUp(partition, base, interest, signal);
      }
      if (options.holes === 'any' || base.position >= head.seq) return base;
    }
  }
  const rows = await readRows(partition, interest, 'strong', signal);
  return caughtUp(partition, { rows, head, from: 'rows' }, interest, signal);
}

async function caughtUp(
  partition: Partition,
  base: Omit<Base, 'position'>,
  interest: Interest,
  signal: AbortSignal,
): Promise<Base> {
  const { rows, head } = base;
  const after = Math.max(head.snapshot, head.seq - OPEN_NUMBERS);
  const deltas = await readDeltas(
    partition,
    base.from === 'snapshot' ? head.snapshot : after,
    interest,
    'strong',
    signal,
  );
  applyDeltas(rows, deltas);
  const [hole] = holesIn(deltas, after, head.seq);
  return { ...base, position: hole === undefined ? head.seq : hole - 1 };
}
