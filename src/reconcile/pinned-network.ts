/**
 * The store of nodes that are not trusted with the network config. Whoever may write leases may write the config too, for it stands beside them, and IAM
 * cannot tell the rows apart: with another Network in it a node that is broken into could have routes to anybody's addresses written to itself. Whose
 * config strays from the range that the reconciler was given is told so, and nothing is written.
 */
import type { Claimed, ClaimWish, LeaseStore, ViewChange } from '../contracts/lease-store.ts';
import { WeftError } from '../core/errors.ts';
import type { Lease, LeaseAttributes, StoredConfig } from '../core/lease.ts';
import { readNetworkConfig } from '../core/parse-network-config.ts';
import { contains, type Subnet } from '../core/subnet.ts';

export class PinnedNetwork implements LeaseStore {
  readonly #store: LeaseStore;
  readonly #within: Subnet;

  constructor(store: LeaseStore, within: Subnet) {
    this.#store = store;
    this.#within = within;
  }

  async config(signal: AbortSignal): Promise<StoredConfig | undefined> {
    return this.#seen(await this.#store.config(signal));
  }

  writeConfig(text: string, ifVersion: string | 'absent' | undefined, signal: AbortSignal): Promise<StoredConfig> {
    return this.#store.writeConfig(text, ifVersion, signal);
  }

  /** Ends with CONFIG_INVALID at the first view with a config that strays. */
  async *watch(...asked: Parameters<LeaseStore['watch']>): AsyncGenerator<ViewChange> {
    for await (const change of this.#store.watch(...asked)) {
      this.#seen(change.view.config);
      yield change;
    }
  }

  claim(wish: ClaimWish, signal: AbortSignal): Promise<Claimed> {
    return this.#store.claim(wish, signal);
  }

  renew(lease: Lease, attributes: LeaseAttributes, ttlMs: number, signal: AbortSignal): Promise<Lease> {
    return this.#store.renew(lease, attributes, ttlMs, signal);
  }

  release(lease: Lease, signal: AbortSignal): Promise<void> {
    return this.#store.release(lease, signal);
  }

  /** What else is wrong with it is told by who reads it. */
  #seen(stored: StoredConfig | undefined): StoredConfig | undefined {
    const range = stored === undefined ? undefined : readNetworkConfig(stored.text).config?.v4.network;
    if (range === undefined || contains(this.#within, range)) return stored;
    throw new WeftError(
      'CONFIG_INVALID',
      `Network ${range} of the network config lies outside ${this.#within}, in which alone routes are kept`,
      {
        hint: 'Put the config right, or the range (WEFT_WITHIN of the function, --within of weftd reconcile); a config that nobody of you has changed was changed by a node.',
      },
    );
  }
}
