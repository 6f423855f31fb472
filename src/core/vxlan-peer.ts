/** Where a lease says that its node takes vxlan packets: by our own member, else by flannel's BackendData. */
import type { Lease, VxlanEndpoint } from './lease.ts';
import { readVxlanData } from './lease-value.ts';

/**
 * @param usual what a lease of flannel's leaves out, all nodes have from the config: the port always, the VNI before v0.14.0
 * @returns undefined when the lease advertises no vxlan, or something unreadable.
 */
export function vxlanEndpointOf(lease: Lease, usual: Pick<VxlanEndpoint, 'vni' | 'port'>): VxlanEndpoint | undefined {
  const { weft, backendType, backendData } = lease.attributes;
  if (weft !== undefined) return weft.vxlan;
  const data = backendType === 'vxlan' ? readVxlanData(backendData) : undefined;
  return data === undefined ? undefined : { vni: data.vni ?? usual.vni, mac: data.mac, port: usual.port };
}
