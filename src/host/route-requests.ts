/** Our routes in the codec's words. */
import { bitsOf, family } from '../core/address.ts';
import type { BroadcastRoute, Route } from '../core/host-entry.ts';
import { ROUTE_PROTOCOL } from '../core/instance.ts';
import { baseOf, prefixLengthOf } from '../core/subnet.ts';
import { RT_TABLE_LOCAL, RTN_BROADCAST, RTPROT_KERNEL } from '../native/netlink/constants.ts';
import type { RouteRequest } from '../native/netlink/route.ts';
import { ipValueOf } from './kernel-values.ts';

export const routeKey = (route: Route): RouteRequest => ({
  table: route.table,
  protocol: ROUTE_PROTOCOL,
  destination: ipValueOf(baseOf(route.destination)),
  prefixLength: prefixLengthOf(route.destination),
});

export const routeRequest = (route: Route, link: number): RouteRequest => ({
  ...routeKey(route),
  link,
  ...(route.via === undefined ? {} : { gateway: ipValueOf(route.via) }),
  ...(route.source === undefined ? {} : { source: ipValueOf(route.source) }),
  ...(route.mtuBytes === undefined ? {} : { mtuBytes: route.mtuBytes }),
  onlink: route.onlink,
});

export const broadcastRequest = (route: BroadcastRoute, link: number): RouteRequest => ({
  table: RT_TABLE_LOCAL,
  protocol: RTPROT_KERNEL,
  type: RTN_BROADCAST,
  destination: ipValueOf(route.address),
  prefixLength: bitsOf(family(route.address)),
  link,
});
