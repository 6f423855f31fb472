/** A store for a benchmark's host, filled past the daemon. */
import type { LeaseStore } from '../../src/contracts/lease-store.ts';
import type { Lease } from '../../src/core/lease.ts';

export type StoreKind = 'dynamodb' | 'etcd';

/** How many come at once: each by a write of its own, or as many as one write takes. */
export type Arrival = 'one by one' | 'together';

export interface BenchStore {
  readonly leases: LeaseStore;
  /** What the daemon is told; `poll` where the store has to be asked for news. */
  url(poll: string): string;
  /** Leases of other nodes, from another time: no daemon runs. */
  fill(leases: readonly Lease[]): Promise<void>;
  /** Nodes join while a daemon watches. Resolves with the last acknowledgement. */
  join(newcomers: readonly Lease[], arrival: Arrival): Promise<void>;
  close(): Promise<void>;
}

export const TTL_MS = 24 * 3_600_000;
