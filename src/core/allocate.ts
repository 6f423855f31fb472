/**
 * Which subnet a node gets. First the one it had, then one reserved for it, then one that nobody ever had, then the one freed longest ago:
 * neighbours' caches, firewalls and open connections still take a subnet for its last owner's.
 *
 * All in numbers of subnets ("places": base address / subnet size), as sets of intervals, so that 16,000 leases in a /8 cost a sort.
 */
import { addressFrom, bitsOf, family } from './address.ts';
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
} from './interval-set.ts';
import { leasableCount, misfit } from './lease-range.ts';
import type { FamilyRange } from './network-config.ts';
import type { NodeId } from './node-id.ts';
import { contains, subnetOf, type Subnet } from './subnet.ts';
import { printDuration } from './duration.ts';

export interface AllocationWish {
  readonly node: NodeId;
  readonly range: FamilyRange;
  /** When not empty, only subnets that lie inside one of these. */
  readonly within: readonly Subnet[];
  readonly previous?: Subnet | undefined;
}

export interface Reserved {
  readonly subnet: Subnet;
  readonly node: NodeId;
}

export interface Freed {
  readonly subnet: Subnet;
  /** Who had it; undefined for a plain flanneld. */
  readonly node: NodeId | undefined;
  /** Any number that is smaller the longer ago it was freed. */
  readonly freedAt: number;
  /** How long its quarantine lasts yet; 0 or less: over. */
  readonly quarantineMs: number;
}

/** What stands in the way. The node's own leases, which it adopts or releases, are no part of it. */
export interface Holdings {
  /** Live leases of any length and any owner. */
  readonly taken: readonly Subnet[];
  readonly reserved: readonly Reserved[];
  readonly freed: readonly Freed[];
}

/** Why there is none, in numbers of subnets; each is counted once, under the first that applies. */
export interface Shortage {
  readonly kind: 'none';
  readonly total: number;
  readonly taken: number;
  readonly reserved: number;
  readonly quarantined: number;
  /** When the first leaves its quarantine, from now. */
  readonly soonestMs: number | undefined;
}

export type Allocation =
  | { readonly kind: 'previous' | 'reserved' | 'fresh' | 'freed'; readonly subnet: Subnet }
  | Shortage;

/** Racing claimers choose among this many of the oldest, so that they seldom meet. */
const FREED_CHOICE = 32;

/** `below(n)`: a whole number from 0 to n - 1 by chance. */
export function allocate(wish: AllocationWish, holdings: Holdings, below: (bound: number) => number): Allocation {
  const { node, range, previous } = wish;
  const shift = BigInt(bitsOf(family(range.network)) - range.subnetLength);
  /** Every place that the subnet reaches into, whatever its length. */
  const placesOf = (subnet: Subnet): Interval => {
    const { first, last } = intervalOf(subnet);
    return { first: first >> shift, last: last >> shift };
  };
  const setOf = (subnets: readonly Subnet[]): IntervalSet => union(subnets.map(placesOf));
  const allowed = allowedPlaces(wish, shift);
  const fits = (subnet: Subnet): boolean => misfit(range, subnet) === undefined && touches(allowed, placesOf(subnet));

  const foreign = holdings.reserved.filter((reservation) => reservation.node !== node).map(({ subnet }) => subnet);
  const quarantined = holdings.freed
    .filter((freed) => freed.quarantineMs > 0 && freed.node !== node)
    .map(({ subnet }) => subnet);
  const blocked = setOf([...holdings.taken, ...foreign, ...quarantined]);
  const free = (subnet: Subnet): boolean => fits(subnet) && !touches(blocked, placesOf(subnet));

  if (previous !== undefined && free(previous)) return { kind: 'previous', subnet: previous };
  const own = holdings.reserved.find((reservation) => reservation.node === node && free(reservation.subnet));
  if (own !== undefined) return { kind: 'reserved', subnet: own.subnet };

  // A freed subnet of another length, from before the config changed, counts only while it is in quarantine: it is nobody's candidate as a whole.
  const returned = holdings.freed.filter(({ subnet }) => fits(subnet));
  const fresh = subtract(subtract(allowed, blocked), setOf(returned.map(({ subnet }) => subnet)));
  const count = sizeOfSet(fresh);
  if (count > 0n) {
    const place = nthOf(fresh, BigInt(below(Number(count > 0x7fff_ffffn ? 0x7fff_ffffn : count))));
    if (place !== undefined) return { kind: 'fresh', subnet: subnetAt(place, shift, range) };
  }
  const oldest = returned.filter(({ subnet }) => free(subnet)).sort((a, b) => a.freedAt - b.freedAt);
  const chosen = oldest[below(Math.max(1, Math.min(oldest.length, FREED_CHOICE)))];
  if (chosen !== undefined) return { kind: 'freed', subnet: chosen.subnet };

  const untaken = subtract(allowed, setOf(holdings.taken));
  const unreserved = subtract(untaken, setOf(foreign));
  const waits = holdings.freed
    .filter((freed) => freed.quarantineMs > 0 && touches(unreserved, placesOf(freed.subnet)))
    .map((freed) => freed.quarantineMs);
  const total = sizeOfSet(allowed);
  return {
    kind: 'none',
    total: Number(total),
    taken: Number(total - sizeOfSet(untaken)),
    reserved: Number(sizeOfSet(untaken) - sizeOfSet(unreserved)),
    quarantined: Number(sizeOfSet(unreserved)),
    soonestMs: waits.length === 0 ? undefined : Math.min(...waits),
  };
}

/** Places that the range allows and that lie whole inside `within`. */
function allowedPlaces({ range, within }: AllocationWish, shift: bigint): IntervalSet {
  const size = 1n << shift;
  const whole: Interval = { first: positionOf(range.min) >> shift, last: positionOf(range.max) >> shift };
  if (within.length === 0) return union([whole]);
  const inner = within
    .filter((subnet) => family(subnet) === family(range.network))
    .map((subnet): Interval => {
      const { first, last } = intervalOf(subnet);
      const from = (first + size - 1n) >> shift;
      const to = ((last + 1n) >> shift) - 1n;
      return { first: from > whole.first ? from : whole.first, last: to < whole.last ? to : whole.last };
    });
  return union(inner);
}

function subnetAt(place: bigint, shift: bigint, range: FamilyRange): Subnet {
  // The lower 128 bits of a position are the address (`positionOf`).
  return subnetOf(addressFrom(BigInt.asUintN(128, place << shift), family(range.network)), range.subnetLength);
}

/** The text of NO_SUBNET. Begins with flannel's own. */
export function describeShortage(shortage: Shortage, { range, within }: AllocationWish): string {
  const where = within.length === 0 ? `Network ${range.network}` : `${within.join(', ')} of Network ${range.network}`;
  if (leasableCount(range) === 0n)
    return `out of subnets: SubnetMin ${range.min} lies above SubnetMax ${range.max}, so ${where} has none`;
  if (within.length > 0 && !within.some((subnet) => contains(range.network, subnet)))
    return `out of subnets: ${within.join(', ')} lies outside Network ${range.network}`;
  const { total, taken, reserved, quarantined, soonestMs } = shortage;
  const soonest =
    soonestMs === undefined ? '' : `; the first returns in ${printDuration(Math.ceil(soonestMs / 1000) * 1000)}`;
  return `out of subnets: of ${total} in ${where}, ${taken} are leased, ${reserved} reserved for other nodes and ${quarantined} freed too recently${soonest}`;
}
