/**
 * What to do about each route, by what is wanted, what stands in the tables and what the ledger says of who made it. Nothing that the ledger does not
 * know is ever touched: clouds have no mark for an owner.
 *
 *   wanted, nothing stands          create
 *   wanted, stands, ledger says so  keep
 *   wanted, stands, ledger silent   adopt       (a row in the ledger, no call)
 *   wanted, an older one of ours    replace     (one call, no gap)
 *   wanted, anything else           conflict    (never touched)
 *   ours, and wanted no more        remove, or forget what is gone already
 */
import type { CloudRoute, CloudTable, LedgerRow, WantedRoute } from '../core/cloud-route.ts';
import type { ErrorCode } from '../core/errors.ts';
import { ledgerKey, MAX_BEFORE, type Ledger, type LedgerEntry } from '../core/ledger.ts';
import { generationOf } from '../core/route-writer.ts';

interface Step {
  readonly key: string;
  readonly entry: LedgerEntry | undefined;
}

/** `row` is what the ledger says of it once it is done. */
export type RouteStep =
  | (Step & { readonly kind: 'keep'; readonly row: LedgerRow })
  | (Step & { readonly kind: 'adopt'; readonly row: LedgerRow })
  | (Step & { readonly kind: 'create'; readonly row: LedgerRow })
  | (Step & { readonly kind: 'replace'; readonly row: LedgerRow; readonly expected: string })
  | (Step & { readonly kind: 'refuse'; readonly row: LedgerRow; readonly code: ErrorCode; readonly hint: string })
  /** Another writer's business now. */
  | (Step & { readonly kind: 'leave'; readonly row: LedgerRow; readonly why: string })
  | (Step & {
      readonly kind: 'remove';
      readonly row: LedgerRow;
      readonly expected: string;
      /** What the ledger says first: so senders leave it, and whoever takes the subnet meanwhile is met at the row. */
      readonly mark?: LedgerRow;
    })
  | (Step & { readonly kind: 'forget'; readonly row: LedgerRow });

/** What takes a call that changes the cloud. */
export type RouteCall = Extract<RouteStep, { readonly kind: 'create' | 'replace' | 'remove' }>;

export const isCall = (step: RouteStep): step is RouteCall =>
  step.kind === 'create' || step.kind === 'replace' || step.kind === 'remove';

/** Comes after all puts: what is wanted stands before anything goes. */
export const isRemoval = ({ kind }: RouteStep): boolean => kind === 'remove' || kind === 'forget';

export interface CloudPlanInput {
  readonly wanted: readonly WantedRoute[];
  readonly tables: readonly CloudTable[];
  readonly ledger: Ledger;
  /** Generation of the `writer` record that we write under. */
  readonly generation: number;
  /** Rows that are ours to remove when nothing wants their route. */
  mayRemove(row: LedgerRow): boolean;
  /** Black holes that the ledger does not know, and that are taken over. */
  isOrphan?(table: CloudTable, route: CloudRoute): boolean;
}

/** A target of no cloud: what a row names whose route was never ours. */
export const NO_TARGET = 'none';

/** Is what leads there ours, by the ledger? */
export const isOurs = (row: LedgerRow | undefined, target: string | undefined): target is string =>
  target !== undefined && (target === row?.target || row?.before?.includes(target) === true);

