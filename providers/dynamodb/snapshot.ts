/**
 * All rows of the feed as of one change, packed: a thousand nodes that join at once read a few items each, not a thousand rows.
 * Anybody may write one, at any time; the counter names the newest, and the rows stay the truth.
 */
import type { gunzipSync } from 'node:zlib';
import type { RecordKind } from '../../src/contracts/records.ts';
import type { Plain } from './attributes.ts';
import { closeHole, DELTA_LIFE_SECONDS } from './changes.ts';
import { holesIn, OPEN_NUMBERS, readDeltas, wants, type Interest } from './deltas.ts';
import { rowsUnder, type Partition } from './partition.ts';
import { readRow, toldItem, type Row } from './rows.ts';
import { CONFIG_ROW, COUNTER_ROW, LEASE_ROWS, recordRows, snapshotRow, snapshotRows } from './sort-keys.ts';
import { PARTITION_KEY, SORT_KEY, TTL_ATTRIBUTE } from './table.ts';

/** Records whose changes go through the feed, since nodes watch them. The others change often and are read by few. */
export const FED_KINDS: readonly RecordKind[] = ['reservation', 'ledger', 'writer', 'held', 'challenge'];

const FED_ROWS: Interest = [
  { from: CONFIG_ROW, to: CONFIG_ROW },
  rowsUnder(LEASE_ROWS),
  ...FED_KINDS.map((kind) => rowsUnder(recordRows(kind))),
];

/** An item may have 400 KB; text that gzip cannot shrink (keys of probes) grows by a few bytes. */
const PART_CHARACTERS = 350_000;

/** What the counter row says. */
export interface Head {
  /** The last number that was reserved. */
  readonly seq: number;
  /** The change that the newest snapshot is of; 0: there is none. */
  readonly snapshot: number;
  readonly parts: number;
}

const count = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;

export const readHead = (item: Plain | undefined): Head => ({
  seq: count(item?.['seq']),
  snapshot: count(item?.['snapshot']),
  parts: count(item?.['parts']),
});

/** So many changes make a new snapshot worth its writing: those who join read what came since, one by one. */
export const snapshotDue = (head: Head, leases: number): boolean =>
  head.seq - head.snapshot >= Math.max(100, leases / 10);

/**
 * Writes a snapshot of all changes so far. For nodes at low odds, and for the reconciler. False: a newer one stands.
 * Every number up to its own is settled first, so that nothing can appear below it afterwards; the rows are read after that, so they hold all of those.
 */
export async function writeSnapshot(partition: Partition, signal: AbortSignal): Promise<boolean> {
  const head = readHead(await partition.row(COUNTER_ROW, 'strong', signal));
  if (head.seq === head.snapshot) return false;
  const after = Math.max(head.snapshot, head.seq - OPEN_NUMBERS);
  const deltas = await readDeltas(partition, after, [], 'strong', signal);
  for (const seq of holesIn(deltas, after, head.seq)) await closeHole(partition, seq, signal);

  const { gzipSync } = await import('node:zlib');
  let parts = 0;
  let lines: string[] = [];
  let characters = 0;
  const ttl = Math.floor((partition.storeTime() ?? partition.clock.wallTime()) / 1000) + DELTA_LIFE_SECONDS;
  const flush = async (): Promise<void> => {
    const data = gzipSync(lines.join('\n'));
    await partition.put(snapshotRow(head.seq, parts), { data, [TTL_ATTRIBUTE]: ttl }, 'none', signal);
    parts += 1;
    lines = [];
    characters = 0;
  };
  for (const range of FED_ROWS) {
    for await (const page of partition.pages(range, 'strong', signal)) {
      for (const item of page) {
        const line = lineOf(item);
        if (characters + line.length > PART_CHARACTERS && lines.length > 0) await flush();
        lines.push(line);
        characters += line.length;
      }
    }
  }
  await flush();
  const named = await partition.update(
    COUNTER_ROW,
    { set: { snapshot: head.seq, parts } },
    { attribute: 'snapshot', below: head.seq },
    true,
    signal,
  );
  return named.done;
}

function lineOf(item: Plain): string {
  const { [PARTITION_KEY]: _, [SORT_KEY]: row, ...attributes } = item;
  return JSON.stringify([row, toldItem(attributes)]);
}

/** The rows of the snapshot that the head names; undefined when it cannot be had whole (deleted by TTL, spoiled): then read the rows. */
export async function readSnapshot(
  partition: Partition,
  head: Head,
  interest: Interest,
  signal: AbortSignal,
): Promise<Map<string, Row> | undefined> {
  // A node that starts with its lease in place needs it not at all.
  const { gunzipSync } = await import('node:zlib');
  const rows = new Map<string, Row>();
  let parts = 0;
  for await (const page of partition.pages(rowsUnder(snapshotRows(head.snapshot)), 'strong', signal)) {
    for (const { data } of page) {
      const lines = data instanceof Uint8Array ? unpack(data, gunzipSync) : undefined;
      if (lines === undefined) return undefined;
      for (const [row, attributes] of lines) {
        const read = wants(interest, row) ? readRow(row, attributes) : undefined;
        if (read !== undefined) rows.set(row, read);
      }
      parts += 1;
    }
  }
  return parts > 0 && parts === head.parts ? rows : undefined;
}

/** Whoever may write the table may have written anything here: bounded, and undefined when it is no part of a snapshot. */
function unpack(data: Uint8Array, gunzip: typeof gunzipSync): (readonly [string, Plain])[] | undefined {
  try {
    const text = gunzip(data, { maxOutputLength: 4 * PART_CHARACTERS }).toString('utf8');
    return text === '' ? [] : text.split('\n').map((line) => readLine(JSON.parse(line)));
  } catch {
    return undefined;
  }
}

function readLine(line: unknown): readonly [string, Plain] {
  if (!Array.isArray(line)) throw new TypeError('a line of a snapshot is no list');
  const [row, attributes]: unknown[] = line;
  if (typeof row !== 'string' || typeof attributes !== 'object' || attributes === null)
    throw new TypeError('a line of a snapshot names no row');
  return [row, attributes as Plain];
}
