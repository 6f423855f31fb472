/** Our routes, all in the main table, and the kernel's broadcast route for our base. */
import type { HostScope } from '../contracts/host-network.ts';
import { bitsOf, family, type Address, type Family } from '../core/address.ts';
import type { BroadcastRoute, Route, Unreachable } from '../core/host-entry.ts';
import { ROUTE_PROTOCOL } from '../core/instance.ts';
import { baseOf, prefixLengthOf, type Subnet } from '../core/subnet.ts';
import {
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTM_F_CLONED,
  RTM_GETROUTE,
  RTN_BROADCAST,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTNH_F_ONLINK,
  RTPROT_BOOT,
  RTPROT_KERNEL,
  RTPROT_STATIC,
} from '../native/netlink/constants.ts';
import { ENOENT, KernelError } from '../native/kernel-error.ts';
import {
  readRoute,
  routeProtocol,
  writeRouteLookup,
  writeRouteQuery,
  type RouteFilter,
  type RouteMessage,
} from '../native/netlink/route.ts';
import type { RouteSocket } from '../native/route-socket.ts';
import { addressOf, ipValueOf, subnetFrom, within } from './kernel-values.ts';
import type { Links } from './links.ts';

/**
 * flanneld marks its routes `boot`, as ip(8) does where it is told nothing. Those on a vxlan device that is ours, to somewhere in our Network, are what a flanneld
 * left there: the device was taken over, so these are too, or they would stand in the way of ours for ever. `static` is what an administrator says who repairs
 * such a route by hand. On any other device, and of any other protocol, a route is somebody else's.
 */
export const TAKEN_OVER_PROTOCOLS = [RTPROT_BOOT, RTPROT_STATIC] as const;

export function isOurs(route: RouteMessage, onOurLink: boolean): boolean {
  return (
    route.protocol === ROUTE_PROTOCOL ||
    (onOurLink && TAKEN_OVER_PROTOCOLS.some((protocol) => protocol === route.protocol))
  );
}

/** A form that an entry can say: else it counts as missing, and is replaced when wanted. */
const isPlain = (route: RouteMessage): boolean =>
  route.type === RTN_UNICAST &&
  route.tos === 0 &&
  !route.foreignForm &&
  route.link !== 0 &&
  (route.flags & RTM_F_CLONED) === 0;

const isRefusal = (route: RouteMessage): boolean =>
  route.type === RTN_UNREACHABLE && route.tos === 0 && route.priority === 0 && route.protocol === ROUTE_PROTOCOL;

export type RouteScope = Pick<HostScope, 'networks' | 'links' | 'left'>;

export class RouteView {
  readonly #socket: RouteSocket;
  readonly #links: Links;
  readonly #scope: RouteScope;
  readonly #isWithin: (destination: number | bigint, prefixLength: number) => boolean;

  constructor(socket: RouteSocket, links: Links, scope: RouteScope) {
    this.#socket = socket;
    this.#links = links;
    this.#scope = scope;
    this.#isWithin = within(scope.networks);
  }

