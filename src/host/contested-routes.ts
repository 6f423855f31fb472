/**
 * Routes that met something unforeseen in the kernel.
 *
 * To put a new one failed: a route to that destination stands. If it is ours after all (an observation that missed it, or another one of us was quicker), it is
 * replaced; if it is somebody else's, it stays and we say so. Between look and replace a moment passes in which somebody may put theirs in place of ours; the
 * kernel offers no "replace if it is mine". Such a route is lost then as it would be to a replace by ip(8).
 *
 * To remove one found none of our protocol: it is gone, or it was one that flanneld left on our device.
 */
import { family, type Family } from '../core/address.ts';
import { WeftError } from '../core/errors.ts';
import { describeHostEntry } from '../core/host-entry.ts';
import { ROUTE_PROTOCOL } from '../core/instance.ts';
import type { Subnet } from '../core/subnet.ts';
import { ENODEV, ESRCH } from '../native/kernel-error.ts';
import {
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RT_TABLE_MAIN,
  RTM_DELROUTE,
  RTM_NEWROUTE,
} from '../native/netlink/constants.ts';
import type { LinkMessage } from '../native/netlink/link.ts';
import { writeRoute, writeRouteRemoval, type RouteMessage } from '../native/netlink/route.ts';
import type { RouteSocket } from '../native/route-socket.ts';
import { refusal } from './kernel-errors.ts';
import { addressOf, subnetFrom } from './kernel-values.ts';
import type { Links } from './links.ts';
import { metricOf, routeKey, routeRequest, type OwnRoute } from './route-requests.ts';
import { dumpRoutes, isOurs, TAKEN_OVER_PROTOCOLS } from './routes.ts';
import { isTunnelDevice } from './tun-links.ts';

export interface Contested {
  readonly number: number;
  readonly op: 'put' | 'remove';
  readonly route: OwnRoute;
}

type Fail = (change: number, error: WeftError) => void;

export function settleContested(socket: RouteSocket, links: Links, contested: readonly Contested[], fail: Fail): void {
  const puts = contested.filter(({ op }) => op === 'put');
  if (puts.length > 0) replaceOurs(socket, links, puts, fail);
  const left = contested.filter(({ op, route }) => op === 'remove' && isTunnelDevice(deviceOf(links, route)));
  if (left.length > 0) removeLeft(socket, links, left, fail);
}

function replaceOurs(socket: RouteSocket, links: Links, puts: readonly Contested[], fail: Fail): void {
  const standing = standingAt(socket, puts);
  const isTunnel = (index: number): boolean => isTunnelDevice(links.at(index));
  // Looked up before requests wait in the socket.
  const judged = puts.flatMap((put) => {
    const route = standing.get(placeOf(metricOf(put.route), put.route.destination));
    if (route === undefined || isOurs(route, isTunnel(route.link)))
      return [{ ...put, free: route === undefined, link: deviceOf(links, put.route)?.index }];
    fail(put.number, foreign(put.route, route, links));
    return [];
  });
  sendAll(socket, judged, fail, ({ route, free, link }) => {
    if (link !== undefined || route.kind === 'unreachable')
      socket.add(RTM_NEWROUTE, NLM_F_CREATE | (free ? NLM_F_EXCL : NLM_F_REPLACE), (w) =>
        writeRoute(w, routeRequest(route, link)),
      );
  });
}

function removeLeft(socket: RouteSocket, links: Links, left: readonly Contested[], fail: Fail): void {
  for (const protocol of TAKEN_OVER_PROTOCOLS) {
    const found = left.map((removal) => ({ ...removal, link: deviceOf(links, removal.route)?.index }));
    sendAll(socket, found, fail, ({ route, link }) => {
      if (link !== undefined)
        socket.add(RTM_DELROUTE, 0, (w) => writeRouteRemoval(w, { ...routeKey(route, link), protocol }));
    });
  }
}

/** One request at most for each; a missing device or route fails nothing but a put. */
function sendAll<T extends Contested>(
  socket: RouteSocket,
  all: readonly T[],
  fail: Fail,
  request: (one: T) => void,
): void {
  let sent: T[] = [];
  const exchange = (): void => {
    for (const { request: at, errno, said } of socket.exchange()) {
      const one = sent[at];
      if (one === undefined || (one.op === 'remove' && (errno === ESRCH || errno === ENODEV))) continue;
      fail(one.number, refusal(`${one.op} ${describeHostEntry(one.route)}`, errno, said));
    }
    sent = [];
  };
  for (const one of all) {
    if (socket.full) exchange();
    const before = socket.waiting;
    request(one);
    if (socket.waiting > before) sent.push(one);
    else if (one.op === 'put')
      fail(one.number, new WeftError('LINK_MISSING', `put ${describeHostEntry(one.route)}: its device is gone`));
  }
  if (sent.length > 0) exchange();
}

const deviceOf = (links: Links, route: OwnRoute): LinkMessage | undefined =>
  route.kind === 'route' ? links.named(route.link) : undefined;

const placeOf = (metric: number, destination: Subnet): string => `${metric} ${destination}`;

/** The first route of no TOS at each place: the one that a replace would hit. */
function standingAt(socket: RouteSocket, puts: readonly Contested[]): Map<string, RouteMessage> {
  const places = new Set(puts.map(({ route }) => placeOf(metricOf(route), route.destination)));
  const standing = new Map<string, RouteMessage>();
  for (const version of new Set<Family>(puts.map(({ route }) => family(route.destination)))) {
    for (const route of dumpRoutes(socket, version, { table: RT_TABLE_MAIN }, ({ tos }) => tos === 0)) {
      const place = placeOf(route.priority, subnetFrom(route.destination, route.prefixLength));
      if (places.has(place) && !standing.has(place)) standing.set(place, route);
    }
  }
  return standing;
}

function foreign(want: OwnRoute, standing: RouteMessage, links: Links): WeftError {
  const via = standing.gateway === undefined ? '' : ` via ${addressOf(standing.gateway)}`;
  const link = standing.link === 0 ? '' : ` dev ${links.at(standing.link)?.name ?? standing.link}`;
  return new WeftError(
    'KERNEL_REFUSED',
    `put ${describeHostEntry(want)}: EEXIST, a route that is not ours stands: ${want.destination}${via}${link} proto ${standing.protocol} (ours have ${ROUTE_PROTOCOL})`,
    {
      hint: `remove the other route ("ip route del ${want.destination} proto ${standing.protocol}"), or find out what made it`,
    },
  );
}
