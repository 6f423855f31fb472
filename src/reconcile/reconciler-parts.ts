/** What the reconciler is made of, what it is asked, and what it answers. */
import type { Clock } from '../contracts/clock.ts';
import type { CloudInventory, LifecycleAction, RouteQuota } from '../contracts/cloud-inventory.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import type { LeaseStore } from '../contracts/lease-store.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import type { AuditEntry } from '../core/audit.ts';
import type { Finding } from '../core/finding.ts';
import type { RouteWriter } from '../core/route-writer.ts';
import type { Subnet } from '../core/subnet.ts';
import type { RouteStep } from './cloud-plan.ts';
import type { RouteOutcome } from './cloud-report.ts';

export interface ReconcilerParts {
  readonly store: LeaseStore;
  readonly records: Records;
  readonly cloud: CloudNetwork;
  readonly inventory: CloudInventory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface ReconcilerSettings {
  /** Who runs, in the audit and in the run lock: `lambda`, or a host's name. 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly name: string;
  /** Cloud networks (AWS: VPC ids) whose tables are kept; at least one. A lease elsewhere gets no route. */
  readonly networks: readonly string[];
  /** `key` or `key=value` that an instance must carry for its lease to be believed. Undefined: any instance may. */
  readonly nodeTag: string | undefined;
  /** Name of the lifecycle hook whose actions are completed: another tool's are that tool's to complete. `weft-drain` when absent. */
  readonly hook?: string;
  /** How many calls that change something in the cloud are made at most: the account's own rate, less what others' tools are left. */
  readonly rate: { readonly perSecond: number; readonly burst: number };
  /** How long senders are given to leave a route before it goes: to hear of it, and to probe another path. 15 s when absent. */
  readonly seenWithinMs?: number;
}

/** A machine on its way out: its routes go, and its lease is released. */
export interface Leaving {
  readonly instance: string;
  readonly why: string;
  /** The cloud has told that it ends, which it may show some seconds later: nothing arrives there any more. */
  readonly isEnded?: boolean;
  /** To be completed once nobody sends to it by the cloud any more. */
  readonly action?: LifecycleAction;
}

export interface RunRequest {
  /** Removals that look like a mistake go when a second run agrees that is made by the clock or by a person: events and changes come in crowds. */
  readonly why: 'schedule' | 'event' | 'change' | 'person';
  readonly leaving: readonly Leaving[];
  /** Takes over black holes in the Network that no ledger row knows. */
  readonly adopt: boolean;
  /** Looks and plans; writes nothing anywhere, and needs no lock. */
  readonly dryRun: boolean;
  /** By `Clock.now()`: nothing is begun that may not end before. Infinity: no limit. */
  readonly untilMs: number;
  /**
   * May it wait until senders have left machines that leave? Where others stand in line behind it, it does not: senders are told, and a later run that may
   * wait does so once for all of those machines. Absent: it may.
   */
  readonly mayLinger?: boolean;
}

export interface TableReport {
  readonly table: string;
  readonly network: string;
  readonly quota: RouteQuota;
  /** Everybody's routes that count, as they were seen last. */
  readonly occupied: number;
  /** Wanted, and without room: those pairs stay on tunnels. */
  readonly overflow: number;
}

export interface RunReport {
  /** `cut`: time ran out or the budget of calls was empty, and the next run goes on. `busy`: another run holds the lock, nothing was done. */
  readonly how: 'done' | 'cut' | 'busy';
  readonly writer: RouteWriter;
  readonly tables: readonly TableReport[];
  /** Of every route that is wanted, or was ours; by ledger key. */
  readonly outcomes: ReadonlyMap<string, RouteOutcome>;
  /** Leases that get no route, with the reason. */
  readonly doubted: readonly { readonly subnet: Subnet; readonly node: string; readonly why: string }[];
  /** What was done, in order; of a dry run: empty. */
  readonly audit: readonly AuditEntry[];
  /** Troubles a person should know of. */
  readonly findings: readonly Finding[];
  /** Calls made that could change something in the cloud. */
  readonly calls: number;
  /** Of a dry run: what it would begin with. */
  readonly planned?: readonly RouteStep[];
}
