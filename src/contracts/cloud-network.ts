import type { FabricIdentity } from '../core/lease.ts';
import type { Subnet } from '../core/subnet.ts';
import type { CloudRoute } from '../core/cloud-route.ts';

/** Who this host is to its cloud. */
export interface CloudSelf {
  readonly instance: string;
  readonly identity: FabricIdentity;
  /** Ranges of the network itself, which no overlay may overlap. */
  readonly networkRanges: readonly Subnet[];
  /** The route table that this host's subnet uses. */
  readonly table: string;
}

export interface CloudTable {
  readonly id: string;
  /** Cloud subnets that use this table. */
  readonly subnets: readonly string[];
}

/**
 * A cloud's route tables. Every call is idempotent and paged inside.
 * Fails with ROUTE_TABLE_FULL, CLOUD_DENIED, CLOUD_THROTTLED, CLOUD_CONFLICT, CLOUD_NOT_FOUND or CLOUD_UNREACHABLE.
 */
export interface CloudNetwork {
  /** Waits for a metadata server that is late; never falls through to "no cloud" on a detected one. */
  identify(signal: AbortSignal): Promise<CloudSelf>;
  /** Lets the interface forward packets of other addresses (AWS: source/destination check off). */
  prepare(target: string, signal: AbortSignal): Promise<void>;
  /** The tables that may be written, of this network; gateway tables are left out. */
  tables(signal: AbortSignal): Promise<readonly CloudTable[]>;
  /** All routes of one table within a range, whoever made them; complete or it rejects. */
  routes(table: string, within: Subnet, signal: AbortSignal): Promise<readonly CloudRoute[]>;
  /**
   * `expected` undefined: creates, and fails with CLOUD_CONFLICT when a route to that destination stands (the compare-and-set of creation), unless it
   * is the wanted one. Else replaces that target, in one call without a gap. Never retried inside: the caller checks its right before each attempt.
   */
  putRoute(table: string, route: CloudRoute, expected: string | undefined, signal: AbortSignal): Promise<void>;
  /** Removes the route when its target is the expected one (CLOUD_CONFLICT when not); of one that is gone: succeeds. */
  removeRoute(table: string, destination: Subnet, expected: string, signal: AbortSignal): Promise<void>;
}
