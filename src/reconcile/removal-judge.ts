/** Why a route of ours that nothing wants ought to go, if it ought. */
import type { LedgerRow } from '../core/cloud-route.ts';
import { isSubnetOf, type DoubtedLease } from '../core/lease-belief.ts';
import type { LeaseKey } from '../core/lease.ts';
import type { FamilyRange } from '../core/network-config.ts';
import type { RemovalCause } from '../core/removal-hold.ts';
import type { Subnet } from '../core/subnet.ts';
import type { LeaseLooks } from './lease-looks.ts';
import { whyEnded, whyGone, type Machines } from './run-facts.ts';

export interface RemovalFacts {
  readonly looks: LeaseLooks;
  readonly machines: Machines;
  /** Leases whose owners have stopped renewing, in the version that has stood too long: any other is their word. */
  readonly silent: ReadonlyMap<LeaseKey, string>;
  readonly range: FamilyRange;
  readonly doubted: ReadonlyMap<Subnet, DoubtedLease>;
  /** Why each machine that is on its way out leaves. */
  readonly leaving: ReadonlyMap<string, string>;
  /** Nodes write: what a live owner has is his to take away. */
  readonly ownersWrite: boolean;
  /** Why it may be a mistake that a live owner's route is not wanted, whichever; undefined: nothing looks like one. */
  readonly mistrust: string | undefined;
}

export type Removal =
  | { readonly kind: 'go'; readonly cause: RemovalCause; readonly why: string }
  | { readonly kind: 'hold'; readonly why: string }
  | { readonly kind: 'leave' };

/** `live`: what stands there; undefined: nothing of ours does, and it is the row that ought to go. */
export function judgeRemoval(
  row: LedgerRow,
  live: { readonly target: string; readonly live: boolean } | undefined,
  isOverflow: boolean,
  { looks, machines, silent, range, doubted, leaving, ownersWrite, mistrust }: RemovalFacts,
): Removal {
  const { destination } = row;
  if (looks.isUnreadable(destination))
    return { kind: 'hold', why: `what stands in the store for ${destination} cannot be read` };
  if (!looks.isAsJudged(destination))
    return { kind: 'hold', why: `the lease of ${destination} has changed while this run went on` };
  const leaves = leaving.get(row.node);
  const lease = looks.lease(destination);
  const isHeld = lease !== undefined && silent.get(lease.key) !== lease.version;
  if (leaves !== undefined && (!isHeld || lease.attributes.weft?.node === row.node))
    return { kind: 'go', cause: 'leaving', why: `instance ${row.node} is leaving: ${leaves}` };
  const target = live?.target ?? row.target;
  // Of a node that joins, the inventory may not tell yet what its row names.
  const isBlackHole = live === undefined ? !isHeld : !live.live;
  const gone =
    whyGone(target, isBlackHole, machines) ?? (live === undefined ? whyEnded(row.node, machines) : undefined);
  if (gone !== undefined) return { kind: 'go', cause: 'gone', why: gone };
  if (isHeld && ownersWrite && (row.forOwner !== true || isOverflow)) return { kind: 'leave' };
  if (live !== undefined && !machines.interfaces.has(target))
    return {
      kind: 'hold',
      why: `${target} is no interface that the cloud shows, and no black hole: it may not be ours`,
    };
  if (lease === undefined) return { kind: 'go', cause: 'lease-gone', why: `nobody has ${destination} any more` };
  if (!isHeld)
    return { kind: 'go', cause: 'lease-gone', why: `the owner of ${destination} does not renew its lease any more` };
  if (mistrust !== undefined) return { kind: 'hold', why: `${mistrust}: nothing that a live owner has goes for that` };
  // Nodes that live keep to the config that they started with.
  if (!isSubnetOf(range, destination))
    return {
      kind: 'hold',
      why: `${destination} is no /${range.subnetLength} of Network ${range.network}, and its owner lives`,
    };
  const why = isOverflow ? 'others have more senders' : 'nobody sends by it any more';
  return { kind: 'go', cause: 'unwanted', why: doubted.get(destination)?.why ?? why };
}
