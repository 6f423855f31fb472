/** Where a lease says that its node takes vxlan packets: by our own member, else by flannel's BackendData. */
import type { Lease, VxlanEndpoint } from './lease.ts';
import { readVxlanData } from './lease-value.ts';

/**
 * @param port flannel's lease does not tell the port: all nodes share the one of the config.
 * @returns undefined when the lease advertises no vxlan, or something unreadable.
 */
export function vxlanEndpointOf(lease: Lease, port: number): VxlanEndpoint | undefined {
  const { weft, backendType, backendData } = lease.attributes;
  if (weft !== undefined) return weft.vxlan;
  const data = backendType === 'vxlan' ? readVxlanData(backendData) : undefined;
  // flannel before v0.14.0 wrote no VNI: then it is the config's, which the caller compares with anyway.
  return data === undefined ? undefined : { vni: data.vni ?? 1, mac: data.mac, port };
}
