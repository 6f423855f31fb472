/** What a run tells of itself. */
import type { RouteQuota } from '../contracts/cloud-inventory.ts';
import type { CloudTable } from '../core/cloud-route.ts';
import type { Finding } from '../core/finding.ts';
import type { Ledger } from '../core/ledger.ts';
import type { LeaseView } from '../core/lease.ts';
import type { RouteStep } from './cloud-plan.ts';
import type { RouteOutcome, RouteResult } from './cloud-report.ts';
import type { SeenTable, StepHold } from './cloud-scope.ts';
import type { TableReport } from './reconciler-parts.ts';
import type { Bids } from './route-bids.ts';

/** Of the tables whose quota was asked for: those that somebody sends by. */
export function tableReports(
  tables: readonly CloudTable[],
  networks: readonly SeenTable[],
  quotas: ReadonlyMap<string, RouteQuota>,
  { overflow }: Bids,
): TableReport[] {
  const networkOf = new Map(networks.map(({ id, network }) => [id, network]));
  return tables.flatMap(({ id, occupied }) => {
    const quota = quotas.get(id);
    if (quota === undefined) return [];
    const without = overflow.filter(({ table }) => table === id).length;
    return [{ table: id, network: networkOf.get(id) ?? '', quota, occupied, overflow: without }];
  });
}

/** What stands in the store and says nothing. */
export function unreadable(view: LeaseView, ledger: Ledger, leaving: readonly string[]): Finding[] {
  const leases = view.skipped.map(({ key, why }): Finding => ({ code: 'BAD_LEASE', message: `${key}: ${why}` }));
  const rows = [...ledger.values()].filter(({ row }) => row === undefined);
  return [
    ...leases,
    ...leaving.map((key): Finding => ({
      code: 'STATE_UNREADABLE',
      message: `record ${key} of machines that leave cannot be read: it counts for nothing`,
    })),
    ...rows.map(({ key }): Finding => ({
      code: 'CLOUD_CONFLICT',
      message: `row ${key} of the ledger cannot be read: a route there is not taken for ours`,
    })),
  ];
}

const WOULD: Readonly<Record<RouteStep['kind'], string>> = {
  keep: 'it stands',
  adopt: 'it stands, and would go into the ledger',
  create: 'it would be created',
  replace: 'it would be replaced',
  remove: 'it would be removed',
  forget: 'it is gone, and its row would be forgotten',
  refuse: 'it cannot be',
  leave: 'it is left to another writer',
};

/** Of a run that only looks. */
export function plannedOutcomes(
  steps: readonly RouteStep[],
  hold: (step: RouteStep) => StepHold | undefined,
): ReadonlyMap<string, RouteOutcome> {
  const outcomes = new Map<string, RouteOutcome>();
  for (const step of steps) {
    const { key, row, kind } = step;
    const held = hold(step);
    const refused = kind === 'refuse' ? { code: step.code, hint: step.hint } : {};
    const result: RouteResult = kind === 'keep' ? 'kept' : kind === 'refuse' ? 'refused' : 'left';
    const why = kind === 'refuse' ? (row.why ?? WOULD[kind]) : kind === 'leave' ? step.why : WOULD[kind];
    outcomes.set(
      key,
      held === undefined
        ? { key, row, result, why, ...refused }
        : { key, row, result: held.result, why: held.why, ...(held.code === undefined ? {} : { code: held.code }) },
    );
  }
  return outcomes;
}
