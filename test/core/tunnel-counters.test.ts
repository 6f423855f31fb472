import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSubnet } from '../../src/core/subnet.ts';
import { TokenBucket } from '../../src/core/token-bucket.ts';
import {
  COUNTER_BYTES,
  DROPPED,
  placeOfReason,
  placeOfSlot,
  readCounters,
  SENT_PACKETS,
  Slots,
} from '../../src/core/tunnel-counters.ts';
import { DROP_REASONS } from '../../src/core/tunnel-packet.ts';

const A = parseSubnet('10.42.1.0/24');
const B = parseSubnet('10.42.2.0/24');

describe('counters of a tunnel', () => {
  it('are read where they are counted, each reason and each peer by itself', () => {
    const counters = new Float64Array(COUNTER_BYTES / 8);
    for (const [number, reason] of DROP_REASONS.entries()) counters[placeOfReason(reason)] = number + 1;
    counters[SENT_PACKETS] = 77;
    counters[placeOfSlot(1) + DROPPED] = 5;
    const read = readCounters(
      counters,
      new Map([
        [A, 0],
        [B, 1],
      ]),
    );
    assert.deepEqual(
      DROP_REASONS.map((reason) => read.dropped[reason]),
      DROP_REASONS.map((_, number) => number + 1),
    );
    assert.equal(read.total.sentPackets, 77);
    assert.equal(read.peers.get(A)?.dropped, 0);
    assert.equal(read.peers.get(B)?.dropped, 5);
  });

  it('keep a peer’s place while it is there, and give it to another afterwards, begun anew', () => {
    const slots = new Slots();
    const begun: number[] = [];
    const keep = (...subnets: readonly ReturnType<typeof parseSubnet>[]): void =>
      slots.keep(new Set(subnets), (slot) => begun.push(slot));
    keep(A);
    keep(A, B);
    keep(B);
    assert.deepEqual([...slots.all], [[B, 1]]);
    keep(A, B);
    assert.equal(slots.all.get(A), 0);
    assert.deepEqual(begun, [0, 1, 0]);
  });
});

describe('a token bucket', () => {
  it('gives some at once, and then so many a second', () => {
    const bucket = new TokenBucket(10, 3);
    const takes = (nowMs: number, times: number): boolean[] => Array.from({ length: times }, () => bucket.take(nowMs));
    assert.deepEqual(takes(0, 4), [true, true, true, false]);
    assert.deepEqual(takes(100, 2), [true, false]);
    assert.deepEqual(takes(60_000, 4), [true, true, true, false]);
  });
});
