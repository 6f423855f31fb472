/**
 * flannel's backend `extension`: what reaches a peer is what commands of the config make of it. No path of ours: nothing is probed, and no route is ours.
 *
 *   its lease (BackendData: what its PreStartupCommand printed) ──► SubnetAddCommand here, told its subnet, its address and that
 */
import { extensionData, type ExtensionCommands, type ExtensionPeer } from '../core/extension.ts';
import type { Lease } from '../core/lease.ts';

export type ExtensionWay = { readonly entry: ExtensionPeer } | { readonly why: string };

/** As flanneld: a lease of another backend is passed over ("ignoring non-extension subnet"). */
export function extensionWay({ subnetAdd, subnetRemove }: ExtensionCommands, peer: Lease): ExtensionWay {
  const { publicIP, publicIPv6, backendType, backendData } = peer.attributes;
  const { v4, v6 } = peer.subnet;
  if (backendType !== 'extension')
    return { why: `the peer advertises ${backendType ?? 'udp'}, and the commands reach peers of extension alone` };
  const data = extensionData(backendData);
  if (data === undefined) return { why: "the peer's BackendData is no text" };
  const family6 = {
    ...(v6 === undefined ? {} : { subnetV6: v6 }),
    ...(publicIPv6 === undefined ? {} : { publicIPv6 }),
  };
  return { entry: { kind: 'extension', subnet: v4, publicIP, ...family6, data, add: subnetAdd, remove: subnetRemove } };
}