/** Puts first, in the order of what is wanted; then removals. */
export function planRoutes({ wanted, tables, ledger, generation, mayRemove, isOrphan }: CloudPlanInput): RouteStep[] {
  const byId = new Map(
    tables.map((table) => [
      table.id,
      { table, routes: new Map(table.routes.map((route) => [route.destination, route])) },
    ]),
  );
  const puts = wanted.map((want) => {
    const key = ledgerKey(want.table, want.destination);
    const seen = byId.get(want.table);
    const live = seen?.routes.get(want.destination);
    const isTaken = seen !== undefined && live !== undefined && isOrphan?.(seen.table, live) === true;
    return planOne({ want, key, entry: ledger.get(key), generation, known: seen !== undefined, live, isTaken });
  });
  const keys = new Set(puts.map(({ key }) => key));
  const removals = [...ledger.values()].flatMap((entry): RouteStep[] => {
    const { key, row } = entry;
    if (row === undefined || keys.has(key) || !mayRemove(row) || generationOf(row) > generation) return [];
    const expected = byId.get(row.table)?.routes.get(row.destination)?.target;
    return [
      isOurs(row, expected) ? { kind: 'remove', key, entry, row, expected } : { kind: 'forget', key, entry, row },
    ];
  });
  return [...puts, ...removals.toSorted((a, b) => (a.key < b.key ? -1 : 1))];
}

interface One {
  readonly want: WantedRoute;
  readonly key: string;
  readonly entry: LedgerEntry | undefined;
  readonly generation: number;
  /** Is there such a table? */
  readonly known: boolean;
  readonly live: CloudRoute | undefined;
  /** What stands there is taken over. */
  readonly isTaken: boolean;
}

/** Why a row is not for us to write any more; undefined: it is. */
export function outrun(old: LedgerRow, want: WantedRoute, generation: number): string | undefined {
  if (generationOf(old) > generation)
    return `routes are written under generation ${old.generation} of the writer record now`;
  return old.epoch > want.epoch
    ? `${want.destination} was written for node ${old.node} with the newer epoch ${old.epoch}`
    : undefined;
}

function planOne({ want, key, entry, generation, known, live, isTaken }: One): RouteStep {
  const old = entry?.row;
  const step = { key, entry };
  const past = old === undefined ? undefined : outrun(old, want, generation);
  if (old !== undefined && past !== undefined) return { ...step, kind: 'leave', row: old, why: past };

  const before = targetsBefore(old, want.target, isTaken ? live?.target : undefined);
  const rowOf = (state: LedgerRow['state'], why?: string): LedgerRow => {
    const { table, destination, target, epoch, node } = want;
    return {
      table,
      destination,
      target,
      ...(before.length === 0 ? {} : { before }),
      epoch,
      node,
      state,
      ...(why === undefined ? {} : { why }),
      generation,
    };
  };
  if (!known)
    return {
      ...step,
      kind: 'refuse',
      row: rowOf('refused', `there is no route table ${want.table} in this network`),
      code: 'CLOUD_NOT_FOUND',
      hint: 'Look at the id, in the network config if it stands there.',
    };
  if (live === undefined) return { ...step, kind: 'create', row: rowOf('committed') };
  if (live.target === want.target) {
    const row = rowOf('committed');
    const stands =
      old?.state === 'committed' && old.target === want.target && old.epoch === want.epoch && old.node === want.node;
    return stands && old.generation === generation
      ? { ...step, kind: 'keep', row: old }
      : { ...step, kind: 'adopt', row };
  }
  if (before.includes(live.target)) return { ...step, kind: 'replace', row: rowOf('committed'), expected: live.target };
  const why = `a route to ${want.destination} that is not ours leads to ${live.target}${live.live ? '' : ' (a black hole)'} in ${want.table}, and not to ${want.target}`;
  const hint = 'It is not touched: remove it if nobody needs it.';
  return { ...step, kind: 'refuse', row: rowOf('refused', why), code: 'CLOUD_CONFLICT', hint };
}

/** What the ledger knows to have stood there in our name, besides this target. What a row only meant to replace may stand still. */
function targetsBefore(old: LedgerRow | undefined, target: string, taken: string | undefined): readonly string[] {
  const { before = [] } = old ?? {};
  const known =
    old === undefined || old.target === target
      ? before
      : [...new Set([old.target, ...(old.state === 'committed' ? [] : before)])];
  if (taken === undefined && known === before) return before;
  return [...new Set([...(taken === undefined ? [] : [taken]), ...known])]
    .filter((one) => one !== target && one !== NO_TARGET)
    .slice(0, MAX_BEFORE);
}
