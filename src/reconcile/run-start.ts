/** All that a run reads before it writes anything, and whom it believes. */
import { allowedTables } from '../core/desired-routes.ts';
import { WeftError } from '../core/errors.ts';
import { believe, type Belief } from '../core/lease-belief.ts';
import { readLedger, type Ledger } from '../core/ledger.ts';
import type { Lease, LeaseKey, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { parseNetworkConfig } from '../core/parse-network-config.ts';
import type { RouteQuota } from '../contracts/cloud-inventory.ts';
import type { CloudPasses } from './cloud-pass.ts';
import type { SeenTable } from './cloud-scope.ts';
import type { LeavingMachines } from './leaving.ts';
import type { Leaving, ReconcilerParts, ReconcilerSettings } from './reconciler-parts.ts';
import { PROVIDER, readMachines, readQuotas, type Machines } from './run-facts.ts';
import type { RunState } from './run-state.ts';

export async function readLedgerNow({ records }: Pick<ReconcilerParts, 'records'>, signal: AbortSignal) {
  const { records: rows, skipped } = await records.list('ledger', signal);
  return readLedger(rows.values(), skipped);
}

/** @throws WeftError CONFIG_MISSING, or what is wrong with it */
export function configOf({ config }: LeaseView): NetworkConfig {
  if (config === undefined) throw new WeftError('CONFIG_MISSING', 'there is no network config in the store');
  return parseNetworkConfig(config.text);
}

/** Of all that was told, what concerns this network: every machine of an account tells of its end. `known`: of those it was told before. */
export function concerning(
  told: readonly Leaving[],
  known: Iterable<string>,
  view: LeaseView,
  ledger: Ledger,
): readonly Leaving[] {
  const nodes = new Set<string>(known);
  for (const { attributes } of view.leases.values()) if (attributes.weft !== undefined) nodes.add(attributes.weft.node);
  for (const { row } of ledger.values()) if (row !== undefined) nodes.add(row.node);
  return told.filter(({ instance, action }) => action !== undefined || nodes.has(instance));
}

/** A machine that was said to leave and runs on for so long stays. */
const STAYS_MS = 10 * 60_000;
/** So does one whose action could not be completed for so long: its group has let it go by then (a hook waits for two hours at most, and mostly minutes). */
const STAYS_HELD_MS = 2 * 60 * 60_000;
/** What the cloud does not name for so long is gone. */
const FORGOTTEN_MS = 60 * 60_000;

/** Whose departure is over: they are gone with all they had, or run on after all. */
export function stayers(
  leaving: LeavingMachines,
  told: readonly Leaving[],
  { instances }: Machines,
  view: LeaseView,
  { ageMs }: Pick<RunState, 'ageMs'>,
): readonly string[] {
  const holders = new Set<string>([...view.leases.values()].flatMap(({ attributes }) => attributes.weft?.node ?? []));
  return [...leaving.all.values()].flatMap(({ instance, action, sinceMs }) => {
    if (told.some((one) => one.instance === instance)) return [];
    const state = instances.get(instance)?.state;
    const forMs = ageMs - sinceMs;
    const staysMs = action === undefined ? STAYS_MS : STAYS_HELD_MS;
    const runsOn = (state === 'running' || state === 'pending') && forMs >= staysMs;
    const isGone = state === 'terminated' || (state === 'unknown' && forMs >= FORGOTTEN_MS);
    return runsOn || (isGone && !holders.has(instance)) ? [instance] : [];
  });
}

export interface World {
  readonly tables: readonly SeenTable[];
  readonly machines: Machines;
  readonly quotas: ReadonlyMap<string, RouteQuota>;
}

export async function readWorld(
  passes: CloudPasses,
  { inventory }: Pick<ReconcilerParts, 'inventory'>,
  known: {
    readonly config: NetworkConfig;
    readonly networks: readonly string[];
    readonly view: LeaseView;
    readonly ledger: Ledger;
    readonly leaving: Iterable<string>;
  },
  signal: AbortSignal,
): Promise<World> {
  const { config, networks, view, ledger } = known;
  const tables = await passes.look({ config, scope: { networks } }, signal);
  const leases = [...view.leases.values()];
  const machines = await readMachines(inventory, { leases, ledger, instances: known.leaving }, signal);
  const allowed = allowedTables(config.routeTables, tables).ids;
  const used = leases.flatMap(({ attributes }) => attributes.weft?.table ?? []).filter((table) => allowed.has(table));
  return { tables, machines, quotas: await readQuotas(inventory, used, signal) };
}

/** In which version those stand that nobody renews. */
export const silentOf = (expired: ReadonlySet<LeaseKey>, { leases }: LeaseView): ReadonlyMap<LeaseKey, string> =>
  new Map([...expired].map((key) => [key, leases.get(key)?.version ?? '']));

/** Of leases whose owners are not silent. */
export const believer =
  (
    silent: ReadonlyMap<LeaseKey, string>,
    config: NetworkConfig,
    { networks, nodeTag }: ReconcilerSettings,
    machines: Machines,
    leaving: ReadonlyMap<string, string>,
  ) =>
  (leases: readonly Lease[]): Belief =>
    believe(
      leases.filter(({ key, version }) => silent.get(key) !== version),
      { ...machines, range: config.v4, provider: PROVIDER, networks, nodeTag, leaving },
    );
