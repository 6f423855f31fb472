/** What one pass over the cloud's route tables saw, did and left undone. */
import type { CloudTable, LedgerRow } from '../core/cloud-route.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Ledger } from '../core/ledger.ts';

/**
 * - `kept`: it stood and the ledger knew
 * - `adopted`: it stood, and now the ledger knows
 * - `created`, `replaced`, `removed`: done, and seen to be
 * - `forgotten`: a row of ours whose route was gone
 * - `refused`: it cannot be, for the reason given
 * - `unconfirmed`: called for, or perhaps called for, and not seen yet
 * - `held`: not now, for the reason given
 * - `waiting`: no longer wanted; a later look may take it away
 * - `left`: another writer's business
 */
export type RouteResult =
  | 'kept'
  | 'adopted'
  | 'created'
  | 'replaced'
  | 'removed'
  | 'forgotten'
  | 'refused'
  | 'unconfirmed'
  | 'held'
  | 'waiting'
  | 'left';

export interface RouteOutcome {
  readonly key: string;
  readonly row: LedgerRow;
  readonly result: RouteResult;
  readonly code?: ErrorCode;
  readonly why?: string;
  /** What a person may do about it. */
  readonly hint?: string;
}

export interface CloudReport {
  readonly tables: readonly CloudTable[];
  /** Tables that the config names and the network does not have. */
  readonly missing: readonly string[];
  readonly outcomes: ReadonlyMap<string, RouteOutcome>;
  /** As far as this pass has read and written it. */
  readonly ledger: Ledger;
}

/** Nothing is left that another pass could bring further. */
export const isSettled = ({ outcomes }: Pick<CloudReport, 'outcomes'>): boolean =>
  [...outcomes.values()].every(({ result }) => result !== 'refused' && result !== 'unconfirmed' && result !== 'held');
