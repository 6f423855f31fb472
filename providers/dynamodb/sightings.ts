/**
 * Which owners have stopped renewing, judged as amazon-dynamodb-lock-client does: by how long *this* observer, on its own clock, has seen a
 * version unchanged. Nobody's clock is compared with another's.
 *
 * Renewals stand in the rows alone, so the rows are read again at a sixth of the shortest TTL: with 1,000 leases of 24 h on 1,000 nodes
 * that is 180 read units each four hours and node, 32 million a month, 4 dollars (a quarter of what polling the counter costs).
 */
import type { Random } from '../../src/contracts/random.ts';
import type { LeaseKey } from '../../src/core/lease.ts';
import type { LeasedRow } from './rows.ts';

/** An owner renews at a third of its TTL; this much more, and it is not late but gone. */
const GRACE_MS = 5 * 60_000;
const LOOKS_PER_TTL = 6;
const LONGEST_TTL_MS = 24 * 3_600_000;

interface Sighting {
  readonly version: string;
  readonly sinceMs: number;
  readonly ttlMs: number;
}

export class Sightings {
  readonly #random: Random;
  readonly #leastMs: number;
  readonly #seen = new Map<LeaseKey, Sighting>();

  /** `leastMs`: never look more often than this. */
  constructor(random: Random, leastMs: number) {
    this.#random = random;
    this.#leastMs = leastMs;
  }

  see({ lease, ttlMs }: LeasedRow, nowMs: number): void {
    const before = this.#seen.get(lease.key);
    if (before?.version !== lease.version || before.ttlMs !== ttlMs)
      this.#seen.set(lease.key, { version: lease.version, sinceMs: nowMs, ttlMs });
  }

  forget(key: LeaseKey): void {
    this.#seen.delete(key);
  }

  expired(nowMs: number): ReadonlySet<LeaseKey> {
    const expired = new Set<LeaseKey>();
    for (const [key, { sinceMs, ttlMs }] of this.#seen) if (nowMs - sinceMs >= ttlMs + GRACE_MS) expired.add(key);
    return expired;
  }

  /** Until the rows are to be read again. */
  nextLookMs(): number {
    let shortest = LONGEST_TTL_MS;
    for (const { ttlMs } of this.#seen.values()) shortest = Math.min(shortest, ttlMs);
    return Math.max(this.#leastMs, shortest / LOOKS_PER_TTL) * (0.8 + 0.4 * this.#random.fraction());
  }
}
