/**
 * udp: packets travel as they are inside UDP between processes, on the wire of flannel's udp backend. Needs nothing of the kernel but a TUN device, and of the network one
 * UDP port.
 *
 *   container -> this host -> flannel0 ─► weftd ══ UDP 8285 ══ weftd ─► flannel0 -> peer -> container
 */
import { tunLinkName } from '../core/instance.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import { isPrivate } from '../core/subnet.ts';
import { udpEndpointOf } from '../core/udp-peer.ts';
import { unusable, usable, type Datapath, type Receiver } from './datapath.ts';
import { carriedMtu, routeMtu } from './mtu.ts';

/** Outer IPv4 20, UDP 8. */
const OVERHEAD = 28;

/** Every entry on the device holds its name: one text for all of them. */
const deviceNames = new WeakMap<NetworkConfig, string>();

function deviceName({ config }: Receiver): string {
  let name = deviceNames.get(config);
  if (name === undefined) deviceNames.set(config, (name = tunLinkName(config.backendType, config.udpPort)));
  return name;
}

const notOffered = unusable('the peer advertises no udp endpoint');

export const udp: Datapath = {
  name: 'udp',
  overheadBytes: OVERHEAD,

  judge({ config }, peer) {
    const { publicIP } = peer.attributes;
    if (udpEndpointOf(peer, config) === undefined) return notOffered;
    if (!isPrivate(publicIP) && !config.allowPlaintext)
      return unusable(
        `${publicIP} is a public address and udp does not encrypt: set Weft.AllowPlaintext to true to allow it`,
      );
    return usable;
  },

  device: deviceName,

  receive(self) {
    const name = deviceName(self);
    return [
      { kind: 'tun', name, mtuBytes: carriedMtu(self, OVERHEAD), up: true },
      { kind: 'socket', link: name, local: self.uplink.address, port: self.config.udpPort },
      // Whoever sends into the tunnel is no router to listen to.
      { kind: 'sysctl', name: `net/ipv6/conf/${name}/accept_ra`, value: '0', link: name },
    ];
  },

  advert: ({ config }) => ({ udp: { port: config.udpPort } }),

  send(self, peer, metric) {
    const endpoint = udpEndpointOf(peer, self.config);
    if (endpoint === undefined) return [];
    const link = deviceName(self);
    const subnet = peer.subnet.v4;
    const mtuBytes = routeMtu(self, peer, OVERHEAD);
    return [
      { kind: 'tunnel', link, subnet, remote: peer.attributes.publicIP, port: endpoint.port, mtuBytes },
      { kind: 'route', destination: subnet, link, onlink: false, source: self.base, mtuBytes, metric },
    ];
  },

  leads: (self, _peer, { link, via }) => link === deviceName(self) && via === undefined,

  mark: () => undefined,
};
