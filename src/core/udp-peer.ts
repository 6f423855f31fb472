/** Where a lease says that its node takes bare IPv4 packets in UDP: by our own member, else as flannel's udp backend reads it. */
import type { Lease, UdpEndpoint } from './lease.ts';
import type { NetworkConfig } from './network-config.ts';

/**
 * flannel's udp writes no BackendType and no port: all nodes share the one of the config. Nor do alloc and the cloud backends, which carry no tunnel; so the type in the
 * config says what such a lease means.
 */
export function udpEndpointOf(
  { attributes: { weft, backendType } }: Lease,
  config: Pick<NetworkConfig, 'backendType' | 'udpPort'>,
): UdpEndpoint | undefined {
  if (weft !== undefined) return weft.udp;
  return backendType === undefined && config.backendType === 'udp' ? { port: config.udpPort } : undefined;
}
