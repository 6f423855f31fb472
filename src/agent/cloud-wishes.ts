/** The routes that this host ought to have, by what it knows before it looks. */
import type { CloudTable } from '../core/cloud-route.ts';
import { allowedTables, wantedRoutes } from '../core/desired-routes.ts';
import type { FabricIdentity, Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';

/** My lease as it will be when all that is known of my place is in it. */
export function placedLease(lease: Lease, fabric: FabricIdentity, table: string | undefined): Lease {
  const { weft } = lease.attributes;
  if (weft === undefined) return lease;
  const { table: _, ...rest } = weft;
  const advert = { ...rest, fabric, ...(table === undefined ? {} : { table }) };
  return { ...lease, attributes: { ...lease.attributes, weft: advert } };
}

export interface RouteSources {
  readonly config: NetworkConfig;
  readonly view: LeaseView;
  /** As they were when they were looked at last. */
  readonly tables: readonly CloudTable[];
  /** Mine, placed. */
  readonly lease: Lease;
}

/** As texts that differ when anything in them does. A table that only peers know counts as one that may be written: a look has to tell. */
export function routeWishes({ config, view, tables, lease }: RouteSources): ReadonlySet<string> {
  const known = new Set(tables.map(({ id }) => id));
  const { ids } = config.routeTables;
  const named = [...view.leases.values()].flatMap(({ attributes: { weft } }) =>
    weft?.table === undefined || known.has(weft.table) || (ids.length > 0 && !ids.includes(weft.table))
      ? []
      : weft.table,
  );
  const wanted = wantedRoutes({
    leases: view.leases.values(),
    expired: view.expired,
    network: lease.attributes.weft?.fabric?.network ?? '',
    tables: new Set([...allowedTables(config.routeTables, tables).ids, ...named]),
    directInSubnet: config.paths.includes('direct'),
    of: lease,
  });
  return new Set(wanted.map(({ table, destination, target, epoch }) => `${table} ${destination} ${target} ${epoch}`));
}
