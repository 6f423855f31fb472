/** What of a host counts as ours, from who we are. */
import type { HostScope } from '../contracts/host-network.ts';
import { hostEntryKey, type HostEntry, type HostFile } from '../core/host-entry.ts';
import { standbyMetric } from '../core/instance.ts';
import { PATH_NAMES } from '../core/path.ts';
import type { Address } from '../core/address.ts';
import type { LeaseView } from '../core/lease.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import { devicesOf } from '../datapath/host-basics.ts';
import { datapathsOf } from '../datapath/paths.ts';

/** Of what the packet filter may hold because of us, wanted or not. */
export const firewallKeys = ({ config, firewall: { instance } }: Self): readonly string[] =>
  [
    { kind: 'accept', network: config.v4.network } as const,
    { kind: 'masquerade', instance, network: undefined, subnet: undefined, fullyRandom: false } as const,
  ].map(hostEntryKey);

/** Where flanneld's own routes to these peers would lead; nothing where no path of ours wants their place. */
export function leftByFlanneld({ config, uplink, lease }: Self, { leases }: LeaseView): Pick<HostScope, 'left'> {
  if (config.paths.length === 0) return {};
  const nextHops = new Map<Subnet, Address>();
  for (const [key, { subnet, attributes }] of leases)
    if (key !== lease.key) nextHops.set(subnet.v4, attributes.publicIP);
  return { left: { link: uplink.link, nextHops } };
}

export function hostScope(
  self: Self,
  basics: readonly HostEntry[],
  files: readonly HostFile[],
  previousNetworks: readonly Subnet[],
): HostScope {
  const { firewall, lease } = self;
  const { network } = self.config.v4;
  const networks = [network, ...previousNetworks];
  // Of every path, also of those no longer in the list: theirs have to go.
  const paths = datapathsOf(PATH_NAMES);
  return {
    networks,
    base: self.base,
    links: devicesOf(self, paths),
    standby: new Map(paths.map((path) => [standbyMetric(path.name), path.device(self) ?? self.uplink.link])),
    sysctls: basics.flatMap((entry) => (entry.kind === 'sysctl' ? entry.name : [])),
    files: files.map((file) => file.path),
    accepts: firewall.acceptForwarded ? [network] : [],
    formerAccepts: firewall.acceptForwarded ? networks.slice(1) : networks,
    masquerade: { instance: firewall.instance, network, subnet: lease.subnet.v4 },
  };
}
