/**
 * Is a machine one of the network's? EC2 tells of every instance of the account, and a run takes seconds, one at a time: what concerns nobody here must not
 * wait before what does. Of a machine that has no lease any more the next run by the clock takes what is left.
 */
import type { Clock } from '../src/contracts/clock.ts';
import type { LeaseStore } from '../src/contracts/lease-store.ts';

/**
 * A look at the leases answers for so long: a fleet of strangers that comes or goes costs a few looks, and not one each. Of a machine that got its lease
 * since, no event but its end can come within so short a time, and that the next run sees for itself.
 */
const FRESH_MS = 10_000;

interface Look {
  readonly nodes: ReadonlySet<string>;
  readonly atMs: number;
  readonly wallMs: number;
}

/** One for a process. */
export class KnownMachines {
  readonly #store: Pick<LeaseStore, 'watch'>;
  readonly #clock: Pick<Clock, 'now' | 'wallTime'>;
  #last: Look | undefined;

  constructor(store: Pick<LeaseStore, 'watch'>, clock: Pick<Clock, 'now' | 'wallTime'>) {
    this.#store = store;
    this.#clock = clock;
  }

  async has(instance: string, signal: AbortSignal): Promise<boolean> {
    if (this.#last === undefined || !this.#isFresh(this.#last)) this.#last = await this.#look(signal);
    return this.#last.nodes.has(instance);
  }

  /** Leases may be others now. */
  forget(): void {
    this.#last = undefined;
  }

  /** By both clocks: between two events the whole machine may be frozen, and with it the one that never jumps. */
  #isFresh({ atMs, wallMs }: Look): boolean {
    const wallAgeMs = this.#clock.wallTime() - wallMs;
    return this.#clock.now() - atMs < FRESH_MS && wallAgeMs >= 0 && wallAgeMs < FRESH_MS;
  }

  async #look(signal: AbortSignal): Promise<Look> {
    const began = { atMs: this.#clock.now(), wallMs: this.#clock.wallTime() };
    const enough = new AbortController();
    let trouble: unknown;
    const failed = (error: unknown): void => {
      trouble = error;
      if (error !== undefined) enough.abort();
    };
    try {
      for await (const { view } of this.#store.watch(AbortSignal.any([signal, enough.signal]), failed)) {
        const nodes = [...view.leases.values()].flatMap(({ attributes }) => attributes.weft?.node ?? []);
        return { ...began, nodes: new Set<string>(nodes) };
      }
    } finally {
      enough.abort();
    }
    throw trouble ?? signal.reason;
  }
}
