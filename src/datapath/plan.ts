/** For each peer the paths that say they are usable, the one of them that is taken, and what must stand on this host for all of it. */
import type { HostEntry, Route } from '../core/host-entry.ts';
import { standbyMetric } from '../core/instance.ts';
import type { Lease, LeaseKey } from '../core/lease.ts';
import type { PathName, Reach, Refusal } from '../core/path.ts';
import type { Chosen } from '../core/path-choice.ts';
import { contains, isHostAddress, overlaps, prefixLengthOf, type Subnet } from '../core/subnet.ts';
import type { Datapath, Self } from './datapath.ts';
import { extensionWay } from './extension.ts';
import { TakenRanges } from './taken-ranges.ts';
import { NO_PATHS, type Usable } from './usable-paths.ts';

/**
 * Which of the usable paths is taken. They come in the order of the list.
 * @param standing the one whose route stands in the kernel, as far as that was looked at
 */
export type Choose = (peer: Lease, usable: Usable, standing: PathName | undefined) => Chosen;

const NONE: readonly never[] = [];

/** What plans are made with besides the leases. */
export interface PlanParts {
  readonly self: Self;
  readonly paths: readonly Datapath[];
  readonly choose: Choose;
  /** Our routes of traffic, by destination. */
  readonly standing: ReadonlyMap<Subnet, Route>;
}

export interface PeerPlan {
  readonly peer: Lease;
  readonly path: Reach;
  /** In the order of the list; empty when none is. */
  readonly usable: readonly PathName[];
  /** Undefined when none is usable. */
  readonly chosen: Chosen | undefined;
  /** The path taken is the one whose route stood before. */
  readonly stood: boolean;
  readonly mtuBytes: number | undefined;
  /** Paths that the list prefers to the one taken (or all, when none is), each with its reason. */
  readonly refused: readonly Refusal[];
}

/** Who is reached by which mark of which path. `contested`: two peers may claim one, so no peer may be planned without all others. */
export interface Marks {
  readonly owners: Map<PathName, Map<string, Lease>>;
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
  // flanneld's lease when its --iface is wrong, say. No host is in its own Network; what is sent there would go by our own routes, into the tunnel it comes from.
  if (contains(network, publicIP)) return `its address ${publicIP} lies inside the Network ${network}`;
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
  let owners = marks.owners.get(path.name);
  if (owners === undefined) marks.owners.set(path.name, (owners = new Map()));
  const owner = owners.get(mark);
  if (owner !== undefined && owner.key !== peer.key) {
    marks.contested = true;
    if (owner.epoch <= peer.epoch) return `${mark} belongs to the peer with subnet ${owner.subnet.v4}`;
  }
  owners.set(mark, peer);
  return undefined;
}

/** What came of a path: usable, or why it is refused. */
interface Way {
  readonly path: Datapath;
  readonly why: string | undefined;
}

function wayBy(path: Datapath, self: Self, peer: Lease, marks: Marks): Way {
  const verdict = path.judge(self, peer);
  return { path, why: verdict.usable ? markTaken(path, self, peer, marks) : verdict.why };
}

/**
 * Besides the route of the path that is taken there is one that stands by for each other that could be, by which its probes go.
 * @param entries what must stand for this peer is added to these: there are thousands, and one list of them is enough
 */
