/** Host entries of the user-space tunnel: its device, which is the kernel's, and what this process does with the packets that go into it. */
import type { Address } from './address.ts';
import type { Subnet } from './subnet.ts';

/** A TUN device of the kind that outlives the process that made it, so that a daemon that starts anew finds all routes in place. */
export interface TunLink {
  readonly kind: 'tun';
  readonly name: string;
  readonly mtuBytes: number;
  readonly up: boolean;
}

/** The packet engine runs: it reads this device, and sends and takes datagrams at this address and UDP port. */
export interface TunnelSocket {
  readonly kind: 'socket';
  readonly link: string;
  readonly local: Address;
  readonly port: number;
}

/** A peer in the engine's forwarding table. */
export interface TunnelPeer {
  readonly kind: 'tunnel';
  readonly link: string;
  readonly subnet: Subnet;
  readonly remote: Address;
  /** UDP port on which it listens. */
  readonly port: number;
  /** The largest packet that goes to it. */
  readonly mtuBytes: number;
}

export type UdpEntry = TunLink | TunnelSocket | TunnelPeer;

export function describeUdpEntry(entry: UdpEntry): string {
  switch (entry.kind) {
    case 'tun':
      return `link ${entry.name} tun mtu ${entry.mtuBytes} ${entry.up ? 'up' : 'down'}`;
    case 'socket':
      return `socket ${entry.local}:${entry.port} udp dev ${entry.link}`;
    case 'tunnel':
      return `tunnel ${entry.subnet} to ${entry.remote}:${entry.port} udp dev ${entry.link} mtu ${entry.mtuBytes}`;
  }
}
