/** What becomes of one packet at either end of the tunnel. The wire is flannel's: the bare IPv4 packet, its TTL less one at each end. */
import type { Destination, ForwardingTable } from './forwarding-table.ts';
import { decrementTtl, destinationOf, mayNotFragment, packetLength, sourceOf } from './ipv4.ts';

/** Why a packet went no further; what metrics and status name. */
export const DROP_REASONS = [
  /** No whole IPv4 packet. IPv6 that the kernel sends into every device is among these. */
  'malformed',
  /** For an address that no peer has. */
  'no-peer',
  /** Its TTL is used up. */
  'ttl',
  /** Larger than the way to the peer carries, and not to be cut. */
  'too-big',
  /** From a host that is no peer. */
  'stranger',
  /** From a peer's host, but not from the port that the peer listens on, or in the name of an address that is not its own. */
  'spoofed',
  /** The kernel did not send the datagram. */
  'unsent',
  /** The kernel did not take the packet. */
  'undelivered',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/**
 * From the device to a peer. What passes has its TTL lowered in place.
 * @param length of what was read
 */
export function outbound(table: ForwardingTable, packet: Uint8Array, length: number): Destination | DropReason {
  const total = packetLength(packet, length);
  if (total === 0) return 'malformed';
  const peer = table.find(destinationOf(packet));
  if (peer === undefined) return 'no-peer';
  // What may be cut goes as it is: the datagram around it is cut then, which loses nothing.
  if (total > peer.mtuBytes && mayNotFragment(packet)) return 'too-big';
  return decrementTtl(packet) ? peer : 'ttl';
}

/**
 * From a datagram to the device. The sender must be a peer, and the packet from an address of the peer that has the sender's; flannel asks for neither. Its port tells the
 * peer from all else that sends from its host: the host's users, and containers, whose packets leave under the host's address where they are masqueraded.
 * @param from the datagram's source, an address
 * @param port the datagram's source: every peer sends from the port that it listens on, flannel's too
 */
export function inbound(
  table: ForwardingTable,
  packet: Uint8Array,
  length: number,
  from: number,
  port: number,
): Destination | DropReason {
  if (table.sender(from) === undefined) return 'stranger';
  if (packetLength(packet, length) === 0) return 'malformed';
  const peer = table.find(sourceOf(packet));
  if (peer?.remote !== from || peer.port !== port) return 'spoofed';
  return decrementTtl(packet) ? peer : 'ttl';
}
