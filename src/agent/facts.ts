/** What the daemon knows of itself at one moment: what status, metrics and the health answers are made of. */
import type { LedgerRow } from '../core/cloud-route.ts';
import type { ErrorCode, WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { HeldChange } from '../core/guard.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { RouteWriter } from '../core/route-writer.ts';
import type { OwnerPhase } from '../core/status.ts';
import type { TunnelCounters } from '../core/tunnel-counters.ts';
import type { Uplink } from '../core/uplink.ts';
import type { CloudFacts } from '../datapath/datapath.ts';
import type { FailedChange, PassReport, PeerPath } from '../reconcile/pass-report.ts';
import type { PathWords } from './path-words.ts';

/** Routes to this host's containers. */
export interface RouteCounts {
  /** That ought to stand, as far as this host knows. */
  readonly asked: number;
  /** Of those that it was not allowed, or not able, to have: how many for each reason. */
  readonly refused: ReadonlyMap<ErrorCode, number>;
}

export interface PassFacts {
  readonly last: PassReport | undefined;
  /** Why the last pass could not be made, if so. */
  readonly trouble: WeftError | undefined;
  /** Not made yet, of all passes. */
  readonly failed: readonly FailedChange[];
  readonly held: readonly HeldChange[];
  readonly totals: {
    readonly passes: number;
    readonly broken: number;
    readonly applied: number;
    readonly durationMs: number;
  };
}

export interface Facts {
  readonly version: string;
  readonly node: string;
  readonly instance: string;
  readonly phase: OwnerPhase;
  /** Why this node is not ready as far as its lease goes. */
  readonly leaseTrouble: string | undefined;
  readonly config: NetworkConfig | undefined;
  readonly uplink: Uplink | undefined;
  readonly lease: Lease | undefined;
  readonly subnetFileWritten: boolean;
  readonly view: LeaseView | undefined;
  readonly passes: PassFacts;
  /** This host's place in its cloud, if it is in one; `own`: what the ledger says of the routes to it. */
  readonly cloud:
    | {
        readonly facts: CloudFacts;
        readonly own: readonly LedgerRow[];
        readonly writer: RouteWriter;
        readonly counts: RouteCounts;
      }
    | undefined;
  /** Of each peer in the last pass. */
  readonly wordsOf: (peer: PeerPath) => PathWords;
  readonly store: { readonly kind: string; readonly trouble: Finding | undefined };
  /** Undefined: this host has no user-space tunnel. Read when it is asked for: it has a number or five of each peer. */
  readonly tunnel: () => TunnelCounters | undefined;
  readonly findings: readonly Finding[];
  readonly renewals: { readonly made: number; readonly failed: number };
  readonly startedMs: number;
  readonly nowMs: number;
}
