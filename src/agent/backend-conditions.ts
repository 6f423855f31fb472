/** What a Backend.Type asks of a host before it takes a lease. */
import { WeftError } from '../core/errors.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { AgentOptions } from './agent-parts.ts';
import type { Uplink } from '../core/uplink.ts';

/**
 * Peers take the advertised address for their next hop, on their own link: a NAT's never is. Where the config names another path besides, that one carries this host.
 * @throws WeftError UPLINK_BEHIND_NAT, in flannel's words (pkg/backend/hostgw/hostgw.go)
 */
export function refuseNat({ backendType, paths }: NetworkConfig, { publicIP, address, link }: Uplink): void {
  if (backendType !== 'host-gw' || publicIP === address || paths.some((path) => path !== 'direct')) return;
  throw new WeftError(
    'UPLINK_BEHIND_NAT',
    `your PublicIP differs from interface IP, meaning that probably you're on a NAT, which is not supported by host-gw backend (PublicIP ${publicIP}, ${link} has ${address})`,
    { hint: 'Remove --public-ip, or use Backend.Type vxlan' },
  );
}

/**
 * Whoever may write the network config has these commands run as root on every host. flannel's users know that of their etcd; of any other store nobody has to.
 * @throws WeftError EXTENSION_REFUSED
 */
export function refuseCommands(
  { extension }: NetworkConfig,
  { allowExtension }: Pick<AgentOptions, 'allowExtension'>,
): void {
  if (extension === undefined || allowExtension) return;
  throw new WeftError(
    'EXTENSION_REFUSED',
    'Backend.Type is extension: its commands stand in the network config and would be run as root, which this host does not allow',
    { hint: 'Start weftd with --allow-extension, if all who may write the network config may be root on this host' },
  );
}
