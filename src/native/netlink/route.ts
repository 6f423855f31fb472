/** Routes: RTM_NEWROUTE and its like (struct rtmsg, 12 bytes; linux/rtnetlink.h). */
import {
  AF_INET,
  AF_INET6,
  RTA_DST,
  RTA_GATEWAY,
  RTA_METRICS,
  RTA_MULTIPATH,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_TABLE,
  RTA_VIA,
  RTAX_MTU,
  RTM_F_FIB_MATCH,
  RTM_F_LOOKUP_TABLE,
  RTN_UNICAST,
  RTNH_F_ONLINK,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_COMPAT,
} from './constants.ts';
import type { IpValue } from './ip-value.ts';
import type { MessageReader } from './message-reader.ts';
import { afOf, type MessageWriter } from './message-writer.ts';

const HEADER_BYTES = 12;

export interface RouteMessage {
  readonly table: number;
  readonly protocol: number;
  readonly type: number;
  readonly scope: number;
  readonly tos: number;
  readonly flags: number;
  /** 0 is the default route's. */
  readonly destination: IpValue;
  readonly prefixLength: number;
  /** Index of the device; 0 when there is none or when there are several. */
  readonly link: number;
  readonly gateway: IpValue | undefined;
  readonly source: IpValue | undefined;
  readonly mtuBytes: number | undefined;
  readonly priority: number;
  /** Several next hops, or one of another family: nothing that we make. `link` and `gateway` are the first one's. */
  readonly foreignForm: boolean;
}

export interface RouteRequest {
  readonly table: number;
  readonly protocol: number;
  readonly destination: IpValue;
  readonly prefixLength: number;
  readonly type?: number;
  /** The metric; absent or 0: none. */
  readonly priority?: number;
  readonly link?: number;
  readonly gateway?: IpValue;
  readonly source?: IpValue;
  readonly mtuBytes?: number;
  readonly onlink?: boolean;
}

function header(
  w: MessageWriter,
  af: number,
  prefixLength: number,
  table: number,
  protocol: number,
  scope: number,
  type: number,
  flags: number,
): void {
  w.u8(af);
  w.u8(prefixLength);
  w.u8(0);
  w.u8(0);
  w.u8(table < 256 ? table : RT_TABLE_COMPAT);
  w.u8(protocol);
  w.u8(scope);
  w.u8(type);
  w.u32(flags);
}

/** Body of RTM_NEWROUTE for a route with one next hop, or, of a type that needs none, without. */
export function writeRoute(w: MessageWriter, route: RouteRequest): void {
  const scope = route.gateway === undefined && route.link !== undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  const flags = route.onlink === true ? RTNH_F_ONLINK : 0;
  header(
    w,
    afOf(route.destination),
    route.prefixLength,
    route.table,
    route.protocol,
    scope,
    route.type ?? RTN_UNICAST,
    flags,
  );
  w.attributeIp(RTA_DST, route.destination);
  if (route.table >= 256) w.attributeU32(RTA_TABLE, route.table);
  if (route.gateway !== undefined) w.attributeIp(RTA_GATEWAY, route.gateway);
  if (route.source !== undefined) w.attributeIp(RTA_PREFSRC, route.source);
  if (route.link !== undefined) w.attributeU32(RTA_OIF, route.link);
  if (route.priority !== undefined && route.priority !== 0) w.attributeU32(RTA_PRIORITY, route.priority);
  if (route.mtuBytes === undefined) return;
  const metrics = w.nest(RTA_METRICS);
  w.attributeU32(RTAX_MTU, route.mtuBytes);
  w.endNest(metrics);
}

/**
 * Body of RTM_DELROUTE: the route to this destination of this protocol (0 is any), whatever else it says; only that of one type, metric or device when these are
 * given. Scope NOWHERE matches each (fib_table_delete).
 */
