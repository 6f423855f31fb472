/** Leases whose owners have fallen silent are freed by whoever comes first; chance spreads the nodes, so that not all try at once. */
import type { Clock } from '../contracts/clock.ts';
import type { LeaseStore } from '../contracts/lease-store.ts';
import type { Log } from '../contracts/log.ts';
import type { Random } from '../contracts/random.ts';
import { asWeftError } from '../core/errors.ts';
import type { Lease, LeaseView } from '../core/lease.ts';
import type { Subnet } from '../core/subnet.ts';
import { Bell } from '../core/bell.ts';

export interface ExpiredParts {
  readonly store: LeaseStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly own: () => Lease;
  /** Peers that answer probes are alive, whatever the store says. */
  readonly answering: () => ReadonlySet<Subnet>;
}

/**
 * Whoever was cut off from the store, was so with us perhaps, and could not renew: it is given time to, three of its longest pauses between two
 * attempts, before its silence counts.
 */
const RETURN_MS = 180_000;

/** Of a thousand nodes the first comes within a second, and its release is in everybody's view before the tenth comes. */
const SPREAD_MS = 300_000;
const SHORTEST_MS = 1000;

export class ExpiredLeases {
  readonly #parts: ExpiredParts;
  readonly #bell = new Bell();
  #view: LeaseView | undefined;
  /** What has been freed, or is not as it was seen: a view that lags behind shows it still. */
  readonly #settled = new Set<Lease>();
  #notBeforeMs = -Infinity;

  constructor(parts: ExpiredParts) {
    this.#parts = parts;
  }

  see(view: LeaseView): void {
    this.#view = view;
    for (const lease of this.#settled) if (view.leases.get(lease.key) !== lease) this.#settled.delete(lease);
    if (view.expired.size > 0) this.#bell.ring();
  }

  /** The store could not be reached just now. */
  lostTouch(): void {
    this.#notBeforeMs = this.#parts.clock.now() + RETURN_MS;
  }

  /** Runs until the signal fires (ABORTED). */
  async run(signal: AbortSignal): Promise<never> {
    const { clock, random } = this.#parts;
    for (;;) {
      if (this.#due().length === 0) await this.#bell.wait(clock, Infinity, signal);
      else {
        await clock.sleep(SHORTEST_MS + SPREAD_MS * random.fraction(), signal);
        if (clock.now() < this.#notBeforeMs) continue;
        for (const lease of this.#due()) await this.#release(lease, signal);
      }
    }
  }

  #due(): readonly Lease[] {
    const { own, answering } = this.#parts;
    const view = this.#view;
    if (view === undefined) return [];
    return [...view.expired].flatMap((key) => {
      const lease = view.leases.get(key);
      if (lease === undefined || this.#settled.has(lease)) return [];
      return key === own().key || answering().has(lease.subnet.v4) ? [] : [lease];
    });
  }

  async #release(lease: Lease, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    const fields = { peer: lease.attributes.weft?.node ?? lease.attributes.publicIP, subnet: lease.subnet.v4 };
    try {
      await store.release(lease, signal);
      this.#settled.add(lease);
      log.info(fields, 'lease of a silent peer is freed');
    } catch (error) {
      if (signal.aborted) throw error;
      const { code } = asWeftError(error);
      if (code === 'RECORD_CHANGED') this.#settled.add(lease);
      log.debug({ ...fields, code }, 'lease of a silent peer is not freed');
    }
  }
}
