/** What a host with the user-space tunnel wants, by the address plan of these tests: host n has 192.168.7.n, its containers are in 10.42.n.0/24. */
import { parseAddress, type Address } from '../../src/core/address.ts';
import type { HostEntry } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { TunLink, TunnelPeer, TunnelSocket } from '../../src/core/udp-entry.ts';

const MTU = 1472;

export interface UdpEntries {
  readonly device: TunLink;
  readonly address: HostEntry;
  readonly socket: TunnelSocket;
  peer(n: number): TunnelPeer;
  route(n: number): HostEntry;
}

/** Of host 1. */
export function udpEntries(name: string, port: number, base: Address): UdpEntries {
  const subnet = (n: number) => parseSubnet(`10.42.${n}.0/24`);
  return {
    device: { kind: 'tun', name, mtuBytes: MTU, up: true },
    address: { kind: 'address', link: name, address: base, prefixLength: 32 },
    socket: { kind: 'socket', link: name, local: parseAddress('192.168.7.1'), port },
    peer: (n) => ({
      kind: 'tunnel',
      link: name,
      subnet: subnet(n),
      remote: parseAddress(`192.168.7.${n}`),
      port,
      mtuBytes: MTU,
    }),
    route: (n) => ({
      kind: 'route',
      destination: subnet(n),
      link: name,
      onlink: false,
      source: base,
      mtuBytes: MTU,
    }),
  };
}
