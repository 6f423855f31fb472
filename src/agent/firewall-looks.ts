/**
 * When to look at the packet filter alone: when the kernel says that it has changed; and where it never says so (old iptables), by the clock, as flannel
 * does everywhere. Where it does say so there is nothing to be done in between.
 */
import type { Clock } from '../contracts/clock.ts';
import { FIREWALL } from '../reconcile/host-pass.ts';
import type { PassReport } from '../reconcile/pass-report.ts';
import type { Changed } from './loop.ts';

const ALONE: Changed = new Set([FIREWALL]);

export class FirewallLooks {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #wake: (changed: Changed) => void;
  #isSilent: boolean | undefined;

  constructor(parts: { readonly clock: Clock; readonly everyMs: number; readonly wake: (changed: Changed) => void }) {
    this.#clock = parts.clock;
    this.#everyMs = parts.everyMs;
    this.#wake = parts.wake;
  }

  /** Something in it has changed. Before the first pass there is nothing to compare it with, and that pass looks. */
  look(): void {
    if (this.#isSilent !== undefined) this.#wake(ALONE);
  }

  settle({ firewall }: Pick<PassReport, 'firewall'>): void {
    if (firewall !== undefined) this.#isSilent = firewall === 'is silent';
  }

  /** Runs until the signal fires (ABORTED). */
  async run(signal: AbortSignal): Promise<never> {
    for (;;) {
      await this.#clock.sleep(this.#everyMs, signal);
      if (this.#isSilent === true) this.#wake(ALONE);
    }
  }
}
