/** Which of the removals of a round are not for now. */
import type { LedgerRow } from '../core/cloud-route.ts';
import type { Ledger, LedgerEntry } from '../core/ledger.ts';
import { isImplausible, removalHold, type RemovalCause } from '../core/removal-hold.ts';
import type { RouteStep } from './cloud-plan.ts';
import type { StepHold } from './cloud-scope.ts';
import type { Removal } from './removal-judge.ts';
import type { Waiting } from './waiting.ts';

export interface RemovalHoldsInput {
  readonly steps: readonly RouteStep[];
  /** By ledger key, what was judged of those that are removals. */
  readonly removals: ReadonlyMap<string, Removal>;
  /** What this pass has taken away: its rows go too. */
  readonly removed: ReadonlySet<string>;
  /** How many routes of ours stand. */
  readonly standing: number;
  readonly waiting: Waiting;
  /** By the clock or by a person's word: an event may wake a run a second after the last. */
  readonly isDue: boolean;
  /** Machines that leave, and whose senders have had no time to do so yet. */
  readonly lingering: ReadonlySet<string>;
  /** As the run found it: what it wrote itself, a round ago, its senders have not heard of. */
  readonly begun: Ledger;
  /** Has the subnet an owner, silent or not? Somebody may send to him. */
  hasLease(step: RouteStep): boolean;
}

/** Somebody may send by it, whatever the plan says: one whose lease is not believed, or who does not know yet that its table is no more to be used. */
const MAY_BE_USED: ReadonlySet<RemovalCause> = new Set<RemovalCause>(['unwanted', 'lease-gone']);

/** By ledger key. */
export function removalHolds(input: RemovalHoldsInput): ReadonlyMap<string, StepHold> {
  const { steps, removals, removed, standing, waiting, isDue, lingering, begun, hasLease } = input;
  const going = steps.filter(
    ({ kind, key, entry }) => kind === 'remove' && entry !== undefined && removals.get(key)?.kind === 'go',
  ).length;
  const crowd = isImplausible(going, standing) ? { going, standing } : undefined;
  const holds = new Map<string, StepHold>();
  for (const step of steps) {
    const { kind, key, row, entry } = step;
    const removal = removals.get(key);
    if (removal === undefined || (kind === 'forget' && removed.has(key))) continue;
    if (removal.kind === 'hold') holds.set(key, { result: 'held', why: removal.why });
    if (removal.kind !== 'go' || entry === undefined) continue;
    const { cause, why } = removal;
    if (cause === 'leaving' && lingering.has(row.node)) {
      holds.set(key, { result: 'waiting', why: `${why}: its senders are given the time to leave` });
      continue;
    }
    const waited = waiting.wait(row.table, row.destination, cause);
    const isCounted = kind === 'remove' && cause !== 'leaving';
    const hold = removalHold({ cause, ...waited, isDue, crowd: isCounted ? crowd : undefined });
    if (hold !== undefined) holds.set(key, { result: hold.kind, why: `${why}: ${hold.why}` });
    else if (kind === 'remove' && MAY_BE_USED.has(cause) && hasLease(step) && !(isDue && isTold(row, begun.get(key)))) {
      const published = row.state === 'committed';
      holds.set(key, { result: 'waiting', why: `${why}: it goes with the next run by the clock`, published });
    }
  }
  return holds;
}

/** Did the row say before this run that nobody is to send by it, and does it still? */
const isTold = (now: LedgerRow, then: LedgerEntry | undefined): boolean =>
  now.state !== 'committed' && then?.row !== undefined && then.row.state !== 'committed';
