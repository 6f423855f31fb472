/** What the suite of HostNetwork needs from each host, and the values it is written with. */
import assert from 'node:assert/strict';
import type { ChangeOutcome, HostNetwork, HostScope } from '../../src/contracts/host-network.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { Change } from '../../src/core/diff.ts';
import {
  describeHostEntry,
  type ForwardingEntry,
  type HostEntry,
  type Neighbour,
  type Route,
  type VxlanLink,
} from '../../src/core/host-entry.ts';
import { tryMac, type MacAddress } from '../../src/core/mac.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

/**
 * A host with two devices towards others: up0 (192.168.7.1/24, MTU 1500, the default route over 192.168.7.254) and side0 (192.168.9.1/24, MTU 1400).
 * And somebody else who is root on it.
 */
export interface HostWorld {
  readonly host: HostNetwork;
  readonly hand: {
    set(entry: HostEntry): void;
    remove(entry: HostEntry): void;
    /** A route that is not ours: of protocol `static`. */
    setForeign(route: Route): void;
    /** A device that is no vxlan device. */
    addDevice(name: string): void;
    removeDevice(name: string): void;
  };
  close(): void;
}

export const UPLINK = 'up0';
export const SIDE = 'side0';
export const BASE = parseAddress('10.42.7.0');
export const NETWORK = parseSubnet('10.42.0.0/16');
export const LINK = 'weft.71';

export function mac(text: string): MacAddress {
  const found = tryMac(text);
  assert.ok(found !== undefined);
  return found;
}

export const link: VxlanLink = {
  kind: 'link',
  name: LINK,
  vni: 71,
  port: 8472,
  local: parseAddress('192.168.7.1'),
  uplink: UPLINK,
  mtuBytes: 1450,
  mac: mac('02:00:00:00:07:00'),
  learning: false,
  gbp: false,
  up: true,
};
export const base: HostEntry = { kind: 'address', link: LINK, address: BASE, prefixLength: 32 };
export const loopback: HostEntry = { kind: 'address', link: 'lo', address: BASE, prefixLength: 32 };

/** What a peer behind vxlan needs. */
export const neighbour = (n: number): Neighbour => ({
  kind: 'neighbour',
  link: LINK,
  address: parseAddress(`10.42.${n}.0`),
  mac: mac(`02:00:00:00:00:${(n + 16).toString(16)}`),
});
export const forwarding = (n: number): ForwardingEntry => ({
  kind: 'fdb',
  link: LINK,
  mac: neighbour(n).mac,
  remote: parseAddress(`192.168.7.${n}`),
});
export const tunnel = (n: number): Route => ({
  kind: 'route',
  destination: parseSubnet(`10.42.${n}.0/24`),
  link: LINK,
  via: parseAddress(`10.42.${n}.0`),
  onlink: true,
  source: BASE,
  mtuBytes: 1450,
});
/** And a peer on the same layer 2. */
export const direct = (n: number): Route => ({
  kind: 'route',
  destination: parseSubnet(`10.42.${n}.0/24`),
  link: UPLINK,
  via: parseAddress(`192.168.7.${n}`),
  onlink: false,
  source: BASE,
});
/** The same, standing by for probes while traffic goes another way. */
export const standby = (route: Route): Route => ({
  ...route,
  metric: METRICS[route.link === LINK ? 'tunnel' : 'direct'],
});
const METRICS = { direct: 8700, tunnel: 8702 };
export const refusal: HostEntry = { kind: 'unreachable', destination: NETWORK };

export const scope: HostScope = {
  networks: [NETWORK],
  base: BASE,
  links: [LINK],
  standby: new Map([
    [METRICS.direct, UPLINK],
    [METRICS.tunnel, LINK],
  ]),
  sysctls: [],
  files: [],
  accepts: [],
};

export const never = (): AbortSignal => new AbortController().signal;
export const puts = (...entries: readonly HostEntry[]): Change<HostEntry>[] =>
  entries.map((want) => ({ op: 'put', want }));
export const removes = (...entries: readonly HostEntry[]): Change<HostEntry>[] =>
  entries.map((was) => ({ op: 'remove', was }));
export const replaces = (was: HostEntry, want: HostEntry): Change<HostEntry>[] => [{ op: 'put', want, was }];

/** A line for each entry, sorted. */
export const lines = (entries: readonly HostEntry[]): string => entries.map(describeHostEntry).toSorted().join('\n');

export async function seen(host: HostNetwork, within: HostScope = scope): Promise<string> {
  return lines((await host.observe(within, never())).entries);
}

/** Applies, all of it well. */
export async function make(host: HostNetwork, changes: readonly Change<HostEntry>[]): Promise<void> {
  assert.deepEqual(
    outcomes(await host.apply(changes, never())),
    changes.map(() => 'done'),
  );
}

/** `done`, or the error's code. */
export const outcomes = (all: readonly ChangeOutcome[]): string[] =>
  all.map(({ error }) => (error === undefined ? 'done' : error.code));
