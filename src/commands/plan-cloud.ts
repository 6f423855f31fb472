/** What this host's next look at its cloud's route tables would write. They are read, and nothing is written. */
import { within } from '../agent/within.ts';
import type { Clock } from '../contracts/clock.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import { asWeftError } from '../core/errors.ts';
import { readLedger, type Ledger } from '../core/ledger.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { RouteWriter } from '../core/route-writer.ts';
import { CloudPasses } from '../reconcile/cloud-pass.ts';
import { handOver } from '../reconcile/handover.ts';
import { OwnRoutes } from '../reconcile/own-scope.ts';
import { plannedRoute, plannedRouteText, type PlannedRoute } from './planned-route.ts';

export interface PlannedCloud {
  /** Of the reconciler's the ledger is told, and nothing is planned here. */
  readonly writer: RouteWriter['mode'];
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
    const planned = await within(parts.clock, PATIENCE_MS, signal, (soon) => ownRoutes(parts, sources, soon));
    return planned ?? { writer: 'node', routes: [], trouble: 'the cloud does not answer' };
  } catch (error) {
    if (signal.aborted) throw error;
    const { code, message } = asWeftError(error);
    return { writer: 'node', routes: [], trouble: `${code}: ${message}` };
  }
}

async function ownRoutes(
  parts: PlanCloudParts,
  { config, view, lease }: PlanCloudSources,
  signal: AbortSignal,
): Promise<PlannedCloud> {
  const { weft } = lease.attributes;
  if (weft?.fabric === undefined) return { writer: 'node', routes: [], trouble: null };
  const { records: rows } = await parts.records.list('ledger', signal);
  const ledger = readLedger(rows.values());
  const wish = { configured: config.routeWriter, side: 'node', by: weft.node, ledger, writes: false } as const;
  const { mode, generation } = (await handOver(parts.records, wish, signal)).writer;
  if (mode !== 'node') return { writer: mode, routes: decidedRoutes(ledger, lease), trouble: null };
  const scope = new OwnRoutes(parts.clock).scope({
    network: weft.fabric.network,
    config,
    view,
    generation,
    node: weft.node,
    lease,
    mayWrite: () => Promise.resolve(false),
  });
  const steps = await new CloudPasses(parts).plan({ config, ledger, scope, writes: false }, signal);
  return { writer: mode, routes: steps.map(plannedRoute), trouble: null };
}

/** What the reconciler has decided, by its own word. */
const decidedRoutes = (ledger: Ledger, { subnet }: Lease): readonly PlannedRoute[] =>
  [...ledger.values()].flatMap(({ row }): PlannedRoute[] => {
    if (row?.destination !== subnet.v4) return [];
    const { table, destination, target, state, why = null } = row;
    const does = state === 'committed' ? 'keep' : state === 'refused' ? 'refuse' : 'create';
    return [{ does, table, destination, target, was: null, why }];
  });

export function planCloudText({ writer, routes, trouble }: PlannedCloud): string {
  if (trouble !== null) return `Cloud routes cannot be told: ${trouble}\n`;
  const head =
    writer === 'node' ? '' : 'Cloud routes are written by the reconciler. What it has decided for this host:\n';
  if (routes.length === 0)
    return writer === 'node' ? "No cloud route to this host's containers is wanted.\n" : `${head}  nothing yet\n`;
  const held = 'goes when a look five minutes later agrees';
  return head + routes.map((route) => plannedRouteText(route, route.does === 'remove' ? held : undefined)).join('');
}
