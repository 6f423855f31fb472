/** For each peer the first path of the list that says it is usable, and what must stand on this host for all of it. */
import type { HostEntry } from '../core/host-entry.ts';
import type { Lease, LeaseKey } from '../core/lease.ts';
import type { PathName, Refusal } from '../core/path.ts';
import { contains, isHostAddress, overlaps, prefixLengthOf } from '../core/subnet.ts';
import type { Datapath, Self } from './datapath.ts';
import { routeMtu } from './mtu.ts';
import { TakenRanges } from './taken-ranges.ts';

export interface PeerPlan {
  readonly peer: Lease;
  readonly path: PathName | 'none';
  readonly mtuBytes: number | undefined;
  /** Paths that the list prefers to the one taken (or all, when none is), each with its reason. */
  readonly refused: readonly Refusal[];
  readonly entries: readonly HostEntry[];
}

/** Who is reached by which mark of which path. `contested`: two peers may claim one, so no peer may be planned without all others. */
export interface Marks {
  readonly owners: Map<string, Lease>;
  /** Once it is known that subnets may overlap. */
  readonly ranges?: TakenRanges;
  contested: boolean;
}

/** Why a lease is no peer at all, if so. Leases are other hosts' words: what does not fit the network is not acted on. */
function notAPeer(self: Self, lease: Lease): string | undefined {
  const { network } = self.config.v4;
  const subnet = lease.subnet.v4;
  if (!contains(network, subnet)) return `${subnet} lies outside the Network ${network}`;
  if (overlaps(subnet, self.lease.subnet.v4))
    return `${subnet} overlaps this host's own subnet ${self.lease.subnet.v4}`;
  const { publicIP } = lease.attributes;
  if (!isHostAddress(publicIP)) return `${publicIP} is no address that a host can have`;
  if (publicIP === self.uplink.address || publicIP === self.uplink.publicIP)
    return `the peer advertises this host's own address ${publicIP}`;
  return undefined;
}

/** Of overlapping subnets the one with the lower epoch was there first: a longer one inside it would draw off its traffic. */
function rangeTaken(self: Self, peer: Lease, marks: Marks): string | undefined {
  const subnet = peer.subnet.v4;
  // Keys of one length cannot overlap, but two keys name one subnet when one of them has a second family's beside it.
  if (prefixLengthOf(subnet) !== self.config.v4.subnetLength || peer.subnet.v6 !== undefined) marks.contested = true;
  const owner = marks.ranges?.take(peer);
  return owner === undefined ? undefined : `${subnet} overlaps ${owner.subnet.v4}, which another peer had first`;
}

/** The lower epoch had the mark first and keeps it. */
function markTaken(path: Datapath, self: Self, peer: Lease, marks: Marks): string | undefined {
  const mark = path.mark(self, peer);
  if (mark === undefined) return undefined;
  const key = `${path.name} ${mark}`;
  const owner = marks.owners.get(key);
  if (owner !== undefined && owner.key !== peer.key) {
    marks.contested = true;
    if (owner.epoch <= peer.epoch) return `${mark} belongs to the peer with subnet ${owner.subnet.v4}`;
  }
  marks.owners.set(key, peer);
  return undefined;
}

export function planPeer(self: Self, paths: readonly Datapath[], peer: Lease, marks: Marks): PeerPlan {
  const odd = notAPeer(self, peer) ?? rangeTaken(self, peer, marks);
  const refused: Refusal[] = [];
  for (const path of paths) {
    const verdict = odd === undefined ? path.judge(self, peer) : { usable: false as const, why: odd };
    const why = verdict.usable ? markTaken(path, self, peer, marks) : verdict.why;
    if (why === undefined)
      return {
        peer,
        path: path.name,
        mtuBytes: routeMtu(self, peer, path.overheadBytes),
        refused,
        entries: path.send(self, peer),
      };
    refused.push({ path: path.name, why });
  }
  return { peer, path: 'none', mtuBytes: undefined, refused, entries: [] };
}

/** All leases but our own. Where peers contest a mark or a range, they are planned again in the order of their epochs. */
export function planPeers(
  self: Self,
  paths: readonly Datapath[],
  leases: Iterable<Lease>,
): { readonly peers: Map<LeaseKey, PeerPlan>; readonly marks: Marks } {
  const others = [...leases].filter((lease) => lease.key !== self.lease.key);
  const attempt = (order: readonly Lease[], ranges?: TakenRanges): { peers: Map<LeaseKey, PeerPlan>; marks: Marks } => {
    const marks: Marks = { owners: new Map(), contested: false, ...(ranges === undefined ? {} : { ranges }) };
    const peers = new Map<LeaseKey, PeerPlan>();
    for (const lease of order) peers.set(lease.key, planPeer(self, paths, lease, marks));
    return { peers, marks };
  };
  const first = attempt(others);
  return first.marks.contested ? attempt(others.toSorted(byEpoch), new TakenRanges()) : first;
}

/** Epochs are unique in a store that keeps its promise; two hosts must come to one answer all the same. */
const byEpoch = (a: Lease, b: Lease): number => a.epoch - b.epoch || (a.key < b.key ? -1 : 1);
