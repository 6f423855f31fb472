/** What one pass over this host saw, did and left undone. */
import type { Change } from '../core/diff.ts';
import type { WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { HeldChange } from '../core/guard.ts';
import type { HostEntry } from '../core/host-entry.ts';
import type { Lease, LeaseKey } from '../core/lease.ts';
import type { PathName, Reach, Refusal } from '../core/path.ts';
import type { Chosen } from '../core/path-choice.ts';

export interface PeerPath {
  readonly peer: Lease;
  readonly path: Reach;
  /** All that could be taken, in the order of the list, and why this one is; undefined when none can be. */
  readonly usable: readonly PathName[];
  readonly chosen: Chosen | undefined;
  /** Its route stood already when the pass looked. */
  readonly stood: boolean;
  readonly mtuBytes: number | undefined;
  /** When this path was taken, milliseconds since 1970. */
  readonly sinceMs: number;
  readonly refused: readonly Refusal[];
}

/** A peer that came (`was` undefined), changed its path, or went (`is` undefined). */
export interface Move {
  readonly peer: Lease;
  readonly was: Reach | undefined;
  readonly is: Reach | undefined;
}

export interface FailedChange {
  readonly change: Change<HostEntry>;
  readonly error: WeftError;
}

export interface PassReport {
  readonly number: number;
  /** `all`, or how many leases were looked at. */
  readonly scope: 'all' | number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly peers: ReadonlyMap<LeaseKey, PeerPath>;
  readonly moved: readonly Move[];
  /** Everything between what stood and what is wanted, in order; on a dry run none of it was done. */
  readonly planned: readonly Change<HostEntry>[];
  readonly applied: readonly Change<HostEntry>[];
  /** What stands on a device that could not be made is not told of. */
  readonly failed: readonly FailedChange[];
  /** Something failed that another pass may make soon. What a path of this host is known to lack waits for the next pass that is made anyway. */
  readonly triesAgain: boolean;
  /** Removals that the guard, or an untrustworthy view, held back. */
  readonly held: readonly HeldChange[];
  /** How long until a held removal may go by mere time, so that another pass is worth its while. */
  readonly heldForMs: number | undefined;
  /** Paths on which this host can receive: all that they need for it stands. A lease may advertise these. */
  readonly receives: readonly PathName[];
  readonly findings: readonly Finding[];
  /** Undefined: the packet filter was not looked at. */
  readonly firewall: 'tells of changes' | 'is silent' | undefined;
}
