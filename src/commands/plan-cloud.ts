/** What this host's next look at its cloud's route tables would write. They are read, and nothing is written. */
import { within } from '../agent/within.ts';
import type { Clock } from '../contracts/clock.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import { asWeftError } from '../core/errors.ts';
import { readLedger } from '../core/ledger.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { ROUTE_WRITER_KEY, routeWriter } from '../core/route-writer.ts';
import { CloudPasses } from '../reconcile/cloud-pass.ts';
import type { RouteStep } from '../reconcile/cloud-plan.ts';
import { OwnRoutes } from '../reconcile/own-scope.ts';

export interface PlannedRoute {
  readonly does: RouteStep['kind'];
  readonly table: string;
  readonly destination: string;
  readonly target: string;
  /** What it leads to now, when a call replaces or removes it. */
  readonly was: string | null;
  /** Of a refusal, and of what waits. */
  readonly why: string | null;
}

export interface PlannedCloud {
  /** Empty where nothing wants a route to this host. */
  readonly routes: readonly PlannedRoute[];
  /** Why the tables could not be read; null when they could. */
  readonly trouble: string | null;
}

export interface PlanCloudParts {
  readonly cloud: CloudNetwork;
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
}

export interface PlanCloudSources {
  readonly config: NetworkConfig;
  readonly view: LeaseView;
  /** As it stands in the store. */
  readonly lease: Lease;
}

/** The region comes from the metadata server, which is waited for elsewhere. */
const PATIENCE_MS = 15_000;

/** Null: the lease names no cloud. What goes wrong here takes nothing away from the plan of the host. Rejects with ABORTED alone. */
export async function planCloud(
  parts: PlanCloudParts,
  sources: PlanCloudSources,
  signal: AbortSignal,
): Promise<PlannedCloud | null> {
  if (sources.lease.attributes.weft?.fabric === undefined) return null;
  try {
    const steps = await within(parts.clock, PATIENCE_MS, signal, (soon) => ownSteps(parts, sources, soon));
    if (steps === undefined) return { routes: [], trouble: 'the cloud does not answer' };
    if (steps === 'not ours') return { routes: [], trouble: 'they are written by the reconciler, not by nodes' };
    return { routes: steps.map(plannedRoute), trouble: null };
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message } = asWeftError(error);
    return { routes: [], trouble: `${code}: ${message}` };
  }
}

async function ownSteps(
  parts: PlanCloudParts,
  { config, view, lease }: PlanCloudSources,
  signal: AbortSignal,
): Promise<readonly RouteStep[] | 'not ours'> {
  const { weft } = lease.attributes;
  if (weft?.fabric === undefined) return [];
  const { records: writers } = await parts.records.list('writer', signal);
  const { mode, generation } = routeWriter(writers.get(ROUTE_WRITER_KEY)?.value, config.routeWriter);
  if (mode !== 'node') return 'not ours';
  const { records: rows } = await parts.records.list('ledger', signal);
  const scope = new OwnRoutes(parts.clock).scope({
    network: weft.fabric.network,
    config,
    view,
    generation,
    node: weft.node,
    lease,
    mayWrite: () => Promise.resolve(false),
  });
  const input = { config, ledger: readLedger(rows.values()), scope, writes: false };
  return new CloudPasses(parts).plan(input, signal);
}

function plannedRoute(step: RouteStep): PlannedRoute {
  const { kind, row } = step;
  const { table, destination, target } = row;
  const was = step.kind === 'replace' || step.kind === 'remove' ? step.expected : null;
  const why = step.kind === 'leave' ? step.why : step.kind === 'refuse' ? (row.why ?? null) : null;
  return { does: kind, table, destination, target, was, why };
}

const WORDS: Readonly<Record<PlannedRoute['does'], string>> = {
  create: '+ cloud route',
  replace: '~ cloud route',
  remove: '- cloud route',
  adopt: '= cloud route stands, and goes into the ledger:',
  forget: '= cloud route is gone, and leaves the ledger:',
  keep: '= cloud route stands:',
  refuse: '! no cloud route',
  leave: '! cloud route is left alone:',
};

export function planCloudText({ routes, trouble }: PlannedCloud): string {
  if (trouble !== null) return `Cloud routes cannot be told: ${trouble}\n`;
  if (routes.length === 0) return "No cloud route to this host's containers is wanted.\n";
  return routes
    .map(({ does, table, destination, target, was, why }) => {
      const lines = [`${WORDS[does]} ${destination} to ${target} in ${table}`];
      if (does === 'replace') lines.push(`    instead of ${was}`);
      if (does === 'remove') lines.push('    held back: goes when a look five minutes later agrees');
      if (why !== null) lines.push(`    ${why}`);
      return `${lines.join('\n')}\n`;
    })
    .join('');
}
