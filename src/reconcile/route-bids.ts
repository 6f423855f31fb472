/** What the whole network asks of its route tables, and which of it gets a place. */
import type { RouteQuota } from '../contracts/cloud-inventory.ts';
import type { CloudRoute, WantedRoute } from '../core/cloud-route.ts';
import { allowedTables, countSenders, wishesOf } from '../core/desired-routes.ts';
import { isSubnetOf, type Belief } from '../core/lease-belief.ts';
import { ledgerKey, type Ledger } from '../core/ledger.ts';
import type { Lease } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { fitRoutes, type RouteBid } from '../core/route-quota.ts';
import { isOurs } from './cloud-plan.ts';
import type { RefusedRoute } from './network-plan.ts';
import type { SeenTable } from './cloud-scope.ts';

export interface Bid extends RouteBid {
  readonly key: string;
  readonly route: WantedRoute;
}

export interface BidsInput {
  readonly config: NetworkConfig;
  readonly networks: readonly string[];
  readonly belief: Belief;
  readonly tables: readonly SeenTable[];
  readonly ledger: Ledger;
  readonly quotas: ReadonlyMap<string, RouteQuota>;
  isOrphan(table: SeenTable, route: CloudRoute): boolean;
}

export interface Bids {
  /** Those that have a place, most senders first; then those in whose place something foreign stands. */
  readonly wanted: readonly Bid[];
  readonly overflow: readonly Bid[];
  /** Of leases that are not believed. */
  readonly doubted: readonly RefusedRoute[];
  /** Ours, by table, wanted or not. */
  readonly standing: ReadonlyMap<string, number>;
}

export function bidRoutes(input: BidsInput): Bids {
  const { tables, ledger, quotas, isOrphan } = input;
  const live = new Map(
    tables.map((table) => [table.id, new Map(table.routes.map((route) => [route.destination, route]))]),
  );
  const byId = new Map(tables.map((table) => [table.id, table]));
  const { asked, doubted } = wishes(input);
  const free: Bid[] = [];
  const blocked: Bid[] = [];
  const right = new Set<string>();
  for (const { route, senders } of asked) {
    const key = ledgerKey(route.table, route.destination);
    const standing = live.get(route.table)?.get(route.destination);
    const stands =
      standing !== undefined && (standing.target === route.target || isOurs(ledger.get(key)?.row, standing.target));
    if (stands) right.add(key);
    const bid = { key, route, senders, stands, table: route.table, destination: route.destination };
    const table = byId.get(route.table);
    const isFree = standing === undefined || stands || (table !== undefined && isOrphan(table, standing));
    (isFree ? free : blocked).push(bid);
  }
  const standing = new Map<string, number>();
  const room = new Map<string, number>();
  for (const table of tables) {
    let ours = 0;
    let orphans = 0;
    for (const route of table.routes) {
      const key = ledgerKey(table.id, route.destination);
      if (right.has(key) || isOurs(ledger.get(key)?.row, route.target)) ours += 1;
      else if (isOrphan(table, route)) orphans += 1;
    }
    standing.set(table.id, ours);
    const quota = quotas.get(table.id);
    if (quota === undefined) continue;
    // Where the quota is only supposed, what stands is proof that it is not less.
    const limit = quota.source === 'live' ? quota.limit : Math.max(quota.limit, table.occupied);
    room.set(table.id, limit - (table.occupied - ours - orphans));
  }
  const { fits, overflow } = fitRoutes(free, room);
  return { wanted: [...fits, ...blocked], overflow, doubted, standing };
}

function wishes({ config, networks, belief, tables }: BidsInput) {
  const directInSubnet = config.paths.includes('direct');
  const allowed = allowedTables(config.routeTables, tables).ids;
  const networkOf = (lease: Lease): string | undefined => lease.attributes.weft?.fabric?.network;
  const asked: { readonly route: WantedRoute; readonly senders: number }[] = [];
  const doubted: RefusedRoute[] = [];
  for (const network of networks) {
    const own = tables.filter((table) => table.network === network && allowed.has(table.id));
    const members = belief.believed.filter((lease) => networkOf(lease) === network);
    const senders = countSenders(members, new Set(own.map(({ id }) => id)));
    for (const lease of members) asked.push(...wishesOf(lease, senders, { directInSubnet, sends: true }));
    for (const { lease, why } of belief.doubted) {
      // Of what is no subnet of the Network the ledger never says a word.
      if (networkOf(lease) !== network || !isSubnetOf(config.v4, lease.subnet.v4)) continue;
      for (const { route } of wishesOf(lease, senders, { directInSubnet, sends: false }))
        doubted.push({ route, why, code: 'CLOUD_REFUSED', hint: 'See which machine the lease names.', doubted: true });
    }
  }
  // Of a subnet that has an owner all the same the row says what becomes of his route.
  const owned = new Set(belief.believed.map(({ subnet }) => subnet.v4));
  return { asked, doubted: doubted.filter(({ route }) => !owned.has(route.destination)) };
}
