/** A Network that shares addresses with a network this host is in would cut it off from one of them. */
import type { CloudSelf } from '../contracts/cloud-network.ts';
import type { InterfaceAddress } from '../contracts/host-network.ts';
import type { OtherInstance } from '../contracts/node-state.ts';
import { WeftError } from '../core/errors.ts';
import { baseOf, contains, overlaps, subnetOf, type Subnet } from '../core/subnet.ts';

export interface OverlapFacts {
  readonly network: Subnet;
  /** Prefix length of each host's subnet in it. */
  readonly subnetLength: number;
  /** All addresses of this host. */
  readonly addresses: readonly InterfaceAddress[];
  /** Our own tunnel devices. */
  readonly devices: readonly string[];
  /** The subnet this host had: bridges and containers of its own use it. */
  readonly ownSubnet: Subnet | undefined;
}

/** @throws WeftError NETWORK_OVERLAP, naming both ranges and the device */
export function refuseOverlap({ network, subnetLength, addresses, devices, ownSubnet }: OverlapFacts): void {
  for (const { link, address, prefixLength } of addresses) {
    const range = subnetOf(address, prefixLength);
    if (!overlaps(network, range) || devices.includes(link)) continue;
    // Where there is no tunnel device the base stands on `lo`, and may outlive what we remember of it.
    if (link === 'lo' && prefixLength === 32 && address === baseOf(subnetOf(address, subnetLength))) continue;
    if (ownSubnet !== undefined && contains(ownSubnet, range)) continue;
    throw new WeftError(
      'NETWORK_OVERLAP',
      `Network ${network} overlaps ${range}, which this host has on ${link} (${address}/${prefixLength})`,
      {
        hint: 'Choose a Network that no host of the cluster is in, or take the address off that device',
      },
    );
  }
}

/** What a cloud network has for itself, its routers never hand to a route of ours. @throws WeftError NETWORK_OVERLAP, naming both ranges */
export function refuseCloudOverlap(
  network: Subnet,
  { identity, networkRanges }: Pick<CloudSelf, 'identity' | 'networkRanges'>,
): void {
  const [range] = networkRanges.filter((one) => overlaps(network, one));
  if (range === undefined) return;
  throw new WeftError(
    'NETWORK_OVERLAP',
    `Network ${network} overlaps ${range}, a range of ${identity.network}, which this host is in`,
    {
      hint: 'Choose a Network that lies outside all ranges of the cloud network, and of those it is peered with',
    },
  );
}

/** Two daemons of one host would each take the other's routes for its own. @throws WeftError NETWORK_OVERLAP, naming both ranges and the daemon */
export function refuseOtherInstances(network: Subnet, others: readonly OtherInstance[]): void {
  const other = others.find((each) => overlaps(network, each.network));
  if (other === undefined) return;
  throw new WeftError(
    'NETWORK_OVERLAP',
    `Network ${network} overlaps ${other.network}, the Network of another weftd that runs on this host (${other.folder})`,
    {
      hint: 'Give each network of a host a range of its own; a daemon that is not needed any more is stopped, and tidied up by weftd cleanup',
    },
  );
}

/** What another daemon still removes the routes of would be removed under us. It is over soon. @throws WeftError NETWORK_OVERLAP, naming both ranges and the daemon */
export function refuseFormerNetworks(network: Subnet, others: readonly OtherInstance[]): void {
  for (const { folder, previousNetworks } of others) {
    const former = previousNetworks.find((each) => overlaps(network, each));
    if (former === undefined) continue;
    throw new WeftError(
      'NETWORK_OVERLAP',
      `Network ${network} overlaps ${former}, which was the Network of another weftd that runs on this host (${folder}) and whose routes that one has yet to remove`,
      { hint: 'Its status says what holds them up; the start goes on by itself when they are gone' },
    );
  }
}

/**
 * Who on this host still uses a subnet: devices, besides our own, with an address in it. The base as a /32 is our own wherever it stands, on `lo` or
 * on a device that has another name since the config changed.
 */
export function usersOf(subnet: Subnet, addresses: readonly InterfaceAddress[], devices: readonly string[]): string[] {
  const isBase = ({ address, prefixLength }: InterfaceAddress): boolean =>
    address === baseOf(subnet) && prefixLength === 32;
  return addresses.flatMap((one) => {
    const { link, address, prefixLength } = one;
    return devices.includes(link) || isBase(one) || !contains(subnet, address)
      ? []
      : `${link} (${address}/${prefixLength})`;
  });
}
