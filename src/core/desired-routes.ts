/** Which routes ought to stand in which tables: each lease's in the tables that its senders use. */
import type { CloudTable, WantedRoute } from './cloud-route.ts';
import type { Lease, LeaseKey } from './lease.ts';
import type { NetworkConfig } from './network-config.ts';

export interface RouteWishes {
  readonly leases: Iterable<Lease>;
  /** Their owners have fallen silent: they send no more. */
  readonly expired: ReadonlySet<LeaseKey>;
  /** The cloud network (VPC) in question, and tables of it that may be written. */
  readonly network: string;
  readonly tables: ReadonlySet<string>;
  /** Peers in one cloud subnet reach each other without a route. */
  readonly directInSubnet: boolean;
  /** Whose routes; undefined: everybody's. It counts as given here, whatever the leases say of it. */
  readonly of?: Lease;
}

/** Sorted by table and destination. */
export function wantedRoutes({ leases, expired, network, tables, directInSubnet, of }: RouteWishes): WantedRoute[] {
  const members = [...leases].filter(
    (lease) => lease.attributes.weft?.fabric?.network === network && !expired.has(lease.key) && lease.key !== of?.key,
  );
  if (of?.attributes.weft?.fabric?.network === network) members.push(of);
  const senders = countSenders(members, tables);
  const owners = of === undefined ? members : members.filter((lease) => lease === of);
  const wanted = owners.flatMap((lease) => wishesOf(lease, senders, { directInSubnet, sends: true }));
  return wanted
    .map(({ route }) => route)
    .toSorted((a, b) => compare(a.table, b.table) || compare(a.destination, b.destination));
}

export interface RouteWish {
  readonly route: WantedRoute;
  /** How many would send by it. */
  readonly senders: number;
}

/** Of one lease the routes that it asks for. `sends`: it is one of those that were counted. */
export function wishesOf(
  lease: Lease,
  senders: Senders,
  { directInSubnet, sends }: { readonly directInSubnet: boolean; readonly sends: boolean },
): RouteWish[] {
  const { weft } = lease.attributes;
  if (weft?.fabric === undefined) return [];
  const { node, fabric, table: own } = weft;
  return [...senders].flatMap(([table, bySubnet]) => {
    let others = 0;
    for (const [subnet, count] of bySubnet) if (subnet !== fabric.subnet || !directInSubnet) others += count;
    if (sends && own === table && !directInSubnet) others -= 1;
    const route = { table, destination: lease.subnet.v4, target: fabric.target, epoch: lease.epoch, node };
    return others > 0 ? [{ route, senders: others }] : [];
  });
}

/** For each table that may be written: how many send by it, by their cloud subnet. */
export type Senders = ReadonlyMap<string, ReadonlyMap<string, number>>;

export function countSenders(members: readonly Lease[], tables: ReadonlySet<string>): Senders {
  const senders = new Map<string, Map<string, number>>();
  for (const { attributes } of members) {
    const { fabric, table } = attributes.weft ?? {};
    if (fabric === undefined || table === undefined || !tables.has(table)) continue;
    const bySubnet = senders.get(table) ?? new Map<string, number>();
    bySubnet.set(fabric.subnet, (bySubnet.get(fabric.subnet) ?? 0) + 1);
    senders.set(table, bySubnet);
  }
  return senders;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export interface AllowedTables {
  readonly ids: ReadonlySet<string>;
  /** Named by the config, and not there. */
  readonly missing: readonly string[];
}

/** Which tables the network config lets us write. A tag is given as `key` or `key=value`. */
export function allowedTables(
  { ids, tag }: NetworkConfig['routeTables'],
  tables: readonly CloudTable[],
): AllowedTables {
  const there = tables.map(({ id }) => id);
  if (ids.length > 0)
    return { ids: new Set(ids.filter((id) => there.includes(id))), missing: ids.filter((id) => !there.includes(id)) };
  if (tag === undefined) return { ids: new Set(there), missing: [] };
  const [key = '', ...value] = tag.split('=');
  const fits = ({ tags }: CloudTable): boolean =>
    value.length === 0 ? tags.has(key) : tags.get(key) === value.join('=');
  return { ids: new Set(tables.filter(fits).map(({ id }) => id)), missing: [] };
}
