import type { MacAddress } from '../core/mac.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Subnet } from '../core/subnet.ts';

/** What this daemon must know of itself after a restart. */
export interface RememberedState {
  readonly node: NodeId;
  /** Counts starts; the current run's number. */
  readonly incarnation: number;
  readonly network?: Subnet;
  /** Networks before changes, the latest first, whose routes are still ours to remove. */
  readonly previousNetworks?: readonly Subnet[];
  readonly subnet?: Subnet;
  /** MAC of our vxlan device. */
  readonly vtepMac?: MacAddress;
  /** X25519 private key of probes, base64url. A secret. */
  readonly probeKey?: string;
}

/** `undefined` forgets: a subnet that was released, Networks whose last routes are gone. */
export type RememberedChanges = Partial<Pick<RememberedState, 'node' | 'incarnation'>> & {
  readonly [Name in 'network' | 'previousNetworks' | 'subnet' | 'vtepMac' | 'probeKey']?:
    | RememberedState[Name]
    | undefined;
};

/** Another daemon of this host that runs. */
export interface OtherInstance {
  /** Its folder in the state directory. */
  readonly folder: string;
  readonly network: Subnet;
  /** Networks before changes, whose routes it still removes. */
  readonly previousNetworks: readonly Subnet[];
}

/** The state file of one instance, locked while the daemon runs. Writes are atomic: the file before or the file after. */
export interface NodeState {
  readonly remembered: RememberedState;
  remember(changes: RememberedChanges): Promise<void>;
}
