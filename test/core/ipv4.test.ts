import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checksum, decrementTtl, destinationOf, packetLength, sourceOf, ttlOf } from '../../src/core/ipv4.ts';
import { headerFits, packetOf, packetPlan } from './ipv4.ts';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('an IPv4 packet', () => {
  it('is read as RFC 791 has it', () => {
    // ping from 10.42.1.0 to 10.42.2.0, as a kernel wrote it.
    const packet = bytesOf('45 00 00 1c d4 31 40 00 40 01 4f 5c 0a 2a 01 00 0a 2a 02 00 08 00 f7 fd 00 01 00 01');
    assert.equal(packetLength(packet, packet.length), 28);
    assert.equal(sourceOf(packet), 0x0a2a_0100);
    assert.equal(destinationOf(packet), 0x0a2a_0200);
    assert.equal(ttlOf(packet), 64);
  });

  it('is whole only when all of it is there, and nothing behind it counts', () => {
    fc.assert(
      fc.property(packetPlan, fc.nat({ max: 40 }), (plan, behind) => {
        const packet = packetOf(plan);
        const longer = new Uint8Array(packet.length + behind);
        longer.set(packet);
        assert.equal(packetLength(longer, longer.length), packet.length);
        assert.equal(packetLength(packet, packet.length - 1), 0);
      }),
    );
  });

  it('is none when the bytes say so: another version, a header that is too short or longer than the packet', () => {
    for (const first of [0x00, 0x44, 0x65, 0x4f]) {
      const packet = packetOf({});
      packet[0] = first;
      assert.equal(packetLength(packet, packet.length), 0, first.toString(16));
    }
    assert.equal(packetLength(new Uint8Array(0), 0), 0);
  });

  it('never makes a reader of chance bytes look behind their end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const length = packetLength(bytes, bytes.length);
        assert.ok(length === 0 || (length >= 20 && length <= bytes.length));
      }),
    );
  });

  it('loses one of its TTL, and its checksum fits as if it had been made so', () => {
    fc.assert(
      fc.property(packetPlan, (plan) => {
        const packet = packetOf(plan);
        const before = packet.slice();
        if (plan.ttl <= 1) {
          assert.equal(decrementTtl(packet), false);
          assert.deepEqual(packet, before);
          return;
        }
        assert.equal(decrementTtl(packet), true);
        assert.equal(ttlOf(packet), plan.ttl - 1);
        assert.ok(headerFits(packet));
        assert.deepEqual(
          [...packet.keys()].filter((at) => packet[at] !== before[at] && at !== 8 && at !== 10 && at !== 11),
          [],
        );
      }),
    );
  });

  it('keeps a wrong checksum wrong', () => {
    fc.assert(
      fc.property(packetPlan, fc.integer({ min: 1, max: 0xfffe }), (plan, off) => {
        const packet = packetOf({ ...plan, ttl: Math.max(2, plan.ttl) });
        packet[10] = (packet[10] ?? 0) ^ (off >> 8);
        packet[11] = (packet[11] ?? 0) ^ (off & 0xff);
        fc.pre(!headerFits(packet));
        decrementTtl(packet);
        assert.ok(!headerFits(packet));
      }),
    );
  });

  it('has a checksum as in RFC 1071', () => {
    // Its example: the sum of these is ddf2.
    assert.equal(checksum(bytesOf('00 01 f2 03 f4 f5 f6 f7'), 0, 8), ~0xddf2 & 0xffff);
    assert.equal(checksum(bytesOf('01'), 0, 1), ~0x0100 & 0xffff);
  });
});