export function writeRouteRemoval(w: MessageWriter, route: RouteRequest): void {
  header(
    w,
    afOf(route.destination),
    route.prefixLength,
    route.table,
    route.protocol,
    RT_SCOPE_NOWHERE,
    route.type ?? 0,
    0,
  );
  w.attributeIp(RTA_DST, route.destination);
  if (route.table >= 256) w.attributeU32(RTA_TABLE, route.table);
  if (route.link !== undefined) w.attributeU32(RTA_OIF, route.link);
  if (route.priority !== undefined && route.priority !== 0) w.attributeU32(RTA_PRIORITY, route.priority);
}

/** What a dump is to be about; where the kernel checks strictly it sends nothing else. */
export interface RouteFilter {
  readonly table?: number;
  readonly protocol?: number;
  readonly type?: number;
  readonly link?: number;
}

export function writeRouteQuery(w: MessageWriter, version: 4 | 6, filter: RouteFilter): void {
  header(w, version === 4 ? AF_INET : AF_INET6, 0, filter.table ?? 0, filter.protocol ?? 0, 0, filter.type ?? 0, 0);
  if (filter.table !== undefined && filter.table >= 256) w.attributeU32(RTA_TABLE, filter.table);
  if (filter.link !== undefined) w.attributeU32(RTA_OIF, filter.link);
}

/** Body of RTM_GETROUTE: which route a packet to that address takes; with `link` one that is to leave by that device. With `entry` the answer is the route as it stands in its table. */
export function writeRouteLookup(w: MessageWriter, to: IpValue, entry: boolean, link?: number): void {
  const bits = typeof to === 'number' ? 32 : 128;
  header(w, afOf(to), bits, 0, 0, 0, 0, entry ? RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH : RTM_F_LOOKUP_TABLE);
  w.attributeIp(RTA_DST, to);
  if (link !== undefined) w.attributeU32(RTA_OIF, link);
}

// For looking at a route before its attributes are read.
export const routePrefixLength = (m: MessageReader): number => m.u8(1);
export const routeProtocol = (m: MessageReader): number => m.u8(5);
export const routeScope = (m: MessageReader): number => m.u8(6);

export function readRoute(m: MessageReader): RouteMessage {
  let table = m.u8(4);
  let destination: IpValue = m.u8(0) === AF_INET6 ? 0n : 0;
  let link = 0;
  let gateway: IpValue | undefined;
  let source: IpValue | undefined;
  let mtuBytes: number | undefined;
  let priority = 0;
  let foreignForm = false;
  for (const a = m.openAttributes(HEADER_BYTES); a.next();) {
    if (a.type === RTA_DST) destination = a.ip();
    else if (a.type === RTA_TABLE) table = a.u32();
    else if (a.type === RTA_OIF) link = a.u32();
    else if (a.type === RTA_GATEWAY) gateway = a.ip();
    else if (a.type === RTA_PREFSRC) source = a.ip();
    else if (a.type === RTA_PRIORITY) priority = a.u32();
    else if (a.type === RTA_VIA) foreignForm = true;
    else if (a.type === RTA_METRICS) {
      m.nested.open(a.start, a.end);
      while (m.nested.next()) if (m.nested.type === RTAX_MTU) mtuBytes = m.nested.u32();
    } else if (a.type === RTA_MULTIPATH) {
      foreignForm = true;
      // struct rtnexthop: length u16, flags u8, hops u8, ifindex i32, then attributes.
      link = m.view.getUint32(a.start + 4, true);
      m.nested.open(a.start + 8, a.start + m.view.getUint16(a.start, true));
      while (m.nested.next()) if (m.nested.type === RTA_GATEWAY) gateway = m.nested.ip();
    }
  }
  return {
    table,
    protocol: routeProtocol(m),
    type: m.u8(7),
    scope: routeScope(m),
    tos: m.u8(3),
    flags: m.u32(8),
    destination,
    prefixLength: routePrefixLength(m),
    link,
    gateway,
    source,
    mtuBytes,
    priority,
    foreignForm,
  };
}
