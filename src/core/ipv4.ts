/** IPv4 packets as bytes (RFC 791): what a forwarder has to read and to change in them. */

export const IPV4_HEADER_BYTES = 20;
export const PROTOCOL_ICMP = 1;

export const u16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
export const u32 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2)) >>> 0;

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  putU16(bytes, at, value >>> 16);
  putU16(bytes, at + 2, value & 0xffff);
}

export const headerLength = (bytes: Uint8Array): number => ((bytes[0] ?? 0) & 0x0f) * 4;
export const ttlOf = (bytes: Uint8Array): number => bytes[8] ?? 0;
export const protocolOf = (bytes: Uint8Array): number => bytes[9] ?? 0;
export const sourceOf = (bytes: Uint8Array): number => u32(bytes, 12);
export const destinationOf = (bytes: Uint8Array): number => u32(bytes, 16);
/** DF. */
export const mayNotFragment = (bytes: Uint8Array): boolean => ((bytes[6] ?? 0) & 0x40) !== 0;
/** In units of 8 bytes; 0 for a whole packet and for the first of its fragments. */
export const fragmentOffset = (bytes: Uint8Array): number => u16(bytes, 6) & 0x1fff;

/** How long the packet is that these bytes begin with, by its own word; 0 when there is no whole IPv4 packet. The kernel checks the checksum of what it is given. */
export function packetLength(bytes: Uint8Array, length: number): number {
  if (length < IPV4_HEADER_BYTES || (bytes[0] ?? 0) >> 4 !== 4) return 0;
  const header = headerLength(bytes);
  const total = u16(bytes, 2);
  return header >= IPV4_HEADER_BYTES && total >= header && total <= length ? total : 0;
}

const folded = (sum: number): number => {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
};

/** The Internet checksum (RFC 1071) of at most 64 KiB: 0 over what holds a right one. An odd last byte counts as if a zero stood behind it. */
export function checksum(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at + 1 < to; at += 2) sum += u16(bytes, at);
  if ((to - from) % 2 === 1) sum += (bytes[to - 1] ?? 0) << 8;
  return ~folded(sum) & 0xffff;
}

/**
 * One hop: TTL less one, and the checksum with it (RFC 1624, equation 3), so that a wrong one stays wrong.
 * @returns false, with nothing changed, when the packet may not go further
 */
export function decrementTtl(bytes: Uint8Array): boolean {
  if (ttlOf(bytes) <= 1) return false;
  const before = u16(bytes, 8);
  const after = before - 0x100;
  putU16(bytes, 8, after);
  putU16(bytes, 10, ~folded((~u16(bytes, 10) & 0xffff) + (~before & 0xffff) + after) & 0xffff);
  return true;
}
