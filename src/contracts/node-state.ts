import type { MacAddress } from '../core/mac.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Subnet } from '../core/subnet.ts';

/** What this daemon must know of itself after a restart. */
export interface RememberedState {
  readonly node: NodeId;
  /** Counts starts; the current run's number. */
  readonly incarnation: number;
  readonly network?: Subnet;
  /** The Network before a change, whose routes are still ours to remove. */
  readonly previousNetwork?: Subnet;
  readonly subnet?: Subnet;
  /** MAC of our vxlan device. */
  readonly vtepMac?: MacAddress;
  /** X25519 private key of probes, base64url. A secret. */
  readonly probeKey?: string;
}

/** `undefined` forgets: a subnet that was released, a Network whose last route is gone. */
export type RememberedChanges = Partial<Pick<RememberedState, 'node' | 'incarnation'>> & {
  readonly [Name in 'network' | 'previousNetwork' | 'subnet' | 'vtepMac' | 'probeKey']?:
    | RememberedState[Name]
    | undefined;
};

/** The state file of one instance, locked while the daemon runs. Writes are atomic: the file before or the file after. */
export interface NodeState {
  readonly remembered: RememberedState;
  remember(changes: RememberedChanges): Promise<void>;
}
