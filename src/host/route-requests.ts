/** Our routes in the codec's words. */
import { bitsOf, family } from '../core/address.ts';
import type { BroadcastRoute, Route, Unreachable } from '../core/host-entry.ts';
import { ROUTE_PROTOCOL } from '../core/instance.ts';
import { baseOf, prefixLengthOf } from '../core/subnet.ts';
import {
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BROADCAST,
  RTN_UNICAST,
  RTN_UNREACHABLE,
  RTPROT_KERNEL,
} from '../native/netlink/constants.ts';
import type { RouteRequest } from '../native/netlink/route.ts';
import { ipValueOf } from './kernel-values.ts';

/** What the kernel has one of for a destination and a metric. */
export type OwnRoute = Route | Unreachable;

export const metricOf = (route: OwnRoute): number => (route.kind === 'route' ? (route.metric ?? 0) : 0);

const placeOf = (route: OwnRoute): RouteRequest => ({
  table: RT_TABLE_MAIN,
  protocol: ROUTE_PROTOCOL,
  destination: ipValueOf(baseOf(route.destination)),
  prefixLength: prefixLengthOf(route.destination),
  priority: metricOf(route),
  type: route.kind === 'route' ? RTN_UNICAST : RTN_UNREACHABLE,
});

/**
 * What is to be removed. By its device too: a metric of 0 is any to the kernel (fib_nh_match), and with traffic's route gone by another hand it would take the one that
 * stands by in its place.
 */
export const routeKey = (route: OwnRoute, link: number | undefined): RouteRequest => ({
  ...placeOf(route),
  ...(link === undefined ? {} : { link }),
});

export const routeRequest = (route: OwnRoute, link: number | undefined): RouteRequest =>
  route.kind === 'unreachable'
    ? placeOf(route)
    : {
        ...routeKey(route, link),
        ...(route.via === undefined ? {} : { gateway: ipValueOf(route.via) }),
        ...(route.source === undefined ? {} : { source: ipValueOf(route.source) }),
        ...(route.mtuBytes === undefined ? {} : { mtuBytes: route.mtuBytes }),
        onlink: route.onlink,
      };

export const broadcastRequest = (route: BroadcastRoute, link: number): RouteRequest => ({
  table: RT_TABLE_LOCAL,
  protocol: RTPROT_KERNEL,
  type: RTN_BROADCAST,
  destination: ipValueOf(route.address),
  prefixLength: bitsOf(family(route.address)),
  link,
});
