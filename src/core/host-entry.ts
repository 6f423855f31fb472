/**
 * What stands on a host because of us: one flat value for each kernel object or file, so that the wanted and the
 * observed state are two lists that can be compared.
 */
import type { Address } from './address.ts';
import type { Comparison } from './diff.ts';
import { describeExtensionPeer, type ExtensionPeer } from './extension.ts';
import type { MacAddress } from './mac.ts';
import type { Subnet } from './subnet.ts';

export interface VxlanLink {
  readonly kind: 'link';
  readonly name: string;
  readonly vni: number;
  /** UDP destination port. */
  readonly port: number;
  /** Outer source address: an address of the uplink, never a NAT's. */
  readonly local: Address;
  /** The underlying device. */
  readonly uplink: string;
  readonly mtuBytes: number;
  readonly mac: MacAddress;
  readonly learning: boolean;
  /** Group based policy extension. */
  readonly gbp: boolean;
  readonly up: boolean;
}

export interface LinkAddress {
  readonly kind: 'address';
  readonly link: string;
  readonly address: Address;
  readonly prefixLength: number;
}

/** A route in the main table. */
export interface Route {
  readonly kind: 'route';
  readonly destination: Subnet;
  /**
   * Absent: traffic's route. With one it stands by: traffic passes it over for the one without, and only who asks for its device finds it (`standbyMetric`). The kernel keeps routes to one
   * destination apart by it, and so do we.
   */
  readonly metric?: number | undefined;
  readonly link: string;
  readonly via?: Address;
  /** The next hop counts as on-link whatever the link's addresses say (RTNH_F_ONLINK). */
  readonly onlink: boolean;
  readonly source?: Address;
  readonly mtuBytes?: number;
  /** Seen: another hand's, that leads as flanneld's would (`HostScope.left`). Replaced by the one that is wanted in its place; never removed. */
  readonly left?: true;
}

/** Packets to this range that have no route are refused, with ICMP Host Unreachable, instead of leaving by the default route. */
export interface Unreachable {
  readonly kind: 'unreachable';
  readonly destination: Subnet;
}

/** The kernel's own broadcast route for our base, which kernels before 5.14 make; seen only to be removed. */
export interface BroadcastRoute {
  readonly kind: 'broadcast';
  readonly address: Address;
  readonly link: string;
}

export interface Neighbour {
  readonly kind: 'neighbour';
  readonly link: string;
  readonly address: Address;
  readonly mac: MacAddress;
}

/** Which remote host stands behind a MAC on a vxlan device. */
export interface ForwardingEntry {
  readonly kind: 'fdb';
  readonly link: string;
  readonly mac: MacAddress;
  readonly remote: Address;
}

export interface Sysctl {
  readonly kind: 'sysctl';
  /** Below /proc/sys, with slashes: device names may hold dots. */
  readonly name: string;
  readonly value: string;
  /** The device whose setting it is; gone with it. */
  readonly link?: string;
}

/** Forwarded packets of this range are accepted in the chain that would drop them (both directions). */
export interface ForwardAccept {
  readonly kind: 'accept';
  readonly network: Subnet;
}

export interface HostFile {
  readonly kind: 'file';
  readonly path: string;
  readonly text: string;
}

export type HostEntry =
  | VxlanLink
  | LinkAddress
  | Route
  | Unreachable
  | BroadcastRoute
  | Neighbour
  | ForwardingEntry
  | Sysctl
  | ForwardAccept
  | ExtensionPeer
  | HostFile;

/** What many entries of a kind share: the metric, or the device. Together with kind and name it says which thing an entry is a state of. */
function placeOf(entry: HostEntry): string | number {
  switch (entry.kind) {
    case 'route':
      return entry.metric ?? '';
    case 'address':
    case 'broadcast':
    case 'neighbour':
    case 'fdb':
      return entry.link;
    default:
      return '';
  }
}

function nameOf(entry: HostEntry): string {
  switch (entry.kind) {
    case 'link':
    case 'sysctl':
      return entry.name;
    case 'address':
      return `${entry.address}/${entry.prefixLength}`;
    case 'route':
    case 'unreachable':
      return entry.destination;
    case 'broadcast':
    case 'neighbour':
      return entry.address;
    case 'fdb':
      return entry.mac;
    case 'accept':
      return entry.network;
    case 'extension':
      return entry.subnet;
    case 'file':
      return entry.path;
  }
}

/** Identity: two entries with one key are two states of the same thing. */
export function hostEntryKey(entry: HostEntry): string {
  const place = placeOf(entry);
  return place === '' ? `${entry.kind} ${nameOf(entry)}` : `${entry.kind} ${place} ${nameOf(entry)}`;
}

