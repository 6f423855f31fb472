/** What the next run has to know of this one. A state directory that cannot be written is reported; it stops nothing. */
import type { NodeState, RememberedState } from '../contracts/node-state.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import { findingOf, type Findings } from './findings.ts';

export class OwnMemory {
  readonly #state: NodeState;
  readonly #findings: Findings;
  #network: Subnet;
  #previous: Subnet | undefined;

  constructor(state: NodeState, findings: Findings, network: Subnet) {
    const { network: before, previousNetwork } = state.remembered;
    this.#state = state;
    this.#findings = findings;
    this.#network = network;
    this.#previous = before === undefined || before === network ? previousNetwork : before;
  }

  /** The Network before a change, whose routes are still ours to remove. */
  get previousNetwork(): Subnet | undefined {
    return this.#previous === this.#network ? undefined : this.#previous;
  }

  async keep({ lease, vtepMac }: Self, incarnation: number): Promise<void> {
    const previous = this.previousNetwork;
    const now: Partial<RememberedState> = {
      incarnation,
      network: this.#network,
      subnet: lease.subnet.v4,
      vtepMac,
      ...(previous === undefined ? {} : { previousNetwork: previous }),
    };
    await this.#write(now);
  }

  /** Nothing of ours stands in the previous Network any more: another daemon may have it now. */
  async dropPrevious(): Promise<void> {
    if (this.previousNetwork === undefined) return;
    // The state file keeps what it is not told anew, so "none" is written as the Network itself.
    this.#previous = this.#network;
    await this.#write({ previousNetwork: this.#network });
  }

  async #write(now: Partial<RememberedState>): Promise<void> {
    const before: Partial<RememberedState> = this.#state.remembered;
    const keys = Object.keys(now) as (keyof RememberedState)[];
    if (keys.every((key) => before[key] === now[key])) return;
    try {
      await this.#state.remember(now);
      this.#findings.clear('state');
    } catch (error) {
      this.#findings.set('state', [findingOf(error)]);
    }
  }
}
