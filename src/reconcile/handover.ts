/**
 * Who writes routes: the network config says who ought to, the `writer` record who does. Towards the reconciler only a reconciler that runs hands over, so
 * that nodes go on until there is one; back to the nodes anybody does. No route disappears: the new writer takes over the rows of the old one, whose
 * writes fail from then on by the rows' versions and generations.
 */
import type { Records, StoredRecord } from '../contracts/records.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { Ledger } from '../core/ledger.ts';
import { generationOf, ROUTE_WRITER_KEY, routeWriter, type RouteWriter } from '../core/route-writer.ts';

export interface HandoverWish {
  /** What the network config says. */
  readonly configured: RouteWriter['mode'];
  readonly side: 'node' | 'reconciler';
  /** Node id, or the reconciler's name. */
  readonly by: string;
  /** Rows of the ledger tell of generations that the record has lost. */
  readonly ledger: Ledger;
  /** False: only looks. */
  readonly writes: boolean;
}

export interface Handover {
  readonly writer: RouteWriter;
  /** Who wrote before, when it was this call that handed over. */
  readonly from: RouteWriter | undefined;
}

/** Each time that one's turn fails, another's has succeeded. */
const TURNS = 10;

/** Rejects with what the store says. */
export async function handOver(records: Records, wish: HandoverWish, signal: AbortSignal): Promise<Handover> {
  const { configured, side, by, ledger, writes } = wish;
  const newest = newestGeneration(ledger);
  for (let turn = 1; turn <= TURNS; turn++) {
    const { records: writers, skipped } = await records.list('writer', signal);
    const record = writers.get(ROUTE_WRITER_KEY);
    const standing = readWriter(record);
    const isSpoiled =
      standing === undefined && (record !== undefined || skipped.some(({ key }) => key === ROUTE_WRITER_KEY));
    // Where a route was ever written by nodes they go on; a network that begins with a reconciler has nothing to hand over.
    const unsaid: RouteWriter['mode'] = ledger.size > 0 && !isSpoiled ? 'node' : configured;
    const now = standing ?? { mode: unsaid, generation: newest };
    const isSaid = standing !== undefined || (configured === 'node' && !isSpoiled);
    const isRight = isSaid && now.mode === configured && now.generation >= newest;
    const mayHandOver = side === 'reconciler' || configured === 'node';
    if (isRight || !mayHandOver || !writes) return { writer: now, from: undefined };
    const after = Math.max(now.generation, newest) + 1;
    // The last number there is was written by another hand: rows that were written under it fence nobody.
    const next: RouteWriter = { mode: configured, generation: Number.isSafeInteger(after) ? after : newest + 1 };
    const expected = record?.version ?? (isSpoiled ? undefined : 'absent');
    try {
      await records.put('writer', ROUTE_WRITER_KEY, { ...next, by }, expected, signal);
      return { writer: next, from: now };
    } catch (error) {
      if (asWeftError(error).code !== 'RECORD_CHANGED') throw error;
    }
  }
  throw new WeftError('STORE_CONFLICT', `the writer of routes was changed by others ${TURNS} times`);
}

/** What the record says; undefined: there is none, or it cannot be read. */
function readWriter(record: StoredRecord | undefined): RouteWriter | undefined {
  if (record === undefined) return undefined;
  // It falls back on what it is given: what it says of both is in the record.
  const [a, b] = (['node', 'reconciler'] as const).map((mode) => routeWriter(record.value, mode));
  return a !== undefined && a.mode === b?.mode ? a : undefined;
}

function newestGeneration(ledger: Ledger): number {
  let newest = 0;
  for (const { row } of ledger.values()) if (row !== undefined) newest = Math.max(newest, generationOf(row));
  return newest;
}
