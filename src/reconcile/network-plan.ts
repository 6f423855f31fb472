/**
 * What to do about all routes of a network: as cloud-plan.ts says, and
 *
 *   refused beforehand     refuse, and remove what stands there of ours
 *   a black hole of whom nobody knows, and a person takes those over
 *                          replace where a route is wanted, else remove
 */
import type { CloudRoute, CloudTable, LedgerRow, WantedRoute } from '../core/cloud-route.ts';
import type { ErrorCode } from '../core/errors.ts';
import { ledgerKey, type Ledger } from '../core/ledger.ts';
import { parseNodeId } from '../core/node-id.ts';
import { isCall, isRemoval, NO_TARGET, outrun, planRoutes, type CloudPlanInput, type RouteStep } from './cloud-plan.ts';

/** One that is asked for and shall not stand, for a reason that its senders are told. */
export interface RefusedRoute {
  readonly route: WantedRoute;
  readonly why: string;
  readonly code: ErrorCode;
  readonly hint: string;
  /** Nothing vouches for its target: that is never written down as a target of ours. */
  readonly doubted: boolean;
}

export interface NetworkPlanInput extends CloudPlanInput {
  readonly refused: readonly RefusedRoute[];
  isOrphan(table: CloudTable, route: CloudRoute): boolean;
}

/** In whose name those go that nobody wants. */
const NOBODY = parseNodeId('nobody');

/** Puts first, then removals. */
export function planNetwork(input: NetworkPlanInput): RouteStep[] {
  const { refused, ledger, generation, mayRemove } = input;
  const refusals = new Map(refused.map((one) => [keyOf(one.route), refuse(one, ledger, generation)]));
  const steps = planRoutes({
    ...input,
    mayRemove: (row) => refusals.has(keyOf(row)) || mayRemove(row),
  }).filter(({ kind, key }) => {
    const refusal = refusals.get(key);
    return refusal === undefined || (kind !== 'forget' && refusal.kind === 'refuse');
  });
  const known = new Set([...steps.map(({ key }) => key), ...refusals.keys()]);
  const puts = steps.filter((step) => !isRemoval(step));
  return [
    // What the ledger says needs no turn among the calls, and senders wait for it.
    ...puts.filter((step) => !isCall(step)),
    ...refusals.values(),
    ...puts.filter(isCall),
    ...steps.filter(isRemoval),
    ...orphans(input, known),
  ];
}

const keyOf = ({ table, destination }: Pick<LedgerRow, 'table' | 'destination'>): string =>
  ledgerKey(table, destination);

function refuse({ route, why, code, hint, doubted }: RefusedRoute, ledger: Ledger, generation: number): RouteStep {
  const key = keyOf(route);
  const entry = ledger.get(key);
  const old = entry?.row;
  const past = old === undefined ? undefined : outrun(old, route, generation);
  if (old !== undefined && past !== undefined) return { kind: 'leave', key, entry, row: old, why: past };
  const { table, destination, epoch, node } = route;
  const target = old?.target ?? (doubted ? NO_TARGET : route.target);
  const before = old?.before === undefined ? {} : { before: old.before };
  const row: LedgerRow = { table, destination, target, ...before, epoch, node, state: 'refused', why, generation };
  return { kind: 'refuse', key, entry, row, code, hint };
}

/** They go as ours do, once the ledger has them. */
function orphans({ tables, ledger, generation, isOrphan }: NetworkPlanInput, known: ReadonlySet<string>): RouteStep[] {
  return tables.flatMap((table) =>
    table.routes.flatMap((route): RouteStep[] => {
      const { destination, target } = route;
      const key = ledgerKey(table.id, destination);
      const entry = ledger.get(key);
      if (known.has(key) || entry !== undefined || !isOrphan(table, route)) return [];
      const row: LedgerRow = {
        table: table.id,
        destination,
        target,
        epoch: 0,
        node: NOBODY,
        state: 'refused',
        why: 'a black hole that nobody knew is taken over, to be removed',
        generation,
      };
      return [{ kind: 'remove', key, entry, row, expected: target, mark: row }];
    }),
  );
}
