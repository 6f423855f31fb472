/** What a run knows of the world, complete or not at all: what could not be read is not taken for empty. */
import type { CloudInstance, CloudInterface, CloudInventory, RouteQuota } from '../contracts/cloud-inventory.ts';
import { inParallel } from '../core/in-parallel.ts';
import type { Ledger } from '../core/ledger.ts';
import type { Lease } from '../core/lease.ts';

export interface Machines {
  readonly interfaces: ReadonlyMap<string, CloudInterface>;
  readonly instances: ReadonlyMap<string, CloudInstance>;
}

/** The one cloud whose inventory this is. */
export const PROVIDER = 'aws';
/** As no other target of a route is named there: gateways, peerings and the like are never ours. */
export const isInterface = (target: string): boolean => target.startsWith('eni-');

const QUOTAS_AT_ONCE = 4;

const sorted = (names: Iterable<string>): string[] => [...new Set(names)].toSorted();

/** Of all interfaces and machines that leases, rows or messages name. */
export async function readMachines(
  inventory: CloudInventory,
  named: { readonly leases: Iterable<Lease>; readonly ledger: Ledger; readonly instances: Iterable<string> },
  signal: AbortSignal,
): Promise<Machines> {
  const targets: string[] = [];
  const nodes: string[] = [...named.instances];
  for (const { attributes } of named.leases) {
    const { node, fabric } = attributes.weft ?? {};
    if (node === undefined || fabric?.provider !== PROVIDER) continue;
    targets.push(fabric.target);
    nodes.push(node);
  }
  for (const { row } of named.ledger.values()) if (row !== undefined) targets.push(row.target, ...(row.before ?? []));
  const interfaces = await inventory.interfaces(sorted(targets), signal);
  for (const { instance } of interfaces.values()) if (instance !== undefined) nodes.push(instance);
  return { interfaces, instances: await inventory.instances(sorted(nodes), signal) };
}

export async function readQuotas(
  inventory: CloudInventory,
  tables: Iterable<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RouteQuota>> {
  const quotas = new Map<string, RouteQuota>();
  await inParallel(sorted(tables), QUOTAS_AT_ONCE, signal, async (table, own) => {
    quotas.set(table, await inventory.routeQuota(table, own));
  });
  return quotas;
}

/** Why nothing can arrive at a target any more, by the cloud's own word; undefined: it does not say so. */
export function whyGone(target: string, isBlackHole: boolean, machines: Machines): string | undefined {
  const found = machines.interfaces.get(target);
  if (found === undefined) return isBlackHole ? `interface ${target} is gone` : undefined;
  if (found.instance === undefined) return isBlackHole ? `interface ${target} is attached to nothing` : undefined;
  return whyEnded(found.instance, machines);
}

export function whyEnded(instance: string, { instances }: Machines): string | undefined {
  const state = instances.get(instance)?.state;
  return state !== undefined && ENDED.has(state) ? `instance ${instance} is ${state}` : undefined;
}

/** Black holes show late (CLOUD.md 1.2); these come before. */
const ENDED: ReadonlySet<string> = new Set(['stopping', 'stopped', 'shutting-down', 'terminated']);
