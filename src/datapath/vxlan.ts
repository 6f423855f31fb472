/**
 * vxlan: packets travel inside UDP between kernels (RFC 7348), on flannel's wire: no ARP crosses, each peer's base address
 * and VTEP MAC stand as permanent entries, and the route's next hop is the peer's base on the device itself.
 *
 *   container -> this host -> flannel.1 ══ UDP 8472 ══ flannel.1 -> peer -> container
 */
import { vxlanLinkName } from '../core/instance.ts';
import type { Lease, LeaseAttributes, VxlanEndpoint } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { baseOf, isPrivate } from '../core/subnet.ts';
import { vxlanEndpointOf } from '../core/vxlan-peer.ts';
import { unusable, usable, type Datapath, type Receiver, type Self } from './datapath.ts';
import { carriedMtu, routeMtu } from './mtu.ts';

/** Outer IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14 (RFC 7348, section 5). */
const OVERHEAD = 50;

/** Every entry on the device holds its name: one text for all of them. */
const deviceNames = new WeakMap<NetworkConfig, string>();

function deviceName({ config }: Receiver): string {
  let name = deviceNames.get(config);
  if (name === undefined) deviceNames.set(config, (name = vxlanLinkName(config.backendType, config.vxlan.vni)));
  return name;
}

const endpointOf = (self: Self, peer: Lease): VxlanEndpoint | undefined => vxlanEndpointOf(peer, self.config.vxlan);

function noEndpoint({ weft, backendType }: LeaseAttributes): string {
  if (weft !== undefined) return 'the peer advertises no vxlan endpoint';
  return backendType === 'vxlan'
    ? 'the BackendData of the peer holds no VNI and VtepMAC of vxlan'
    : `the peer advertises ${backendType ?? 'udp'} alone, without Weft`;
}

export const vxlan: Datapath = {
  name: 'vxlan',
  overheadBytes: OVERHEAD,

  judge(self, peer) {
    const { publicIP } = peer.attributes;
    const endpoint = endpointOf(self, peer);
    const { vni, port } = self.config.vxlan;
    if (endpoint === undefined) return unusable(noEndpoint(peer.attributes));
    if (endpoint.vni !== vni) return unusable(`the peer is on VNI ${endpoint.vni}, this host on ${vni}`);
    // One kernel device sends to one UDP port, its own.
    if (endpoint.port !== port)
      return unusable(`the peer listens on UDP port ${endpoint.port}, this host sends to ${port}`);
    if (endpoint.mac === self.vtepMac) return unusable(`the peer advertises this host's own VTEP MAC ${endpoint.mac}`);
    if (!isPrivate(publicIP) && !self.config.allowPlaintext)
      return unusable(
        `${publicIP} is a public address and vxlan does not encrypt: set Weft.AllowPlaintext to true to allow it`,
      );
    return usable;
  },

  device: deviceName,

  receive(self) {
    const name = deviceName(self);
    const { vni, port, learning, gbp } = self.config.vxlan;
    return [
      {
        kind: 'link',
        name,
        vni,
        port,
        local: self.uplink.address,
        uplink: self.uplink.link,
        // The kernel makes it no larger than its uplink carries, and refuses to change it to more (vxlan_change_mtu).
        mtuBytes: carriedMtu(self, OVERHEAD),
        mac: self.vtepMac,
        learning,
        gbp,
        up: true,
      },
      // A host that forwards ignores router advertisements, except where this is 2 by hand; on a tunnel they are never wanted.
      { kind: 'sysctl', name: `net/ipv6/conf/${name}/accept_ra`, value: '0', link: name },
    ];
  },

  advert({ config, vtepMac }) {
    return { vxlan: { vni: config.vxlan.vni, mac: vtepMac, port: config.vxlan.port } };
  },

  send(self, peer, metric) {
    const endpoint = endpointOf(self, peer);
    if (endpoint === undefined) return [];
    const link = deviceName(self);
    const base = baseOf(peer.subnet.v4);
    return [
      { kind: 'fdb', link, mac: endpoint.mac, remote: peer.attributes.publicIP },
      { kind: 'neighbour', link, address: base, mac: endpoint.mac },
      {
        kind: 'route',
        destination: peer.subnet.v4,
        link,
        via: base,
        onlink: true,
        source: self.base,
        mtuBytes: routeMtu(self, peer, OVERHEAD),
        metric,
      },
    ];
  },

  leads: (self, peer, { link, via }) => link === deviceName(self) && via === baseOf(peer.subnet.v4),

  mark: (self, peer) => endpointOf(self, peer)?.mac,
};
