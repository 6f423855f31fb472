import type { Address } from '../core/address.ts';
import type { CloudRoute, CloudTable } from '../core/cloud-route.ts';
import type { FabricIdentity } from '../core/lease.ts';
import type { Subnet } from '../core/subnet.ts';
import type { CloudInterface } from './cloud-inventory.ts';

/** Who this host is to its cloud. */
export interface CloudSelf {
  readonly instance: string;
  readonly region: string;
  readonly identity: FabricIdentity;
  /** Ranges of the network itself, which no overlay may overlap. */
  readonly networkRanges: readonly Subnet[];
}

export interface TablesWish {
  /** AWS: the VPC. */
  readonly network: string;
  /** Of each table the routes within this range. */
  readonly within: Subnet;
}

/**
 * A cloud's route tables. Paged inside; each call has a deadline of its own inside, `CLOUD_CALL_DEADLINE_MS`, and rejects with ROUTE_TABLE_FULL,
 * CLOUD_DENIED, CLOUD_THROTTLED, CLOUD_CONFLICT, CLOUD_NOT_FOUND, CLOUD_REFUSED or CLOUD_UNREACHABLE, with ABORTED when the signal fires. Reads are
 * tried a few times inside. Calls that change something are made once: whoever calls checks his right before each attempt.
 */
export interface CloudNetwork {
  /**
   * Who this host is, by the cloud interface that has this address. From the metadata server alone, for which it waits as long as it takes: it never
   * falls through to "no cloud". CLOUD_NOT_FOUND when no interface of this machine has the address.
   */
  identify(address: Address, signal: AbortSignal): Promise<CloudSelf>;
  /** Lets the interface forward packets of other addresses (AWS: source/destination check off). Idempotent: where it does already, nothing is written. Handed an interface as the inventory has just read it, it is not read again. To be asked for again from time to time. */
  prepare(target: string | CloudInterface, signal: AbortSignal): Promise<void>;
  /** The network's tables in which routes to interfaces may stand (gateway tables are left out), with all routes in the range, whoever made them. Complete or it rejects. */
  tables(wish: TablesWish, signal: AbortSignal): Promise<readonly CloudTable[]>;
  /**
   * `expected` undefined: creates, and fails with CLOUD_CONFLICT when a route to that destination stands (the compare-and-set of creation), unless it is the
   * wanted one. Else puts this target in the place of the expected one, in one call without a gap; CLOUD_CONFLICT, with nothing written, when another
   * stands there or none. When the answer is lost the table is read: what took effect succeeds. So does a creation of what the cloud says is there and
   * does not show yet: whose it is the next look tells, as it must after any other success.
   */
  putRoute(table: string, route: CloudRoute, expected: string | undefined, signal: AbortSignal): Promise<void>;
  /** Removes the route when its target is the expected one (CLOUD_CONFLICT when not); of one that is gone: succeeds. */
  removeRoute(table: string, destination: Subnet, expected: string, signal: AbortSignal): Promise<void>;
}
