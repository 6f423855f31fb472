/** Sets of whole numbers as sorted, disjoint intervals: thousands of subnets against a range of millions without a walk over either. */
import { addressValue, family, type Address } from './address.ts';
import { baseOf, lastOf, type Subnet } from './subnet.ts';

/** Both ends belong to it. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** Sorted, with a gap of at least one number between neighbours. Made by `union` and `subtract` alone. */
export type IntervalSet = readonly Interval[];

/** All addresses on one line: IPv4 stands behind IPv6, so that the families never meet. */
export const positionOf = (address: Address): bigint =>
  family(address) === 4 ? (1n << 128n) + addressValue(address) : addressValue(address);

export const intervalOf = (subnet: Subnet): Interval => ({
  first: positionOf(baseOf(subnet)),
  last: positionOf(lastOf(subnet)),
});

/** Intervals in any order, overlapping or not, as a set. Empty ones (last before first) vanish. */
export function union(intervals: Iterable<Interval>): IntervalSet {
  const sorted = [...intervals]
    .filter(({ first, last }) => first <= last)
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Interval[] = [];
  for (const interval of sorted) {
    const before = merged.at(-1);
    if (before === undefined || interval.first > before.last + 1n) merged.push(interval);
    else if (interval.last > before.last) merged[merged.length - 1] = { first: before.first, last: interval.last };
  }
  return merged;
}

export function subtract(set: IntervalSet, without: IntervalSet): IntervalSet {
  const rest: Interval[] = [];
  let at = 0;
  for (const { first, last } of set) {
    let start = first;
    while (at < without.length && (without[at]?.last ?? 0n) < start) at += 1;
    for (let i = at; i < without.length && start <= last; i++) {
      const hole = without[i];
      if (hole === undefined || hole.first > last) break;
      if (hole.first > start) rest.push({ first: start, last: hole.first - 1n });
      start = hole.last + 1n;
    }
    if (start <= last) rest.push({ first: start, last });
  }
  return rest;
}

export const sizeOfSet = (set: IntervalSet): bigint =>
  set.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);

/** Does any number of the interval belong to the set? */
export function touches(set: IntervalSet, interval: Interval): boolean {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((set[middle]?.last ?? 0n) < interval.first) low = middle + 1;
    else high = middle;
  }
  const candidate = set[low];
  return candidate !== undefined && candidate.first <= interval.last;
}

/** The nth number of the set, from 0; undefined past its end. */
export function nthOf(set: IntervalSet, n: bigint): bigint | undefined {
  let left = n;
  for (const { first, last } of set) {
    const size = last - first + 1n;
    if (left < size) return first + left;
    left -= size;
  }
  return undefined;
}
