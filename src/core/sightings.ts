/**
 * Which owners have stopped renewing, judged as amazon-dynamodb-lock-client does: by how long *this* observer, on its own clock, has seen a
 * version unchanged. Nobody's clock is compared with another's.
 *
 * To be asked right after a look at the store alone: what is told of changes may lag or hang. The looks come at a sixth of the shortest TTL: with 1,000
 * leases of 24 h on 1,000 nodes that is, in DynamoDB, 180 read units each four hours and node, 32 million a month, 4 dollars (a quarter of what polling
 * the counter costs).
 */
import type { LeaseKey } from './lease.ts';

/** An owner renews at a third of its TTL; this much more, and it is not late but gone. */
const GRACE_MS = 5 * 60_000;
const LOOKS_PER_TTL = 6;
/** flanneld's own, which is constant; and of whoever does not say. */
const LONGEST_TTL_MS = 24 * 3_600_000;

interface Sighting {
  readonly version: string;
  readonly sinceMs: number;
}

export class Sightings {
  readonly #fraction: () => number;
  readonly #leastMs: number;
  readonly #seen = new Map<LeaseKey, Sighting>();
  readonly #ttlMs = new Map<LeaseKey, number>();

  /**
   * @param fraction by chance, from 0 up to 1
   * @param leastMs never look more often than this
   */
  constructor(fraction: () => number, leastMs: number) {
    this.#fraction = fraction;
    this.#leastMs = leastMs;
  }

  see(key: LeaseKey, version: string, nowMs: number): void {
    if (this.#seen.get(key)?.version !== version) this.#seen.set(key, { version, sinceMs: nowMs });
  }

  /** How long it lives without renewal; undefined: its owner does not say. */
  setTtl(key: LeaseKey, ttlMs: number | undefined): void {
    if (ttlMs === undefined) this.#ttlMs.delete(key);
    else this.#ttlMs.set(key, ttlMs);
  }

  forget(key: LeaseKey): void {
    this.#seen.delete(key);
    this.#ttlMs.delete(key);
  }

  expired(nowMs: number): ReadonlySet<LeaseKey> {
    const expired = new Set<LeaseKey>();
    for (const [key, { sinceMs }] of this.#seen)
      if (nowMs - sinceMs >= (this.#ttlMs.get(key) ?? LONGEST_TTL_MS) + GRACE_MS) expired.add(key);
    return expired;
  }

  /** Until everything is to be looked at again. */
  nextLookMs(): number {
    let shortest = LONGEST_TTL_MS;
    for (const ttlMs of this.#ttlMs.values()) shortest = Math.min(shortest, ttlMs);
    return Math.max(this.#leastMs, shortest / LOOKS_PER_TTL) * (0.8 + 0.4 * this.#fraction());
  }
}
