/** ICMP errors about packets that a forwarder cannot pass on (RFC 792, 1191, 1812). */
import {
  checksum,
  destinationOf,
  fragmentOffset,
  headerLength,
  IPV4_HEADER_BYTES,
  PROTOCOL_ICMP,
  protocolOf,
  putU16,
  putU32,
  sourceOf,
} from './ipv4.ts';

export type IcmpError =
  | { readonly kind: 'net unreachable' }
  | { readonly kind: 'time exceeded' }
  | { readonly kind: 'fragmentation needed'; readonly mtuBytes: number };

const NET_UNREACHABLE = { type: 3, code: 0 };
const FRAGMENTATION_NEEDED = { type: 3, code: 4 };
const TIME_EXCEEDED = { type: 11, code: 0 };

/** The one datagram that every host takes, so all of an error stays within it (RFC 1812, 4.3.2.3). */
const LARGEST_ERROR = 576;
const ICMP_HEADER_BYTES = 8;
/** Internetwork control (RFC 1812, 4.3.2.5), as the kernel's own errors have it. */
const TOS = 0xc0;
const TTL = 64;

/** Messages that ask or answer; every other one is an error, or unknown, and no error may be about it. */
const QUERIES: ReadonlySet<number> = new Set([0, 8, 9, 10, 13, 14, 15, 16, 17, 18]);

/** "This network" and this host; multicast, reserved, broadcast. */
const isHost = (address: number): boolean =>
  address >>> 24 !== 0 && address >>> 24 !== 127 && address >>> 0 < 0xe000_0000;

/**
 * May there be an error about this packet (RFC 1812, 4.3.2.7)? Not about an ICMP error, a fragment other than the first, what went to many, or what no single host
 * sent.
 * @param length of the packet, which is whole
 */
export function mayReport(packet: Uint8Array, length: number): boolean {
  if (fragmentOffset(packet) !== 0 || !isHost(sourceOf(packet)) || !isHost(destinationOf(packet))) return false;
  if (protocolOf(packet) !== PROTOCOL_ICMP) return true;
  const header = headerLength(packet);
  return length > header && QUERIES.has(packet[header] ?? 3);
}

/** The error as a whole packet to who sent the offender. @param source of the error: an address of the host that reports it */
export function icmpError(error: IcmpError, offender: Uint8Array, length: number, source: number): Uint8Array {
  const quoted = Math.min(length, LARGEST_ERROR - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES);
  const total = IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted;
  const packet = new Uint8Array(total);
  packet[0] = 0x45;
  packet[1] = TOS;
  putU16(packet, 2, total);
  packet[8] = TTL;
  packet[9] = PROTOCOL_ICMP;
  putU32(packet, 12, source);
  putU32(packet, 16, sourceOf(offender));
  putU16(packet, 10, checksum(packet, 0, IPV4_HEADER_BYTES));
  const { type, code } = numbersOf(error);
  packet[IPV4_HEADER_BYTES] = type;
  packet[IPV4_HEADER_BYTES + 1] = code;
  if (error.kind === 'fragmentation needed') putU16(packet, IPV4_HEADER_BYTES + 6, error.mtuBytes);
  packet.set(offender.subarray(0, quoted), IPV4_HEADER_BYTES + ICMP_HEADER_BYTES);
  putU16(packet, IPV4_HEADER_BYTES + 2, checksum(packet, IPV4_HEADER_BYTES, total));
  return packet;
}

function numbersOf({ kind }: IcmpError): { readonly type: number; readonly code: number } {
  switch (kind) {
    case 'net unreachable':
      return NET_UNREACHABLE;
    case 'time exceeded':
      return TIME_EXCEEDED;
    case 'fragmentation needed':
      return FRAGMENTATION_NEEDED;
  }
}
