/** What a daemon says of itself: the answer of `GET /status`, `weftd status --json` and the lab's reports. Plain JSON. */
import type { ErrorCode } from './errors.ts';
import type { Finding } from './finding.ts';
import type { Skipped } from './lease.ts';
import type { Reach, Refusal } from './path.ts';
import type { RouteWriter } from './route-writer.ts';
import type { Carried } from './tunnel-counters.ts';
import type { DropReason } from './tunnel-packet.ts';

/**
 * `starting` no lease yet, `held` all is well, `unsure` not renewed for longer than its TTL (the data path stands), `fenced` the store shows
 * another owner, `draining` on its way out.
 */
export type OwnerPhase = 'starting' | 'held' | 'unsure' | 'fenced' | 'draining';

export interface PeerStatus {
  /** Null: a plain flanneld, which has no node id. */
  readonly node: string | null;
  readonly subnet: string;
  readonly publicIP: string;
  readonly path: Reach;
  readonly mtu: number | null;
  /** When this path was taken, ISO 8601. */
  readonly since: string;
  readonly refused: readonly Refusal[];
  /** No path works, and the one named is kept for want of a better; null when all is well. */
  readonly trouble: string | null;
  /** What the user-space tunnel has carried to and from it; null where it is not in that tunnel's table. */
  readonly tunnel: Carried | null;
  /** Nothing hangs on the next few probes: the path stays while nothing happens. */
  readonly settled: boolean;
}

/** What the user-space tunnel has carried since the daemon started. */
export interface TunnelStatus extends Carried {
  /** How many packets were dropped for each reason; those without any are left out. */
  readonly reasons: Partial<Readonly<Record<DropReason, number>>>;
}

export interface CloudStatus {
  /** AWS: the VPC, this host's subnet in it, and its interface there. */
  readonly network: string;
  readonly subnet: string;
  readonly target: string;
  /** The route table that this host's subnet uses; null until it was looked up. */
  readonly table: string | null;
  /** Why that table carries nothing; null when it may. */
  readonly trouble: string | null;
  /** Who writes routes: each node those to its own containers, or the reconciler all of them. */
  readonly writer: RouteWriter['mode'];
  /** What the ledger says of the routes to this host's own containers, by table. */
  readonly routes: readonly {
    readonly table: string;
    readonly target: string;
    readonly state: 'intent' | 'committed' | 'refused';
    readonly why: string | null;
  }[];
}

export interface PassStatus {
  readonly number: number;
  readonly at: string;
  readonly durationMs: number;
  readonly applied: number;
  readonly failed: readonly { readonly entry: string; readonly code: ErrorCode; readonly message: string }[];
  /** Removals held back by the guard, and why. */
  readonly held: readonly { readonly entry: string; readonly why: string }[];
}

export interface Status {
  readonly version: string;
  readonly node: string;
  readonly instance: string;
  readonly state: OwnerPhase;
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly unready: readonly string[];
  readonly network: string | null;
  readonly subnet: string | null;
  /** The base address, source of this host's own packets to containers. */
  readonly address: string | null;
  readonly publicIP: string | null;
  readonly epoch: number | null;
  readonly store: { readonly kind: string; readonly reachable: boolean; readonly error: string | null };
  /** Null: in no cloud whose routes are programmed, or its metadata server has not answered yet. */
  readonly cloud: CloudStatus | null;
  /** Null: this host has no user-space tunnel. */
  readonly tunnel: TunnelStatus | null;
  readonly peers: readonly PeerStatus[];
  readonly pass: PassStatus | null;
  readonly findings: readonly Finding[];
  readonly skipped: readonly Skipped[];
}
