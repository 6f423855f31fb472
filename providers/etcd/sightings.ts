/**
 * Which owners have stopped renewing though etcd still has their leases (a new leader, and each restart, gives all leases their whole TTL again),
 * judged by how long *this* observer, on its own clock, has seen a key unchanged, and only right after a look at the store that found it so.
 */
import type { Random } from '../../src/contracts/random.ts';
import type { LeaseKey } from '../../src/core/lease.ts';
import type { LeasedRow } from './lease-rows.ts';

/** An owner renews at a third of its TTL; this much more, and it is not late but gone. */
const GRACE_MS = 5 * 60_000;
const LOOKS_PER_TTL = 6;
/** flanneld's own, which is constant. */
const LONGEST_TTL_MS = 24 * 3_600_000;
const SHORTEST_LOOK_MS = 10_000;

interface Sighting {
  readonly modified: number;
  readonly sinceMs: number;
}

export class Sightings {
  readonly #random: Random;
  readonly #seen = new Map<LeaseKey, Sighting>();
  readonly #ttlMs = new Map<LeaseKey, number>();

  constructor(random: Random) {
    this.#random = random;
  }

  see({ lease, modified, forEver }: LeasedRow, nowMs: number): void {
    if (forEver) this.forget(lease.key);
    else if (this.#seen.get(lease.key)?.modified !== modified) this.#seen.set(lease.key, { modified, sinceMs: nowMs });
  }

  forget(key: LeaseKey): void {
    this.#seen.delete(key);
  }

  /** As far as the owners say; it stands beside the leases, and is read when those are listed. */
  setTtls(ttls: Iterable<readonly [LeaseKey, number]>): void {
    this.#ttlMs.clear();
    for (const [key, ttlMs] of ttls) this.#ttlMs.set(key, ttlMs);
  }

  expired(nowMs: number): ReadonlySet<LeaseKey> {
    const expired = new Set<LeaseKey>();
    for (const [key, { sinceMs }] of this.#seen)
      if (nowMs - sinceMs >= (this.#ttlMs.get(key) ?? LONGEST_TTL_MS) + GRACE_MS) expired.add(key);
    return expired;
  }

  /** Until everything is to be listed again. */
  nextLookMs(): number {
    let shortest = LONGEST_TTL_MS;
    for (const ttlMs of this.#ttlMs.values()) shortest = Math.min(shortest, ttlMs);
    return Math.max(SHORTEST_LOOK_MS, shortest / LOOKS_PER_TTL) * (0.8 + 0.4 * this.#random.fraction());
  }
}
