/**
 * How a change gets into the feed. Its number is reserved first, then row and delta are written in one transaction: what is in the row is in the
 * feed. A number whose writer died leaves a hole, which a reader closes with an empty delta (`closeHole`); the transaction demands that no delta
 * of its number stands, so a writer that comes late writes nothing and begins again with a new number. Hence a reader that has
 * everything up to a number has it for ever, and nobody compares clocks.
 *
 *   reserve 8 ──► { lease row, delta 8 }            written, or neither
 *   reserve 9 ──► killed        delta 9 missing ──► reader writes { delta 9: void } ──► a late transaction of 9 is refused
 *
 * Deltas go by DynamoDB's TTL, which costs nothing, weeks after the last reader that kept up has seen them.
 */
import { WeftError } from '../../src/core/errors.ts';
import type { Plain } from './attributes.ts';
import type { Condition } from './expression.ts';
import type { Partition, Step } from './partition.ts';
import { toldItem } from './rows.ts';
import { COUNTER_ROW, deltaRow } from './sort-keys.ts';
import { TTL_ATTRIBUTE } from './table.ts';
import type { Outcome } from './transaction-outcome.ts';

/** Far longer than a follower waits before it reads everything anew (Feed), so that it never takes a deleted delta for a hole. */
export const DELTA_LIFE_SECONDS = 14 * 24 * 3600;

export interface Change {
  /** As it reads after "cannot". */
  readonly doing: string;
  readonly row: string;
  readonly condition: Condition;
  /** The row's new content, told the change's number and the store's time; `undefined` removes the row. */
  content(seq: number, storeTimeMs: number): Plain | undefined;
  /** Rows that must stand so as well; they are not written. */
  readonly also?: readonly { readonly row: string; readonly condition: Condition }[];
  /** The network's counter as just read: when nobody else changes anything, one write does it all. */
  readonly counter?: number;
}

export type ChangeOutcome =
  | { readonly done: true; readonly seq: number; readonly row: Plain | undefined }
  /** The row stood otherwise, or (`also`) one of the others did. Nothing was written. */
  | { readonly done: false; readonly refusedBy: 'row' | 'also'; readonly row: Plain | undefined };

/** A number closed under a writer is rare; closed this often in a row, something is wrong. */
const NUMBERS = 8;

export async function change(partition: Partition, wanted: Change, signal: AbortSignal): Promise<ChangeOutcome> {
  if (wanted.counter !== undefined) {
    const outcome = await withoutReserving(partition, wanted, wanted.counter, signal);
    if (outcome !== 'counter moved') return outcome;
  }
  for (let tries = 0; tries < NUMBERS; tries++) {
    const seq = await reserve(partition, signal);
    const { steps, row } = stepsOf(partition, wanted, seq);
    const outcome = await partition
      .transact(wanted.doing, steps, 'fails', signal)
      .catch(async (error: unknown): Promise<Outcome> => {
        // It may have happened or not, or be still on its way. Closing its number settles that: only one of the two can stand.
        const settled = await closeHole(partition, seq, signal).catch(() => 'unknown' as const);
        if (settled === 'written') return { done: true };
        throw error;
      });
    if (outcome.done) return { done: true, seq, row };
    const [rowReport, deltaReport, ...others] = outcome.steps;
    if (deltaReport?.held === false) {
      // Nobody else writes under this number: with our row in it, it is our own delta, of an attempt whose answer was lost.
      if (deltaReport.stood?.['row'] === wanted.row) return { done: true, seq, row };
      continue;
    }
    // Best effort: a reader does it too, only a beat later.
    await closeHole(partition, seq, signal).catch(() => 'unknown');
    if (rowReport?.held === false) return { done: false, refusedBy: 'row', row: rowReport.stood };
    if (others.some(({ held }) => !held)) return { done: false, refusedBy: 'also', row: undefined };
  }
  throw new WeftError(
    'STORE_CONFLICT',
    `cannot ${wanted.doing} in DynamoDB table ${partition.table}: the change's number was closed by others ${NUMBERS} times`,
  );
}

/** Draws the next number. Drawn twice because an answer was lost, the first leaves a hole. */
async function reserve(partition: Partition, signal: AbortSignal): Promise<number> {
  const { row } = await partition.update(COUNTER_ROW, { add: { seq: 1 } }, 'none', true, signal);
  const seq = row?.['seq'];
  if (typeof seq === 'number' && Number.isSafeInteger(seq)) return seq;
  throw new WeftError(
    'STORE_TABLE_WRONG',
    `row ${COUNTER_ROW} of network ${partition.network} in DynamoDB table ${partition.table} has no number in "seq"`,
  );
}

/** The counter moves in the same transaction: one write instead of two, and no hole. Under contention it is refused, since all meet at the counter. */
async function withoutReserving(
  partition: Partition,
  wanted: Change,
  counter: number,
  signal: AbortSignal,
): Promise<ChangeOutcome | 'counter moved'> {
  const seq = counter + 1;
  const { steps, row } = stepsOf(partition, wanted, seq);
  const condition: Condition = counter === 0 ? 'absent' : { equal: { seq: counter } };
  const move: Step = { op: 'update', row: COUNTER_ROW, update: { add: { seq: 1 } }, condition };
  const outcome = await partition.transact(wanted.doing, [...steps, move], 'refuses', signal);
  if (outcome.done) return { done: true, seq, row };
  const [rowReport] = outcome.steps;
  return rowReport?.held === false ? { done: false, refusedBy: 'row', row: rowReport.stood } : 'counter moved';
}

function stepsOf(
  partition: Partition,
  wanted: Change,
  seq: number,
): { readonly steps: readonly Step[]; readonly row: Plain | undefined } {
  const storeTimeMs = partition.storeTime();
  if (storeTimeMs === undefined) {
    // RFC 9110, 6.6.1: a server with a clock sends it.
    throw new WeftError(
      'UNSUPPORTED',
      'the answers of this DynamoDB endpoint carry no Date header, on which the quarantine of freed subnets rests',
      {
        hint: 'let the proxy in front of it pass that header on',
      },
    );
  }
  const row = wanted.content(seq, storeTimeMs);
  const { row: name, condition } = wanted;
  const delta: Plain = {
    row: name,
    seq,
    [TTL_ATTRIBUTE]: Math.floor(storeTimeMs / 1000) + DELTA_LIFE_SECONDS,
    ...(row === undefined ? { removed: true } : toldItem(row)),
  };
  const steps: readonly Step[] = [
    row === undefined ? { op: 'remove', row: name, condition } : { op: 'put', row: name, item: row, condition },
    { op: 'put', row: deltaRow(seq), item: delta, condition: 'absent' },
    ...(wanted.also ?? []).map((other) => ({ op: 'check', ...other }) as const),
  ];
  return { steps, row };
}

/** Settles a number: `written` when its change stands; `void` when nothing was written under it, and never will be. */
export async function closeHole(partition: Partition, seq: number, signal: AbortSignal): Promise<'written' | 'void'> {
  const seconds = Math.floor((partition.storeTime() ?? partition.clock.wallTime()) / 1000) + DELTA_LIFE_SECONDS;
  const put = await partition.put(deltaRow(seq), { void: true, seq, [TTL_ATTRIBUTE]: seconds }, 'absent', signal);
  return put.done || put.row?.['void'] === true ? 'void' : 'written';
}
