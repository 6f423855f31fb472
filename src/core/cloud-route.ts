/** Routes in a cloud's table, and our ledger of those we made: clouds keep no owner's mark. */
import type { NodeId } from './node-id.ts';
import type { Subnet } from './subnet.ts';

/** No call to a cloud lasts longer, its answer included. Whoever writes must own what he writes for at least as long. */
export const CLOUD_CALL_DEADLINE_MS = 15_000;

export interface CloudRoute {
  readonly destination: Subnet;
  /** What it points at (AWS: an interface id). */
  readonly target: string;
  /** False: a black hole, its target is gone. True is no proof that packets arrive. */
  readonly live: boolean;
}

export interface CloudTable {
  readonly id: string;
  /** Cloud subnets that use this table by name. */
  readonly subnets: readonly string[];
  /** Serves every subnet that uses no table by name. */
  readonly main: boolean;
  readonly tags: ReadonlyMap<string, string>;
  /** Within the range that was asked for. */
  readonly routes: readonly CloudRoute[];
  /** Routes of the whole table, anybody's, that count against its quota (AWS: static ones of IPv4). */
  readonly occupied: number;
}

/** The table that a cloud subnet uses; undefined when none of these serves it. */
export const tableOf = (tables: readonly CloudTable[], subnet: string): CloudTable | undefined =>
  tables.find(({ subnets }) => subnets.includes(subnet)) ?? tables.find(({ main }) => main);

/** One row for each (table, destination) that we have written or mean to write. */
export interface LedgerRow {
  readonly table: string;
  readonly destination: Subnet;
  readonly target: string;
  /**
   * Targets before this one, by the ledger's own word, the latest first: one of them may still stand, or come back by a late call of an owner who was
   * paused. Absent when there are none.
   */
  readonly before?: readonly string[];
  readonly epoch: number;
  readonly node: NodeId;
  readonly state: 'intent' | 'committed' | 'refused';
  readonly why?: string;
  /** Where nodes write: the reconciler has put it for its owner, who had not. Who put it takes it away. */
  readonly forOwner?: true;
  /** Generation of the `writer` record under which it was written. */
  readonly generation: number;
}

/** A route that ought to stand, and in whose name. */
export interface WantedRoute {
  readonly table: string;
  readonly destination: Subnet;
  readonly target: string;
  readonly epoch: number;
  readonly node: NodeId;
}
