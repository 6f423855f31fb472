/** Subnets that do not overlap: whoever comes first has his. For the odd cluster in which leases differ in length or have a second family; else none can overlap. */
import { intervalOf, type Interval } from '../core/interval-set.ts';
import type { Lease } from '../core/lease.ts';

interface Taken extends Interval {
  readonly lease: Lease;
}

export class TakenRanges {
  /** Sorted, disjoint. */
  readonly #taken: Taken[] = [];

  /** Takes the lease's subnet, or tells who has a part of it. */
  take(lease: Lease): Lease | undefined {
    const { first, last } = intervalOf(lease.subnet.v4);
    let low = 0;
    let high = this.#taken.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#taken[middle]?.last ?? 0n) < first) low = middle + 1;
      else high = middle;
    }
    const next = this.#taken[low];
    if (next !== undefined && next.first <= last) return next.lease;
    this.#taken.splice(low, 0, { first, last, lease });
    return undefined;
  }
}
