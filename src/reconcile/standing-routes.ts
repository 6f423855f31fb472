/** Which routes stand to the very machines that have the subnets now. */
import type { HostEntry, Route } from '../core/host-entry.ts';
import type { Lease, LeaseKey } from '../core/lease.ts';
import type { Subnet } from '../core/subnet.ts';
import { trafficRoutes } from '../datapath/plan.ts';
import type { PeerPath } from './pass-report.ts';

/** @param paths as the pass before left them: what stood at the start of the process leads to whoever has the subnet, as far as anybody knows */
export function standingRoutes(
  observed: readonly HostEntry[],
  paths: ReadonlyMap<LeaseKey, PeerPath>,
  leases: ReadonlyMap<LeaseKey, Lease>,
): ReadonlyMap<Subnet, Route> {
  const routes = new Map(trafficRoutes(observed));
  for (const [key, { peer }] of paths) {
    const lease = leases.get(key);
    if (lease !== undefined && !isSameMachine(peer, lease)) routes.delete(lease.subnet.v4);
  }
  return routes;
}

/** Has the same machine claimed its subnet again? What stands to another one says nothing of this one's paths. */
export const hasClaimedAgain = (before: Lease, now: Lease): boolean =>
  before.epoch !== now.epoch && isSameMachine(before, now);

const isSameMachine = (a: Lease, b: Lease): boolean =>
  a.attributes.publicIP === b.attributes.publicIP && a.attributes.weft?.node === b.attributes.weft?.node;
