/** By how long one observer has seen versions unchanged, on its own clock. */
import type { LeaseKey } from '../../src/core/lease.ts';
import type { HeldLease } from './memory-network.ts';

const GRACE_MS = 5 * 60_000;

export class MemorySightings {
  #seen = new Map<LeaseKey, { readonly version: string; readonly sinceMs: number; readonly untilMs: number }>();

  /** Takes what stands now, and says which of it has stood too long. */
  expired(held: readonly HeldLease[], nowMs: number): ReadonlySet<LeaseKey> {
    const before = this.#seen;
    this.#seen = new Map();
    const expired = new Set<LeaseKey>();
    for (const { lease, ttlMs } of held) {
      const old = before.get(lease.key);
      const sinceMs = old?.version === lease.version ? old.sinceMs : nowMs;
      const untilMs = sinceMs + ttlMs + GRACE_MS;
      this.#seen.set(lease.key, { version: lease.version, sinceMs, untilMs });
      if (nowMs >= untilMs) expired.add(lease.key);
    }
    return expired;
  }

  /** Until the next one may be due; undefined: none will be. */
  nextMs(nowMs: number): number | undefined {
    const waits = [...this.#seen.values()].map(({ untilMs }) => untilMs - nowMs).filter((ms) => ms > 0);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }
}
