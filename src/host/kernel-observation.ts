/** What of ours stands in the kernel, by netlink. */
import { setImmediate as rest } from 'node:timers/promises';
import type { HostScope } from '../contracts/host-network.ts';
import { family, type Family } from '../core/address.ts';
import type { HostEntry, Route, Unreachable } from '../core/host-entry.ts';
import { trySubnet, type Subnet } from '../core/subnet.ts';
import { AF_INET, AF_INET6 } from '../native/netlink/constants.ts';
import type { LinkMessage } from '../native/netlink/link.ts';
import type { RouteSocket } from '../native/route-socket.ts';
import { addressesOf } from './addresses.ts';
import type { Asked } from './asked.ts';
import type { Links } from './links.ts';
import {
  forwardingEntries,
  forwardingEntriesAt,
  forwardingEntry,
  neighbourEntry,
  neighboursAt,
  permanentNeighbours,
} from './neighbours.ts';
import { observeBroadcasts, RouteView } from './routes.ts';
import { isTunnelDevice, observeTun } from './tun-links.ts';
import type { UdpTunnel } from './udp-tunnel.ts';
import { observeVxlan } from './vxlan-links.ts';

/** Up to so many entries are asked for one by one: 5 µs each, where to list 5,000 takes 10 ms. */
const ONE_BY_ONE = 64;
/** A peer has a route for traffic, and one may stand by for each path. */
const ROUTES_ONE_BY_ONE = 4 * ONE_BY_ONE;

const LOOPBACK = 'lo';

/** Rests before dumps, so that a look at thousands does not hold up the rest of the process; what is asked for one by one waits for nobody. */
export async function observeKernel(
  socket: RouteSocket,
  links: Links,
  scope: HostScope,
  asked: Asked,
  tunnel: UdpTunnel,
): Promise<HostEntry[]> {
  const entries: HostEntry[] = [];
  const add = (found: readonly HostEntry[]): void => {
    for (const entry of found) if (asked.has(entry)) entries.push(entry);
  };
  const versions = [...new Set<Family>([4, ...scope.networks.map(family)])];
  // A device of another kind under one of our names is none of ours, and neither is what stands on it.
  const own = scope.links.flatMap((name) => {
    const link = links.named(name);
    return isTunnelDevice(link) && link.name === name ? [link] : [];
  });
  if (asked.any('link')) for (const link of own) add(orNone(observeVxlan(links, link.name)));
  if (asked.any('tun')) for (const link of own) add(orNone(observeTun(links, link.name)));
  if (asked.any('socket') || asked.any('tunnel'))
    for (const link of own) if (link.tun !== undefined) add(tunnel.observe(link.name, link.index));
  if (asked.any('address')) for (const version of versions) add(addresses(socket, links, scope, own, version));
  if (asked.any('broadcast') && scope.base !== undefined) add(observeBroadcasts(socket, links, scope.base));
  if (asked.any('neighbour')) {
    if (asked.few('neighbour', ONE_BY_ONE) === undefined) await rest();
    for (const link of own) add(neighbours(socket, link, versions, asked));
  }
  if (asked.any('fdb')) {
    if (asked.few('fdb', ONE_BY_ONE) === undefined) await rest();
    for (const link of own) add(forwarding(socket, link, asked));
  }
  if (asked.any('route') || asked.any('unreachable')) {
    if (asked.few('route', ROUTES_ONE_BY_ONE) === undefined) await rest();
    add(routes(socket, links, { ...scope, links: own.map(({ name }) => name) }, asked));
  }
  return entries;
}

const orNone = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);

function addresses(
  socket: RouteSocket,
  links: Links,
  scope: HostScope,
  own: readonly LinkMessage[],
  version: Family,
): HostEntry[] {
  const loopback = scope.base === undefined || family(scope.base) !== version ? undefined : links.named(LOOPBACK);
  const onLoopback = loopback === undefined ? [] : addressesOf(socket, loopback, version);
  const whole = version === 4 ? 32 : 128;
  return [
    ...own.flatMap((link) => addressesOf(socket, link, version)),
    ...onLoopback.filter(({ address, prefixLength }) => address === scope.base && prefixLength === whole),
  ];
}

function neighbours(socket: RouteSocket, link: LinkMessage, versions: readonly Family[], asked: Asked): HostEntry[] {
  const few = asked
    .few('neighbour', ONE_BY_ONE)
    ?.flatMap(([name, address = '']) => (name === link.name ? [address] : []));
  const found = few === undefined ? undefined : neighboursAt(socket, link.index, few);
  const pairs =
    found ?? versions.flatMap((version) => permanentNeighbours(socket, version === 4 ? AF_INET : AF_INET6, link.index));
  return pairs.map((pair) => neighbourEntry(link.name, pair));
}

function forwarding(socket: RouteSocket, link: LinkMessage, asked: Asked): HostEntry[] {
  const few = asked.few('fdb', ONE_BY_ONE)?.flatMap(([name, mac = '']) => (name === link.name ? [mac] : []));
  const found = few === undefined ? undefined : forwardingEntriesAt(socket, link.index, few);
  return (found ?? forwardingEntries(socket, link.index)).map((pair) => forwardingEntry(link.name, pair));
}

function routes(socket: RouteSocket, links: Links, scope: HostScope, asked: Asked): (Route | Unreachable)[] {
  const view = new RouteView(socket, links, scope);
  const few = asked.any('unreachable') ? undefined : asked.few('route', ROUTES_ONE_BY_ONE);
  if (few === undefined) return view.all();
  const byMetric = new Map<number | undefined, Subnet[]>();
  for (const words of few) {
    const [destination = '', metric] = words.toReversed();
    const number = metric === undefined ? undefined : Number(metric);
    const known = byMetric.get(number);
    if (known === undefined) byMetric.set(number, orNone(trySubnet(destination)));
    else known.push(...orNone(trySubnet(destination)));
  }
  const found: Route[] = [];
  for (const [metric, destinations] of byMetric) {
    const link = metric === undefined ? undefined : scope.standby?.get(metric);
    if (metric !== undefined && link === undefined) return view.all();
    const some = view.to(destinations, metric === undefined || link === undefined ? undefined : { metric, link });
    if (some === undefined) return view.all();
    found.push(...some);
  }
  return found;
}
