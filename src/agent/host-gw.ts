/** What Backend.Type host-gw asks of a host before it takes a lease. */
import { WeftError } from '../core/errors.ts';
import type { NetworkConfig } from '../core/network-config.ts';
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
