import type { Address } from '../core/address.ts';
import type { Lease, LeaseAttributes, LeaseKey, LeaseView, StoredConfig } from '../core/lease.ts';
import type { FamilyRange } from '../core/network-config.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Subnet } from '../core/subnet.ts';

/** Which subnets may be leased: flannel's SubnetLen, SubnetMin and SubnetMax (both inclusive, bases of subnets). */
export type LeaseRange = FamilyRange;

export interface ClaimWish {
  readonly node: NodeId;
  readonly publicIP: Address;
  readonly range: LeaseRange;
  /** When not empty, only subnets inside one of these are allocated (a cloud's secondary range). */
  readonly within: readonly Subnet[];
  /** The subnet this node had, by its own state or subnet.env. Kept whenever it still may be. */
  readonly previous?: Subnet;
  /** When `previous` belongs to somebody else now: false fails with SUBNET_TAKEN's meaning (LEASE_TAKEN), true takes another. */
  readonly mayRenumber: boolean;
  /** What to write, told the lease that is being adopted, if one is. Called at most once an attempt; pure. */
  attributes(adopted: Lease | undefined): LeaseAttributes;
  /** How long a lease lives without renewal. */
  readonly ttlMs: number;
}

export interface Claimed {
  readonly lease: Lease;
  /** `adopted`: it was this node's already, the epoch stayed. `created`: it is new to this node, the epoch rose. */
  readonly how: 'adopted' | 'created';
}

export interface ViewChange {
  /** Complete. */
  readonly view: LeaseView;
  /** Which leases may differ from the view yielded before, every one that does; `all` on the first and when the store cannot tell. */
  readonly changed: 'all' | ReadonlySet<LeaseKey>;
}

/**
 * Network config and leases in a store that many nodes share.
 *
 * Every method may be called at any time, also at once with others. Each has its own deadline inside (seconds, not
 * minutes) and rejects with STORE_UNREACHABLE, STORE_TIMEOUT, STORE_THROTTLED, STORE_DENIED, STORE_TABLE_MISSING or
 * STORE_TABLE_WRONG when the store cannot serve, after short retries of its own where that is safe; with ABORTED when
 * the signal fires. Whether a write that ended so took effect is unknown to the caller: the next claim or renewal finds out.
 *
 * A key or value that cannot be read is skipped and reported in the view; nothing else is dropped for it.
 */
export interface LeaseStore {
  /** The network config as it stands; undefined when there is none. One small read: it lists nothing. */
  config(signal: AbortSignal): Promise<StoredConfig | undefined>;

  /** Writes the network config whole. `ifVersion`: only over this version ('absent': only where none is), else RECORD_CHANGED. */
  writeConfig(text: string, ifVersion: string | 'absent' | undefined, signal: AbortSignal): Promise<StoredConfig>;

  /**
   * Complete views for ever: the first as soon as it is read, then one after each change of a lease's attributes or
   * owner, of the config, or of what is expired or skipped. Conflated: a slow reader meets the latest view, with all keys that changed since
   * the one it had. A renewal that changes nothing else yields nothing. Losing touch with the store yields nothing and
   * ends nothing: `onTrouble` is called with the error at each failed attempt and with undefined when contact is back, and
   * after a gap the view that follows holds whatever was missed, removals too. Ends when the signal fires (without error).
   * `exact`: the first view has each lease in its latest version, the last renewal included, and is of a moment not before the call. Otherwise a store
   * may begin with something cheaper: good enough to know who is there, not to tell who renews.
   */
  watch(
    signal: AbortSignal,
    onTrouble?: (error: unknown) => void,
    reading?: 'quick' | 'exact',
  ): AsyncIterable<ViewChange>;

  /**
   * Makes this node the owner of one subnet, atomically: of claimers of one subnet exactly one wins. In this order: the
   * node's own lease if compatible with the range (the previous subnet's first, then any that names this node); a lease without a
   * Weft member at `previous` that has my public IP (a flanneld of this very host wrote it; its epoch stays); `previous` if free; where no `previous`
   * is known, one without a Weft member that has my public IP (the cloud may have given me another machine's address: its epoch rises); a reservation for
   * this node; a subnet that was never leased or freed longest ago, by chance among many so that racers seldom meet.
   * A lease of this node that no longer fits the range is released. A lost race is run again inside.
   * When `previous` is right and mine, this costs one read and at most one conditional write, however many leases there are.
   * A subnet freed less than 15 minutes ago goes only to the node that had it; one reserved goes only to its node.
   * Rejects with NO_SUBNET (says how many there are, taken, quarantined, reserved, and when one returns) or LEASE_TAKEN.
   */
  claim(wish: ClaimWish, signal: AbortSignal): Promise<Claimed>;

  /**
   * Proves that the owner lives, and writes its attributes when they differ. Compare-and-set on owner and epoch: LEASE_LOST when the lease is
   * gone or another's (then nothing was written). `version` need not be the latest: of two renewals by one owner the later wins.
   */
  renew(lease: Lease, attributes: LeaseAttributes, ttlMs: number, signal: AbortSignal): Promise<Lease>;

  /**
   * Frees the subnet, which starts its quarantine. Compare-and-set on `lease.version`: RECORD_CHANGED when its owner or attributes changed since; when
   * it was renewed since, too, if the lease comes from `claim`, `renew` or an exact first view, or is in a view's `expired` (else a view may not know the last renewal).
   * Serves the owner that leaves and whoever has judged another's lease to be expired. A lease that is gone already is released.
   */
  release(lease: Lease, signal: AbortSignal): Promise<void>;
}
