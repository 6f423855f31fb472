/** What a daemon is made of; put together in main.ts. */
import type { CloudInventory } from '../contracts/cloud-inventory.ts';
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import type { Clock } from '../contracts/clock.ts';
import type { HostExtension } from '../contracts/host-extension.ts';
import type { HostNetwork, UplinkChoice } from '../contracts/host-network.ts';
import type { LeaseStore } from '../contracts/lease-store.ts';
import type { Log } from '../contracts/log.ts';
import type { NodeState, OtherInstance } from '../contracts/node-state.ts';
import type { PathProbe } from '../contracts/path-probe.ts';
import type { Random } from '../contracts/random.ts';
import type { Records } from '../contracts/records.ts';
import type { Supervisor } from '../contracts/supervisor.ts';
import type { Finding } from '../core/finding.ts';
import type { HostFile } from '../core/host-entry.ts';
import type { Instance } from '../core/instance.ts';
import type { Subnet } from '../core/subnet.ts';
import type { TunnelCounters } from '../core/tunnel-counters.ts';

export interface AgentOptions {
  readonly uplink: UplinkChoice;
  /** Path of subnet.env. */
  readonly subnetFile: string;
  /** What subnet.env named when the daemon started, if it was of this Network or of none that is known. */
  readonly subnetFromFile: Subnet | undefined;
  /** What leaves the Network is masqueraded by us; FLANNEL_IPMASQ says so. */
  readonly ipMasq: boolean;
  /** With source ports chosen at random, where the kernel can (NF_NAT_RANGE_PROTO_RANDOM_FULLY). */
  readonly ipMasqFullyRandom: boolean;
  /** Forwarded packets of the Network are accepted where something would drop them. */
  readonly acceptForwarded: boolean;
  /** How often the firewall is looked at where the kernel tells of no change. */
  readonly firewallResyncMs: number;
  /** Where the read-only HTTP server listens; undefined: nowhere. */
  readonly health: { readonly host: string; readonly port: number } | undefined;
  /** Where flannel's two questions of health are answered, and no others; undefined: nowhere. Cannot it listen there, the run ends. */
  readonly flannelHealth: { readonly host: string; readonly port: number } | undefined;
  /** The lease is renewed at least this long before its end. */
  readonly renewMarginMs: number;
  /** Unix socket for `status`, `explain`, `drain`, `wake`; undefined: none. */
  readonly controlSocket: string | undefined;
  /** Commands of the network config (Backend.Type extension) may be run. */
  readonly allowExtension: boolean;
  /** Take another subnet although something on this host still uses the old one. */
  readonly allowRenumber: boolean;
  /** A full pass at least this often, +-20 %. */
  readonly resyncMs: number;
  /** How long `drain` leaves peers to see that the lease is gone: what the slowest reader of the store takes. */
  readonly drainWaitMs: number;
  readonly version: string;
  readonly storeKind: string;
}

/** The cloud whose machine this host is. */
export interface CloudParts {
  readonly network: CloudNetwork;
  readonly inventory: Pick<CloudInventory, 'instances'>;
}

export interface AgentParts {
  readonly store: LeaseStore;
  readonly records: Records;
  readonly host: HostNetwork;
  readonly extension: HostExtension;
  readonly probe: PathProbe;
  readonly state: NodeState;
  /** Absent: in none, or in one whose routes are not programmed. */
  readonly cloud?: CloudParts;
  readonly instance: Instance;
  /** Other daemons of this host that run now. */
  otherInstances?(): Promise<readonly OtherInstance[]>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent: nobody waits to hear of us. */
  readonly supervisor?: Supervisor;
  readonly options: AgentOptions;
  /** Files that keep other programs from our devices, told their names. */
  guardFiles(links: readonly string[]): Promise<readonly HostFile[]>;
  /** What the user-space tunnel has carried; undefined while there is none. */
  tunnelCounters?(): TunnelCounters | undefined;
  /** What those programs do all the same; asked after each look at the whole host. */
  guardFindings?(): readonly Finding[];
}

/** How a run ended. */
export type AgentEnd =
  | { readonly how: 'stopped' }
  | { readonly how: 'drained' }
  | { readonly how: 'fenced'; readonly why: string };
