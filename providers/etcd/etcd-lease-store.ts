/** `LeaseStore` in etcd. */
import type { Claimed, ClaimWish, LeaseStore, ViewChange } from '../../src/contracts/lease-store.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Lease, LeaseAttributes, StoredConfig } from '../../src/core/lease.ts';
import { claim } from './claim.ts';
import { NO_LEASE, type Etcd } from './etcd.ts';
import { following } from './following.ts';
import { LeaseFollower, storedConfig } from './lease-follower.ts';
import { release, renew } from './ownership.ts';
import { standsAs } from './version.ts';

export class EtcdLeaseStore implements LeaseStore {
  readonly #etcd: Etcd;

  constructor(etcd: Etcd) {
    this.#etcd = etcd;
  }

  async config(signal: AbortSignal): Promise<StoredConfig | undefined> {
    const entry = await this.#etcd.get(this.#etcd.keys.config, signal);
    return entry === undefined ? undefined : storedConfig(entry);
  }

  async writeConfig(
    text: string,
    ifVersion: string | 'absent' | undefined,
    signal: AbortSignal,
  ): Promise<StoredConfig> {
    const key = this.#etcd.keys.config;
    const transaction = {
      doing: 'write the network config',
      checks: standsAs(key, ifVersion),
      writes: [{ put: key, value: text, lease: NO_LEASE }],
      look: key,
    };
    const outcome = await (ifVersion === undefined
      ? this.#etcd.transact(transaction, signal)
      : this.#etcd.transactOnce(transaction, signal));
    if (outcome.done) return { text, version: String(outcome.revision) };
    throw new WeftError(
      'RECORD_CHANGED',
      `the network config stands otherwise: expected ${ifVersion === 'absent' ? 'none' : `version ${ifVersion}`}; nothing was written`,
    );
  }

  watch(signal: AbortSignal, onTrouble: (error: unknown) => void = () => undefined): AsyncIterable<ViewChange> {
    return following(this.#etcd, () => new LeaseFollower(this.#etcd, onTrouble), signal);
  }

  claim(wish: ClaimWish, signal: AbortSignal): Promise<Claimed> {
    return claim(this.#etcd, wish, signal);
  }

  renew(lease: Lease, attributes: LeaseAttributes, ttlMs: number, signal: AbortSignal): Promise<Lease> {
    return renew(this.#etcd, lease, attributes, ttlMs, signal);
  }

  release(lease: Lease, signal: AbortSignal): Promise<void> {
    return release(this.#etcd, lease, signal);
  }
}
