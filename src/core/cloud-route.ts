/** Routes in a cloud's table, and our ledger of those we made: clouds keep no owner's mark. */
import type { NodeId } from './node-id.ts';
import type { Subnet } from './subnet.ts';

export interface CloudRoute {
  readonly destination: Subnet;
  /** What it points at (AWS: an interface id). */
  readonly target: string;
  /** False: a black hole, its target is gone. True is no proof that packets arrive. */
  readonly live: boolean;
}

/** One row for each (table, destination) that we have written or mean to write. */
export interface LedgerRow {
  readonly table: string;
  readonly destination: Subnet;
  readonly target: string;
  readonly epoch: number;
  readonly node: NodeId;
  readonly state: 'intent' | 'committed' | 'refused';
  readonly why?: string;
  /** Generation of the `writer` record under which it was written. */
  readonly generation: number;
}
