/** What the suite of CloudNetwork needs from each cloud: a network with tables, two interfaces, and hands of others. */
import type { CloudNetwork } from '../../src/contracts/cloud-network.ts';
import type { Address } from '../../src/core/address.ts';
import type { Subnet } from '../../src/core/subnet.ts';
import type { ManualClock } from '../fakes/manual-clock.ts';

export interface CloudWorld {
  readonly cloud: CloudNetwork;
  /** Of whoever calls; what waits does so on it. */
  readonly clock: ManualClock;
  readonly network: string;
  /** This host. */
  readonly address: Address;
  readonly target: string;
  readonly subnet: string;
  /** Another interface of the same network. */
  readonly other: string;
  /** The table that this host's subnet uses by name, and the main one. */
  readonly table: string;
  readonly main: string;
  /** Somebody else's hand. */
  foreign(table: string, destination: Subnet, target: string): Promise<void>;
  /** "TABLE DESTINATION TARGET" of all routes in 10.42.0.0/16, sorted: what is true. */
  text(): string[];
  /** Calls that could change something, refused ones too. */
  mutations(): number;
  quota(table: string, more: number): Promise<void>;
  /** The next calls that change something are refused, or lose their answer. */
  refuse(code: 'CLOUD_DENIED' | 'CLOUD_THROTTLED' | 'CLOUD_UNREACHABLE', times: number): void;
  loseAnswers(times: number): void;
  close(): Promise<void>;
}
