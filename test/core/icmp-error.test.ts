import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ErrorBudget } from '../../src/core/error-budget.ts';
import { icmpError, mayReport, type IcmpError } from '../../src/core/icmp-error.ts';
import { checksum, destinationOf, packetLength, protocolOf, sourceOf, u16 } from '../../src/core/ipv4.ts';
import { headerFits, packetOf, packetPlan } from './ipv4.ts';

const SOURCE = 0x0a2a_0100;
const ERRORS: readonly (readonly [error: IcmpError, type: number, code: number])[] = [
  [{ kind: 'net unreachable' }, 3, 0],
  [{ kind: 'fragmentation needed', mtuBytes: 1400 }, 3, 4],
  [{ kind: 'time exceeded' }, 11, 0],
];
const icmp = (type: number): Uint8Array => packetOf({ protocol: 1, payload: Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0) });
const reported = (packet: Uint8Array): boolean => mayReport(packet, packet.length);

describe('an ICMP error', () => {
  it('goes to who sent the packet, quotes its header and what follows, and fits in 576 bytes', () => {
    fc.assert(
      fc.property(packetPlan, fc.constantFrom(...ERRORS), (plan, [error, type, code]) => {
        const offender = packetOf(plan);
        const packet = icmpError(error, offender, offender.length, SOURCE);
        assert.equal(packetLength(packet, packet.length), packet.length);
        assert.ok(packet.length <= 576 && headerFits(packet));
        assert.equal(protocolOf(packet), 1);
        assert.deepEqual([sourceOf(packet), destinationOf(packet)], [SOURCE, plan.source >>> 0]);
        assert.deepEqual([packet[20], packet[21]], [type, code]);
        assert.equal(checksum(packet, 20, packet.length), 0);
        const quoted = packet.subarray(28);
        assert.ok(quoted.length >= Math.min(offender.length, 60 + 8));
        assert.deepEqual(quoted, offender.subarray(0, quoted.length));
      }),
    );
  });

  it('says what the next hop carries (RFC 1191)', () => {
    const packet = icmpError({ kind: 'fragmentation needed', mtuBytes: 1472 }, packetOf({}), 28, SOURCE);
    assert.equal(u16(packet, 24), 0);
    assert.equal(u16(packet, 26), 1472);
  });

  it('is never about an ICMP error, or a message that nobody knows', () => {
    for (const type of [3, 4, 5, 11, 12, 2, 40, 255]) assert.equal(reported(icmp(type)), false, `type ${type}`);
    for (const type of [0, 8, 13, 14]) assert.equal(reported(icmp(type)), true, `type ${type}`);
    assert.equal(reported(packetOf({ protocol: 1, payload: new Uint8Array(0) })), false);
  });

  it('is about the first fragment alone', () => {
    assert.equal(reported(packetOf({ fragmentOffset: 0 })), true);
    assert.equal(reported(packetOf({ fragmentOffset: 1 })), false);
  });

  it('is never about what went to many, or came from none', () => {
    for (const destination of [0xe000_0001, 0xefff_ffff, 0xffff_ffff, 0xf000_0001, 0x7f00_0001, 0])
      assert.equal(reported(packetOf({ destination })), false, destination.toString(16));
    for (const source of [0, 0x7f00_0001, 0xe000_0001, 0xffff_ffff])
      assert.equal(reported(packetOf({ source })), false, source.toString(16));
  });

  it('is never about another error, whatever is reported', () => {
    fc.assert(
      fc.property(packetPlan, fc.constantFrom(...ERRORS), (plan, [error]) => {
        const offender = packetOf(plan);
        assert.equal(reported(icmpError(error, offender, offender.length, SOURCE)), false);
      }),
    );
  });

  it('is sent so often and no more, and what is told of a size takes nothing from what else is told, nor the other way', () => {
    const budget = new ErrorBudget();
    const told = (kind: 'net unreachable' | 'time exceeded', atMs: number): boolean => budget.take({ kind }, atMs);
    let count = 0;
    while (told(count % 2 === 0 ? 'net unreachable' : 'time exceeded', 1000)) count += 1;
    assert.equal(count, 50);
    assert.equal(budget.take({ kind: 'fragmentation needed', mtuBytes: 1400 }, 1000), true);
    for (let at = 1010; at < 3000; at += 10)
      assert.deepEqual([told('net unreachable', at), told('net unreachable', at)], [true, false]);
  });
});
