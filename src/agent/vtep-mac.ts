/** Which Ethernet address our vxlan device has: the one that peers know, if there is any. */
import { vxlanLinkName } from '../core/instance.ts';
import type { HostEntry } from '../core/host-entry.ts';
import type { Lease } from '../core/lease.ts';
import { isUnicastMac, macFrom, type MacAddress } from '../core/mac.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { NodeId } from '../core/node-id.ts';
import { vxlanEndpointOf } from '../core/vxlan-peer.ts';

export interface KnownMacs {
  readonly node: NodeId;
  readonly config: NetworkConfig;
  /** My lease as it stood before this start. */
  readonly adopted: Lease | undefined;
  readonly observed: readonly HostEntry[];
  readonly remembered: MacAddress | undefined;
}

export function vtepMac({ node, config, adopted, observed, remembered }: KnownMacs): MacAddress {
  const { vni } = config.vxlan;
  const name = vxlanLinkName(config.backendType, vni);
  const device = observed.find((entry) => entry.kind === 'link' && entry.name === name);
  const leased = adopted === undefined ? undefined : vxlanEndpointOf(adopted, config.vxlan)?.mac;
  const standing = device?.kind === 'link' && device.vni === vni ? device.mac : undefined;
  return (
    [leased, standing, remembered].find((mac) => mac !== undefined && isUnicastMac(mac)) ??
    macFrom(`${node} vxlan ${vni}`)
  );
}
