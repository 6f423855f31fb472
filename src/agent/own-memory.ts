/** What the next run has to know of this one. A state directory that cannot be written is reported; it stops nothing. */
import type { NodeState, RememberedState } from '../contracts/node-state.ts';
import { overlaps, type Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import type { PassReport } from '../reconcile/pass-report.ts';
import { findingOf, type Findings } from './findings.ts';

/** Each is one more range to look at in each pass; a change whose routes went is forgotten. */
const MOST_PREVIOUS = 4;

export class OwnMemory {
  readonly #state: NodeState;
  readonly #findings: Findings;
  readonly #network: Subnet;
  #previous: readonly Subnet[];

  /** @param others Networks of other daemons of this host: one that they have now is theirs, with all routes in it */
  constructor(state: NodeState, findings: Findings, network: Subnet, others: readonly Subnet[]) {
    const { network: before, previousNetworks = [] } = state.remembered;
    this.#state = state;
    this.#findings = findings;
    this.#network = network;
    const all = new Set(before === undefined ? previousNetworks : [before, ...previousNetworks]);
    all.delete(network);
    const ours = [...all].filter((one) => !others.some((other) => overlaps(one, other)));
    this.#previous = ours.slice(0, MOST_PREVIOUS);
  }

  /** Networks before changes, the latest first, whose routes are still ours to remove. */
  get previousNetworks(): readonly Subnet[] {
    return this.#previous;
  }

  async keep({ lease, vtepMac }: Self, incarnation: number): Promise<void> {
    const previousNetworks = this.#previous;
    await this.#write({ incarnation, network: this.#network, subnet: lease.subnet.v4, vtepMac, previousNetworks });
  }

  /**
   * Nothing of ours stands in previous Networks any more, once a pass over all has removed all that it wanted to: another daemon may have them now. What it could
   * not make has nothing to do with them: a path that this host cannot have fails for ever.
   */
  async settle({ scope, failed, held }: Pick<PassReport, 'scope' | 'failed' | 'held'>): Promise<void> {
    const isTidy = scope === 'all' && held.length === 0 && failed.every(({ change }) => change.op === 'put');
    if (!isTidy || this.#previous.length === 0) return;
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
