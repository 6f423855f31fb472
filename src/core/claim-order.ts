/**
 * What a claimer does about what it finds, the same in every store: keep its own lease, take over what a flanneld of this host wrote, else have a
 * subnet allocated. Pure; the store makes the chosen step atomically, and asks again when another was faster.
 */
import type { Address } from './address.ts';
import { allocate, type AllocationWish, type Freed, type Reserved, type Shortage } from './allocate.ts';
import { misfit } from './lease-range.ts';
import type { Lease } from './lease.ts';
import type { NodeId } from './node-id.ts';
import { overlaps, type Subnet } from './subnet.ts';

export interface Claimer extends AllocationWish {
  readonly publicIP: Address;
  readonly mayRenumber: boolean;
}

export interface OwnedLease {
  readonly lease: Lease;
  /** Undefined: a plain lease, as flanneld writes it. */
  readonly node: NodeId | undefined;
}

export interface ClaimFacts {
  readonly leases: Iterable<OwnedLease>;
  readonly reserved: readonly Reserved[];
  readonly freed: readonly Freed[];
  /** Subnets under whose key something stands that cannot be read: nobody's to give away. */
  readonly unreadable: readonly Subnet[];
}

export type ClaimStep =
  /** It is this node's: the epoch stays. */
  | { readonly kind: 'adopt'; readonly lease: Lease }
  /** `over`: the plain lease with this node's public IP that stands there now (an address that the cloud gave to another machine): the epoch rises. */
  | { readonly kind: 'create'; readonly subnet: Subnet; readonly over?: Lease }
  /** The previous subnet is another's, and no other one may be taken. */
  | { readonly kind: 'taken'; readonly subnet: Subnet; readonly why: string }
  | { readonly kind: 'none'; readonly shortage: Shortage };

export interface ClaimPlan {
  /** Leases of this node that no longer fit the range: to be released first. */
  readonly release: readonly Lease[];
  readonly step: ClaimStep;
}

export function planClaim(claimer: Claimer, facts: ClaimFacts, below: (bound: number) => number): ClaimPlan {
  const { node, publicIP, range, previous } = claimer;
  const own: Lease[] = [];
  const release: Lease[] = [];
  const foreign: OwnedLease[] = [];
  let plain: Lease | undefined;
  for (const owned of facts.leases) {
    const { lease } = owned;
    const fits = misfit(range, lease.subnet.v4) === undefined;
    if (owned.node === node) (fits ? own : release).push(lease);
    else {
      foreign.push(owned);
      const mine = owned.node === undefined && fits && lease.attributes.publicIP === publicIP;
      if (mine && (plain === undefined || lease.subnet.v4 === previous)) plain = lease;
    }
  }
  const adopted = own.find((lease) => lease.subnet.v4 === previous) ?? own[0];
  if (adopted !== undefined) return { release, step: { kind: 'adopt', lease: adopted } };
  if (plain !== undefined && plain.subnet.v4 === previous) return { release, step: { kind: 'adopt', lease: plain } };

  if (previous !== undefined && !claimer.mayRenumber && misfit(range, previous) === undefined) {
    const why = ownerOf(previous, node, foreign, facts);
    if (why !== undefined) return { release, step: { kind: 'taken', subnet: previous, why } };
  }
  if (plain !== undefined && previous === undefined)
    return { release, step: { kind: 'create', subnet: plain.subnet.v4, over: plain } };

  const taken = [...foreign.map(({ lease }) => lease.subnet.v4), ...facts.unreadable];
  const allocation = allocate(claimer, { taken, reserved: facts.reserved, freed: facts.freed }, below);
  return {
    release,
    step:
      allocation.kind === 'none'
        ? { kind: 'none', shortage: allocation }
        : { kind: 'create', subnet: allocation.subnet },
  };
}

/** Whose the subnet is, if it is another's; reads after "subnet 10.42.7.0/24". */
function ownerOf(
  subnet: Subnet,
  node: NodeId,
  foreign: readonly OwnedLease[],
  { reserved, freed, unreadable }: ClaimFacts,
): string | undefined {
  const holder = foreign.find(({ lease }) => overlaps(lease.subnet.v4, subnet));
  if (holder !== undefined) {
    const by = holder.node === undefined ? `a flanneld at ${holder.lease.attributes.publicIP}` : `node ${holder.node}`;
    return `is leased by ${by}`;
  }
  if (unreadable.some((other) => overlaps(other, subnet))) return 'is held by an entry that cannot be read';
  const reservation = reserved.find((other) => other.node !== node && overlaps(other.subnet, subnet));
  if (reservation !== undefined) return `is reserved for node ${reservation.node}`;
  const last = freed.find((other) => other.node !== node && other.quarantineMs > 0 && overlaps(other.subnet, subnet));
  return last === undefined ? undefined : `was node ${last.node ?? '(a flanneld)'}'s until a moment ago`;
}