  /** All of ours. What is down or without carrier is listed all the same. */
  all(): (Route | Unreachable)[] {
    const routes: (Route | Unreachable)[] = [];
    for (const version of new Set(this.#scope.networks.map(family))) {
      const own = dumpRoutes(
        this.#socket,
        version,
        { table: RT_TABLE_MAIN, protocol: ROUTE_PROTOCOL },
        this.#mayBeOurs,
      );
      for (const name of this.#scope.links) own.push(...this.#leftOn(name, version, this.#mayBeOurs));
      if (this.#scope.left !== undefined) own.push(...this.#leftOn(this.#scope.left.link, version, this.#isLeft));
      routes.push(...this.#entries(own));
    }
    return routes;
  }

  #leftOn(name: string, version: Family, isWanted: (route: RouteMessage) => boolean): RouteMessage[] {
    const link = this.#links.named(name)?.index;
    if (link === undefined) return [];
    return TAKEN_OVER_PROTOCOLS.flatMap((protocol) =>
      dumpRoutes(this.#socket, version, { table: RT_TABLE_MAIN, protocol, link }, isWanted),
    );
  }

  /**
   * Those to these destinations, each looked up by itself; undefined where only reading the whole table can tell: another rule, a longer prefix
   * or a foreign route answers in place of the one looked for. A route that lookups pass over (no carrier) is missed; to put it then finds it standing.
   * @param standby of a metric, and the device by which routes of that metric leave
   */
  to(
    destinations: readonly Subnet[],
    standby?: { readonly metric: number; readonly link: string },
  ): Route[] | undefined {
    const link = standby === undefined ? undefined : this.#links.named(standby.link)?.index;
    // With its device they went.
    if (standby !== undefined && link === undefined) return [];
    const found: RouteMessage[] = [];
    let certain = true;
    for (const destination of destinations)
      this.#socket.add(RTM_GETROUTE, 0, (w) => writeRouteLookup(w, ipValueOf(baseOf(destination)), true, link));
    this.#socket.exchange((m, request) => {
      const route = readRoute(m);
      const destination = destinations[request];
      if (destination === undefined) return;
      const length = prefixLengthOf(destination);
      if (route.table !== RT_TABLE_MAIN || route.prefixLength > length) certain = false;
      else if (subnetFrom(route.destination, route.prefixLength) === destination) {
        // Traffic's own by that device. Whether one stands by behind it cannot be seen, nor does anybody take it; to put it finds it standing.
        if (standby !== undefined && route.priority === 0 && this.#mayBeOurs(route)) return;
        if (this.#mayBeOurs(route) && route.priority === (standby?.metric ?? 0)) found.push(route);
        else certain = false;
      }
    });
    return certain ? this.#routes(found) : undefined;
  }

  readonly #mayBeOurs = (route: RouteMessage): boolean =>
    (isPlain(route) || isRefusal(route)) &&
    route.table === RT_TABLE_MAIN &&
    this.#isWithin(route.destination, route.prefixLength) &&
    (route.protocol === ROUTE_PROTOCOL || TAKEN_OVER_PROTOCOLS.some((protocol) => protocol === route.protocol));

  readonly #isLeft = (route: RouteMessage): boolean =>
    this.#mayBeOurs(route) &&
    route.priority === 0 &&
    route.gateway !== undefined &&
    this.#scope.left?.nextHops.get(subnetFrom(route.destination, route.prefixLength)) === addressOf(route.gateway);

  #entries(found: readonly RouteMessage[]): (Route | Unreachable)[] {
    const refusals = found.filter(isRefusal);
    const routes = refusals.length === 0 ? found : found.filter((route) => !isRefusal(route));
    return [
      ...refusals.map(({ destination, prefixLength }): Unreachable => {
        return { kind: 'unreachable', destination: subnetFrom(destination, prefixLength) };
      }),
      ...this.#routes(routes),
    ];
  }

  /** Each destination of a metric once: the one that the kernel lists first and obeys. */
  #routes(found: readonly RouteMessage[]): Route[] {
    const seen = new Map<number, Set<Subnet>>();
    return found.flatMap((route) => {
      const link = this.#links.at(route.link);
      // The device went while we looked.
      if (link === undefined) return [];
      const isLeft = route.protocol !== ROUTE_PROTOCOL && !this.#scope.links.includes(link.name);
      if (isLeft && !this.#isLeft(route)) return [];
      const entry: Route = { ...entryOf(route, link.name), ...(isLeft ? { left: true } : {}) };
      let destinations = seen.get(route.priority);
      if (destinations === undefined) seen.set(route.priority, (destinations = new Set()));
      if (destinations.has(entry.destination)) return [];
      destinations.add(entry.destination);
      return [entry];
    });
  }
}

function entryOf(route: RouteMessage, link: string): Route {
  return {
    kind: 'route',
    destination: subnetFrom(route.destination, route.prefixLength),
    link,
    ...(route.gateway === undefined ? {} : { via: addressOf(route.gateway) }),
    onlink: (route.flags & RTNH_F_ONLINK) !== 0,
    ...(route.source === undefined ? {} : { source: addressOf(route.source) }),
    ...(route.mtuBytes === undefined ? {} : { mtuBytes: route.mtuBytes }),
    ...(route.priority === 0 ? {} : { metric: route.priority }),
  };
}

/** The filter is the kernel's where it can (4.20), so it is asked again here. */
export function dumpRoutes(
  socket: RouteSocket,
  version: Family,
  filter: RouteFilter,
  isWanted: (route: RouteMessage) => boolean,
): RouteMessage[] {
  try {
    return socket.dump(
      RTM_GETROUTE,
      (w) => writeRouteQuery(w, version, filter),
      (m) => {
        if (filter.protocol !== undefined && routeProtocol(m) !== filter.protocol) return undefined;
        const route = readRoute(m);
        if (filter.table !== undefined && route.table !== filter.table) return undefined;
        if (filter.link !== undefined && route.link !== filter.link) return undefined;
        return isWanted(route) ? route : undefined;
      },
    );
  } catch (error) {
    // A table is made with its first route.
    if (error instanceof KernelError && error.errno === ENOENT) return [];
    throw error;
  }
}

export function observeBroadcasts(socket: RouteSocket, links: Links, base: Address): BroadcastRoute[] {
  const address = ipValueOf(base);
  const whole = bitsOf(family(base));
  const filter = { table: RT_TABLE_LOCAL, protocol: RTPROT_KERNEL, type: RTN_BROADCAST };
  const found = dumpRoutes(
    socket,
    family(base),
    filter,
    (route) => route.type === RTN_BROADCAST && route.destination === address && route.prefixLength === whole,
  );
  return found.flatMap(({ link }) => {
    const name = links.at(link)?.name;
    return name === undefined ? [] : [{ kind: 'broadcast', address: base, link: name }];
  });
}
