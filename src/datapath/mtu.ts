/** How large a packet a path carries. */
import { isPrivate } from '../core/subnet.ts';
import type { Lease } from '../core/lease.ts';
import type { Datapath, Self } from './datapath.ts';

/** No network between clouds, or between a cloud and the rest, promises more (CLOUD.md 1.6). */
const OUTSIDE_MTU = 1500;

/** The largest packet that containers of this host may send, by what this host alone knows. */
export function ownMtu(self: Pick<Self, 'config' | 'uplink'>, overheadBytes: number): number {
  return (self.config.mtuBytes ?? self.uplink.mtuBytes) - overheadBytes;
}

/** The largest that this host's device carries. Backend.MTU may promise more than that: it is one for all hosts. */
export const carriedMtu = (self: Pick<Self, 'config' | 'uplink'>, overheadBytes: number): number =>
  Math.min(ownMtu(self, overheadBytes), self.uplink.mtuBytes - overheadBytes);

/** Containers' MTU is fixed at their birth, so it must fit every path that may be taken later. */
export function containerMtu(self: Pick<Self, 'config' | 'uplink'>, paths: readonly Datapath[]): number {
  return Math.min(...paths.map((path) => ownMtu(self, path.overheadBytes)), ownMtu(self, 0));
}

/** Does the way to this peer leave the network (VPC) that this host is in? */
function leavesNetwork(self: Self, peer: Lease): boolean {
  const mine = self.cloud?.identity ?? self.lease.attributes.weft?.fabric;
  const theirs = peer.attributes.weft?.fabric;
  return (
    mine?.network !== theirs?.network || mine?.provider !== theirs?.provider || !isPrivate(peer.attributes.publicIP)
  );
}

/** What bounds a packet to a peer, in bytes; undefined where there is no bound. */
export interface MtuBounds {
  readonly mine: number;
  readonly theirs: number | undefined;
  /** Where the way leaves the network. */
  readonly between: number | undefined;
}

export function mtuBounds(self: Self, peer: Lease, overheadBytes: number): MtuBounds {
  const theirs = peer.attributes.weft?.mtuBytes;
  return {
    mine: carriedMtu(self, overheadBytes),
    theirs: theirs === undefined ? undefined : theirs - overheadBytes,
    between: leavesNetwork(self, peer) ? OUTSIDE_MTU - overheadBytes : undefined,
  };
}

/** MTU of the route to a peer: the smallest of the bounds. */
export function routeMtu(self: Self, peer: Lease, overheadBytes: number): number {
  const mine = carriedMtu(self, overheadBytes) + overheadBytes;
  const least = Math.min(mine, peer.attributes.weft?.mtuBytes ?? mine, leavesNetwork(self, peer) ? OUTSIDE_MTU : mine);
  return least - overheadBytes;
}
