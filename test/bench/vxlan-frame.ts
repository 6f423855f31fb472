/** One UDP datagram in a VXLAN packet (RFC 7348): read, and made. IPv4. */
import { addressFrom, addressValue, parseAddress, type Address } from '../../src/core/address.ts';

const VXLAN_BYTES = 8;
const ETHERNET_BYTES = 14;
const IP_BYTES = 20;
const UDP_BYTES = 8;
const IP_AT = VXLAN_BYTES + ETHERNET_BYTES;
const UDP_AT = IP_AT + IP_BYTES;
const PAYLOAD_AT = UDP_AT + UDP_BYTES;
const UDP = 17;

export interface Frame {
  /** All before the UDP header. */
  readonly head: Buffer;
  readonly from: Address;
  readonly to: Address;
  readonly fromPort: number;
  readonly toPort: number;
  readonly payload: Buffer;
}

/** Undefined for what is no UDP. */
export function readFrame(packet: Buffer): Frame | undefined {
  if (packet.length < PAYLOAD_AT || packet.readUInt16BE(VXLAN_BYTES + 12) !== 0x0800) return undefined;
  if (packet[IP_AT] !== 0x45 || packet[IP_AT + 9] !== UDP) return undefined;
  const address = (at: number): Address => addressFrom(BigInt(packet.readUInt32BE(at)), 4);
  return {
    head: packet.subarray(0, UDP_AT),
    from: address(IP_AT + 12),
    to: address(IP_AT + 16),
    fromPort: packet.readUInt16BE(UDP_AT),
    toPort: packet.readUInt16BE(UDP_AT + 2),
    payload: packet.subarray(PAYLOAD_AT),
  };
}

/** The way back to whoever sent `frame`, as from `source`. */
export function frameAround(
  frame: Frame,
  source: string,
  fromPort: number,
  toPort: number,
  payload: Uint8Array,
): Buffer {
  const packet = Buffer.alloc(PAYLOAD_AT + payload.length);
  frame.head.copy(packet);
  frame.head.copy(packet, VXLAN_BYTES, VXLAN_BYTES + 6, VXLAN_BYTES + 12);
  frame.head.copy(packet, VXLAN_BYTES + 6, VXLAN_BYTES, VXLAN_BYTES + 6);
  packet.writeUInt16BE(packet.length - IP_AT, IP_AT + 2);
  packet.writeUInt16BE(0, IP_AT + 10);
  packet.writeUInt32BE(Number(addressValue(parseAddress(source))), IP_AT + 12);
  packet.writeUInt32BE(Number(addressValue(frame.from)), IP_AT + 16);
  packet.writeUInt16BE(checksum(packet.subarray(IP_AT, UDP_AT)), IP_AT + 10);
  packet.writeUInt16BE(fromPort, UDP_AT);
  packet.writeUInt16BE(toPort, UDP_AT + 2);
  // No checksum: over IPv4 that is allowed (RFC 768).
  packet.writeUInt16BE(packet.length - UDP_AT, UDP_AT + 4);
  packet.set(payload, PAYLOAD_AT);
  return packet;
}

/** RFC 1071. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
