/** What the next run has to know of this one. A state directory that cannot be written is reported; it stops nothing. */
import type { NodeState, RememberedState } from '../contracts/node-state.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import { findingOf, type Findings } from './findings.ts';

/** Each is one more range to look at in each pass; a change whose routes went is forgotten. */
const MOST_PREVIOUS = 4;

export class OwnMemory {
  readonly #state: NodeState;
  readonly #findings: Findings;
  readonly #network: Subnet;
  #previous: readonly Subnet[];

  constructor(state: NodeState, findings: Findings, network: Subnet) {
    const { network: before, previousNetworks = [] } = state.remembered;
    this.#state = state;
    this.#findings = findings;
    this.#network = network;
    const all = new Set(before === undefined ? previousNetworks : [before, ...previousNetworks]);
    all.delete(network);
    this.#previous = [...all].slice(0, MOST_PREVIOUS);
  }

  /** Networks before changes, the latest first, whose routes are still ours to remove. */
  get previousNetworks(): readonly Subnet[] {
    return this.#previous;
  }

  async keep({ lease, vtepMac }: Self, incarnation: number): Promise<void> {
    const previousNetworks = this.#previous;
    await this.#write({ incarnation, network: this.#network, subnet: lease.subnet.v4, vtepMac, previousNetworks });
  }

  /** Nothing of ours stands in previous Networks any more: another daemon may have them now. */
  async dropPrevious(): Promise<void> {
    if (this.#previous.length === 0) return;
    this.#previous = [];
    await this.#write({ previousNetworks: [] });
  }

  async #write(now: Partial<RememberedState>): Promise<void> {
    const before: Partial<RememberedState> = this.#state.remembered;
    const keys = Object.keys(now) as (keyof RememberedState)[];
    if (keys.every((key) => isSame(before[key], now[key]))) return;
    try {
      await this.#state.remember(now);
      this.#findings.clear('state');
    } catch (error) {
      this.#findings.set('state', [findingOf(error)]);
    }
  }
}

/** Also of lists; none is an empty one. */
const isSame = (a: RememberedState[keyof RememberedState], b: RememberedState[keyof RememberedState]): boolean =>
  a === b || JSON.stringify(a ?? []) === JSON.stringify(b ?? []);