/**
 * Puts go in this order, removals in the reverse: what others stand on comes first, and the route, which lets
 * packets flow, after all it needs. A route set before its neighbour would make the kernel ask by ARP. The refusal of what has no route is there before
 * anything is forwarded, and goes last.
 */
const ORDER: Readonly<Record<HostEntry['kind'], number>> = {
  unreachable: 0,
  link: 1,
  sysctl: 2,
  address: 3,
  broadcast: 4,
  fdb: 5,
  neighbour: 6,
  accept: 7,
  route: 8,
  file: 10,
  // Commands may take their time: all else is in place before the first of them.
  extension: 20,
};

/** After the routes of traffic, and gone before them: no packet of traffic takes one in between. */
const STANDBY_ORDER = 9;

export const hostEntryOrder = (entry: HostEntry): number =>
  entry.kind === 'route' && entry.metric !== undefined ? STANDBY_ORDER : ORDER[entry.kind];

const sameRoute = (a: Route, b: Route): boolean =>
  a.destination === b.destination &&
  a.metric === b.metric &&
  a.link === b.link &&
  a.via === b.via &&
  a.onlink === b.onlink &&
  a.source === b.source &&
  a.mtuBytes === b.mtuBytes &&
  a.left === b.left;

/** Flat values of one shape: equal when every member is. An absent member equals an undefined one. */
export function sameHostEntry(a: HostEntry, b: HostEntry): boolean {
  if (a === b) return true;
  // The kinds of which there are thousands, written out.
  if (a.kind === 'route') return b.kind === 'route' && sameRoute(a, b);
  if (a.kind === 'neighbour')
    return b.kind === 'neighbour' && a.address === b.address && a.mac === b.mac && a.link === b.link;
  if (a.kind === 'fdb') return b.kind === 'fdb' && a.mac === b.mac && a.remote === b.remote && a.link === b.link;
  for (const key in a) if (a[key as keyof HostEntry] !== b[key as keyof HostEntry]) return false;
  for (const key in b) if (a[key as keyof HostEntry] !== b[key as keyof HostEntry]) return false;
  return true;
}

/** For `diff`. Each kind has orders of its own, so entries of two kinds are never taken for one thing. */
export const HOST_ENTRIES: Comparison<HostEntry> = {
  order: hostEntryOrder,
  place: placeOf,
  name: nameOf,
  same: sameHostEntry,
};

/** Must the kernel make this device anew to get from one state to the other? Then all that stands on it goes too. */
export function linkIsRemade(was: VxlanLink, want: VxlanLink): boolean {
  return (
    was.vni !== want.vni ||
    was.port !== want.port ||
    was.local !== want.local ||
    was.uplink !== want.uplink ||
    was.learning !== want.learning ||
    was.gbp !== want.gbp
  );
}

/** The device that an entry stands on and vanishes with. */
export function linkUnder(entry: HostEntry): string | undefined {
  switch (entry.kind) {
    case 'address':
    case 'route':
    case 'broadcast':
    case 'neighbour':
    case 'fdb':
    case 'sysctl':
      return entry.link;
    default:
      return undefined;
  }
}

/** One line that says everything, in the words of ip(8) where it has some. */
export function describeHostEntry(entry: HostEntry): string {
  switch (entry.kind) {
    case 'link':
      return `link ${entry.name} vxlan id ${entry.vni} local ${entry.local} dev ${entry.uplink} dstport ${entry.port}${entry.learning ? '' : ' nolearning'}${entry.gbp ? ' gbp' : ''} address ${entry.mac} mtu ${entry.mtuBytes} ${entry.up ? 'up' : 'down'}`;
    case 'address':
      return `address ${entry.address}/${entry.prefixLength} dev ${entry.link}`;
    case 'route':
      return `route ${entry.destination}${entry.via === undefined ? '' : ` via ${entry.via}`} dev ${entry.link}${entry.metric === undefined ? '' : ` metric ${entry.metric}`}${entry.source === undefined ? '' : ` src ${entry.source}`}${entry.mtuBytes === undefined ? '' : ` mtu ${entry.mtuBytes}`}${entry.onlink ? ' onlink' : ''}`;
    case 'unreachable':
      return `unreachable ${entry.destination}`;
    case 'broadcast':
      return `broadcast ${entry.address} dev ${entry.link} table local`;
    case 'neighbour':
      return `neighbour ${entry.address} lladdr ${entry.mac} dev ${entry.link} permanent`;
    case 'fdb':
      return `fdb ${entry.mac} dst ${entry.remote} dev ${entry.link} self permanent`;
    case 'sysctl':
      return `sysctl ${entry.name}=${entry.value}`;
    case 'accept':
      return `accept forwarded ${entry.network}`;
    case 'extension':
      return describeExtensionPeer(entry);
    case 'file':
      return `file ${entry.path} ${JSON.stringify(entry.text)}`;
  }
}
