import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  intervalOf,
  nthOf,
  positionOf,
  sizeOfSet,
  subtract,
  touches,
  union,
  type Interval,
  type IntervalSet,
} from '../../src/core/interval-set.ts';
import { contains, overlaps } from '../../src/core/subnet.ts';
import { anyAddress, anySubnet } from './arbitraries.ts';

const LINE = 40;
const interval: fc.Arbitrary<Interval> = fc
  .tuple(fc.nat(LINE), fc.integer({ min: -1, max: 8 }))
  .map(([first, length]) => ({ first: BigInt(first), last: BigInt(first + length) }));
const intervals = fc.array(interval, { maxLength: 12 });

/** The numbers themselves: what the intervals stand for. */
function numbers(list: Iterable<Interval>): bigint[] {
  const found = new Set<bigint>();
  for (const { first, last } of list) for (let n = first; n <= last; n++) found.add(n);
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}

function assertSet(set: IntervalSet): void {
  set.forEach(({ first, last }, index) => {
    assert.ok(first <= last);
    const before = set[index - 1];
    assert.ok(before === undefined || first > before.last + 1n, 'sorted, with gaps');
  });
}

describe('interval sets', () => {
  it('hold the numbers of all their intervals', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        const set = union(list);
        assertSet(set);
        assert.deepEqual(numbers(set), numbers(list));
        assert.equal(sizeOfSet(set), BigInt(numbers(list).length));
      }),
    );
  });

  it('less another hold what only the first holds', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        const rest = subtract(union(a), union(b));
        assertSet(rest);
        const without = new Set(numbers(b));
        assert.deepEqual(
          numbers(rest),
          numbers(a).filter((n) => !without.has(n)),
        );
      }),
    );
  });

  it('know what touches them', () => {
    fc.assert(
      fc.property(intervals, interval, (list, probe) => {
        fc.pre(probe.first <= probe.last);
        const held = new Set(numbers(list));
        assert.equal(
          touches(union(list), probe),
          numbers([probe]).some((n) => held.has(n)),
        );
      }),
    );
  });

  it('count their numbers from 0', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        const set = union(list);
        const all = numbers(list);
        assert.deepEqual(
          all.map((_, n) => nthOf(set, BigInt(n))),
          all,
        );
        assert.equal(nthOf(set, BigInt(all.length)), undefined);
      }),
    );
  });

  it('place subnets so that they touch when they overlap, never across families', () => {
    fc.assert(fc.property(anySubnet, anySubnet, (a, b) => touches([intervalOf(a)], intervalOf(b)) === overlaps(a, b)));
    fc.assert(
      fc.property(anySubnet, anyAddress, (subnet, address) => {
        const at = positionOf(address);
        assert.equal(touches([intervalOf(subnet)], { first: at, last: at }), contains(subnet, address));
      }),
    );
  });
});
