/** What stands on a host whatever its peers: forwarding, loose filtering, the leak guard, the base address, what the packet filter is to do. */
import type { Address } from '../core/address.ts';
import type { HostEntry } from '../core/host-entry.ts';
import type { Datapath, Receiver, Self } from './datapath.ts';

/** Loose mode of RFC 3704: paths become asymmetric as soon as each direction chooses for itself. The larger of `all` and the device's counts. */
const looseFilter = (link: string): HostEntry => ({
  kind: 'sysctl',
  name: `net/ipv4/conf/${link}/rp_filter`,
  value: '2',
  link,
});

/**
 * Traffic for the Network that has no route must not leave by the default route. Each peer's route, and that of this host's own bridge, is longer and wins. Holds for forwarded
 * packets too. A route and no rule: one rule, ever, would cost each packet of the host its short way through the kernel's tables (docs/decisions/0017).
 */
const leakGuard = ({ config }: Self): HostEntry => ({ kind: 'unreachable', destination: config.v4.network });

/** Every tunnel device carries the base: loose filtering drops all that arrives on a device without an address. */
const baseAddress = (base: Address, link: string): HostEntry => ({
  kind: 'address',
  link,
  address: base,
  prefixLength: 32,
});

/** Looked at more often than the rest where the kernel tells of no change. */
export function firewallEntries({ config, lease, firewall }: Self): HostEntry[] {
  const { network } = config.v4;
  const { instance, masquerade, acceptForwarded } = firewall;
  const entries: HostEntry[] = acceptForwarded ? [{ kind: 'accept', network }] : [];
  if (masquerade === 'off') return entries;
  const fullyRandom = masquerade === 'fully-random';
  return [...entries, { kind: 'masquerade', instance, network, subnet: lease.subnet.v4, fullyRandom }];
}

/** Tunnel devices of the configured paths. */
export function devicesOf(self: Receiver, paths: readonly Datapath[]): string[] {
  return paths.flatMap((path) => path.device(self) ?? []);
}

const FORWARDING: HostEntry = { kind: 'sysctl', name: 'net/ipv4/ip_forward', value: '1' };

/** alloc gives a lease and leaves packets alone. */
const forwarding = ({ config }: Self): HostEntry[] => (config.extension === undefined ? [] : [FORWARDING]);

export function hostBasics(self: Self, paths: readonly Datapath[]): HostEntry[] {
  const devices = devicesOf(self, paths);
  const { link } = self.uplink;
  // Backend.Type alloc, and extension, whose commands answer for all that reaches peers: a range that is refused here would be in the way of theirs.
  if (paths.length === 0) return [...forwarding(self), ...firewallEntries(self)];
  return [
    leakGuard(self),
    ...paths.flatMap((path) => path.receive(self)),
    FORWARDING,
    looseFilter(link),
    ...devices.map(looseFilter),
    // An ARP request with the base as sender may get no answer, so ask with an address of the uplink itself.
    { kind: 'sysctl', name: `net/ipv4/conf/${link}/arp_announce`, value: '2', link },
    ...(devices.length > 0 ? devices : ['lo']).map((link) => baseAddress(self.base, link)),
    ...firewallEntries(self),
  ];
}

/** What of all that a path cannot receive without: its device, and the address that loose filtering wants there. Settings only make it better. */
export function receiveSide(self: Receiver, base: Address, path: Datapath): HostEntry[] {
  return [
    ...path.receive(self).filter(({ kind }) => kind !== 'sysctl'),
    ...devicesOf(self, [path]).map((link) => baseAddress(base, link)),
  ];
}
