/** IPv4 packets for tests: written from RFC 791 field by field, and read back the same way. */
import fc from 'fast-check';
import { checksum, putU16, putU32 } from '../../src/core/ipv4.ts';

export interface PacketPlan {
  readonly source: number;
  readonly destination: number;
  readonly ttl: number;
  readonly protocol: number;
  /** In units of 4 bytes, 0 to 10. */
  readonly options: number;
  readonly mayNotFragment: boolean;
  /** In units of 8 bytes. */
  readonly fragmentOffset: number;
  readonly payload: Uint8Array;
}

export function packetOf(plan: Partial<PacketPlan>): Uint8Array {
  const { source = 0x0a2a_0105, destination = 0x0a2a_0205, ttl = 64, protocol = 17, options = 0 } = plan;
  const { mayNotFragment = false, fragmentOffset = 0, payload = new Uint8Array(8) } = plan;
  const header = 20 + 4 * options;
  const packet = new Uint8Array(header + payload.length);
  packet[0] = 0x40 + header / 4;
  putU16(packet, 2, packet.length);
  putU16(packet, 4, 0x1234);
  putU16(packet, 6, (mayNotFragment ? 0x4000 : 0) | fragmentOffset);
  packet[8] = ttl;
  packet[9] = protocol;
  putU32(packet, 12, source);
  putU32(packet, 16, destination);
  packet.set(payload, header);
  putU16(packet, 10, checksum(packet, 0, header));
  return packet;
}

export const packetPlan: fc.Arbitrary<PacketPlan> = fc.record({
  source: fc.nat({ max: 0xffff_ffff }),
  destination: fc.nat({ max: 0xffff_ffff }),
  ttl: fc.nat({ max: 255 }),
  protocol: fc.oneof(fc.constantFrom(1, 6, 17), fc.nat({ max: 255 })),
  options: fc.nat({ max: 10 }),
  mayNotFragment: fc.boolean(),
  fragmentOffset: fc.oneof(fc.constant(0), fc.nat({ max: 0x1fff })),
  payload: fc.uint8Array({ maxLength: 700 }),
});

/** Does the checksum of the header fit? Summed the slow way, with no carry folded before the end. */
export function headerFits(packet: Uint8Array): boolean {
  const header = ((packet[0] ?? 0) & 15) * 4;
  let sum = 0;
  for (let at = 0; at < header; at += 2) sum += (packet[at] ?? 0) * 256 + (packet[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return sum === 0xffff;
}
