/** What the keeper of cloud routes is made of. */
import type { Clock } from '../contracts/clock.ts';
import type { CloudNetwork, CloudSelf } from '../contracts/cloud-network.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import type { Address } from '../core/address.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { NetworkConfig } from '../core/network-config.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Findings } from './findings.ts';

export interface CloudSources {
  readonly config: NetworkConfig;
  /** Undefined before the first. */
  readonly view: LeaseView | undefined;
  readonly lease: Lease;
  /** The uplink's own. */
  readonly address: Address;
}

export interface CloudKeeperParts {
  readonly cloud: CloudNetwork;
  readonly records: Records;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly findings: Findings;
  readonly node: NodeId;
  readonly sources: () => CloudSources;
  /** Is the lease ours, by what the store said a moment ago, and for so long? */
  readonly mayWrite: (deadlineMs: number, signal: AbortSignal) => Promise<boolean>;
  /** The facts are others. */
  readonly onChange: () => void;
}

/** What is known when the daemon starts: who it is, and the table that its lease named before. */
export interface CloudStart {
  readonly self: CloudSelf | undefined;
  readonly table: string | undefined;
}