export function planPeer(parts: PlanParts, peer: Lease, marks: Marks, entries: HostEntry[]): PeerPlan {
  const { self, paths, choose, standing } = parts;
  const odd = notAPeer(self, peer) ?? rangeTaken(self, peer, marks);
  const commands = self.config.extension;
  if (commands !== undefined) {
    const way = odd === undefined ? extensionWay(commands, peer) : { why: odd };
    if ('entry' in way) entries.push(way.entry);
    const path = 'entry' in way ? 'extension' : 'none';
    const refused = 'entry' in way ? NONE : [{ path: 'extension', why: way.why } as const];
    return { ...NO_PATH, peer, path, refused };
  }
  const ways = paths.map((path) => (odd === undefined ? wayBy(path, self, peer, marks) : { path, why: odd }));
  const route = standing.get(peer.subnet.v4);
  let stands: PathName | undefined;
  let list = NO_PATHS;
  for (const way of ways) {
    if (way.why !== undefined) continue;
    list = list.with(way.path.name);
    if (stands === undefined && route !== undefined && way.path.leads(self, peer, route)) stands = way.path.name;
  }
  const usable = list.paths;
  if (usable === undefined) {
    const refused = refusedBefore(ways, undefined);
    return { ...NO_PATH, peer, path: 'none', refused };
  }
  const chosen = choose(peer, usable, stands);
  let mtuBytes: number | undefined;
  for (const { path, why } of ways) {
    if (why !== undefined) continue;
    const isTaken = path.name === chosen.path;
    const sends = path.send(self, peer, isTaken ? undefined : standbyMetric(path.name));
    if (isTaken) mtuBytes = mtuOf(sends.at(-1));
    for (const entry of sends) entries.push(entry);
  }
  return {
    peer,
    path: chosen.path,
    usable,
    chosen,
    stood: stands === chosen.path,
    mtuBytes,
    refused: refusedBefore(ways, chosen),
  };
}

const NO_PATH = { usable: NONE, chosen: undefined, stood: false, mtuBytes: undefined };

/** Of the paths that the list prefers to the one taken, by the paths' own word or by the choice's. */
function refusedBefore(ways: readonly Way[], chosen: Chosen | undefined): readonly Refusal[] {
  let all: readonly Refusal[] = NONE;
  for (const { path, why } of ways) {
    if (path.name === chosen?.path) break;
    const refusal = why === undefined ? wordOf(chosen, path.name) : { path: path.name, why };
    // Not pushed: a list that grows keeps room for sixteen more, of every peer.
    if (refusal !== undefined) all = all.concat([refusal]);
  }
  return all;
}

const mtuOf = (last: HostEntry | undefined): number | undefined => (last?.kind === 'route' ? last.mtuBytes : undefined);

const wordOf = (chosen: Chosen | undefined, path: PathName): Refusal | undefined =>
  chosen?.refused.find((one) => one.path === path);

/** Our routes of traffic to peers, for `PlanParts`. */
export function trafficRoutes(observed: readonly HostEntry[]): ReadonlyMap<Subnet, Route> {
  const routes = new Map<Subnet, Route>();
  for (const entry of observed)
    if (entry.kind === 'route' && entry.metric === undefined) routes.set(entry.destination, entry);
  return routes;
}

interface Plans {
  readonly peers: Map<LeaseKey, PeerPlan>;
  readonly marks: Marks;
  /** What must stand for all of them. */
  readonly entries: HostEntry[];
}

/** All leases but our own. Where peers contest a mark or a range, they are planned again in the order of their epochs. */
export function planPeers(parts: PlanParts, leases: Iterable<Lease>): Plans {
  const others = [...leases].filter((lease) => lease.key !== parts.self.lease.key);
  const attempt = (order: readonly Lease[], ranges?: TakenRanges): Plans => {
    const marks: Marks = { owners: new Map(), contested: false, ...(ranges === undefined ? {} : { ranges }) };
    const plans: Plans = { peers: new Map(), marks, entries: [] };
    for (const lease of order) plans.peers.set(lease.key, planPeer(parts, lease, marks, plans.entries));
    return plans;
  };
  const first = attempt(others);
  return first.marks.contested ? attempt(others.toSorted(byEpoch), new TakenRanges()) : first;
}

/** Epochs are unique in a store that keeps its promise; two hosts must come to one answer all the same. */
const byEpoch = (a: Lease, b: Lease): number => a.epoch - b.epoch || (a.key < b.key ? -1 : 1);
