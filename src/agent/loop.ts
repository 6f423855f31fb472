/**
 * When to make a pass. Wakes carry no state: they say where to look again, never what is there. Many that come together make one pass.
 *
 *   wake ──► pending ──► rest since the last pass over? ──► pending cleared ──► pass ──► failed: all again after a pause
 *                ▲                                                                  ├──► held: all again when the hold ends
 *                └── resync, +-20 % ◄───────────────────────────────────────────────┘
 */
import type { Clock } from '../contracts/clock.ts';
import type { Random } from '../contracts/random.ts';
import { backoffMs } from '../core/backoff.ts';
import type { LeaseKey } from '../core/lease.ts';
import { FIREWALL, type PassInput } from '../reconcile/host-pass.ts';
import { Bell } from '../core/bell.ts';

/** Which leases to look at, or the packet filter. */
export type Changed = PassInput['changed'];
type Few = Set<LeaseKey | typeof FIREWALL>;

export interface PassResult {
  /** How many leases it looked at. */
  readonly scope: 'all' | number;
  /** The pass, or one of its changes, did not work. */
  readonly failed: boolean;
  /** Milliseconds until what was held back may go. */
  readonly heldForMs: number | undefined;
}

export interface LoopParts {
  readonly clock: Clock;
  readonly random: Random;
  /** A pass over everything at least this often, +-20 %. */
  readonly resyncMs: number;
  /** Never called twice at once. Rejects only to end the loop. */
  pass(changed: Changed, signal: AbortSignal): Promise<PassResult>;
}

/** Between two passes lies at least this, and at least as long as the pass took: a storm of wakes costs half a core at most. */
const REST_MS = 50;

/** A pass over so few leases costs little, however long it waited for others to let it. */
const CHEAP_LEASES = 64;
const isCheap = ({ scope }: PassResult): boolean => scope !== 'all' && scope <= CHEAP_LEASES;

const RETRY = { baseMs: 1000, capMs: 30_000, floorMs: 250 };

export class Loop {
  readonly #parts: LoopParts;
  readonly #bell = new Bell();
  #pending: 'all' | Few | undefined;
  #restUntilMs = -Infinity;
  #resyncAtMs = Infinity;
  #retryAtMs = Infinity;
  #heldAtMs = Infinity;
  #failures = 0;

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  wake(changed: Changed): void {
    if (changed === 'all') this.#pending = 'all';
    else if (this.#pending !== 'all') {
      this.#pending ??= new Set<LeaseKey | typeof FIREWALL>();
      for (const key of changed) this.#pending.add(key);
    }
    this.#bell.ring();
  }

  /** Runs until the signal fires (ABORTED) or a pass rejects. The first pass comes with the first wake. */
  async run(signal: AbortSignal): Promise<never> {
    const { clock, pass } = this.#parts;
    for (;;) {
      const changed = await this.#due(signal);
      const startedMs = clock.now();
      const result = await pass(changed, signal);
      const nowMs = clock.now();
      // To look at the packet filter means to start programs, however few leases there are.
      const isDear = changed === 'all' || changed.has(FIREWALL) || !isCheap(result);
      this.#restUntilMs = nowMs + (isDear ? Math.max(REST_MS, nowMs - startedMs) : REST_MS);
      this.#plan(changed === 'all', result, nowMs);
    }
  }

  /** What to look at, when it is time to; cleared before anything is observed, so that a wake during the pass makes another. */
  async #due(signal: AbortSignal): Promise<Changed> {
    const { clock } = this.#parts;
    for (;;) {
      const nowMs = clock.now();
      if (nowMs >= this.#timerMs()) this.#pending = 'all';
      const changed = this.#pending;
      if (changed === undefined) await this.#bell.wait(clock, this.#timerMs() - nowMs, signal);
      else if (nowMs < this.#restUntilMs) await clock.sleep(this.#restUntilMs - nowMs, signal);
      else {
        this.#pending = undefined;
        return changed;
      }
    }
  }

  #timerMs(): number {
    return Math.min(this.#resyncAtMs, this.#retryAtMs, this.#heldAtMs);
  }

  #plan(all: boolean, result: PassResult, nowMs: number): void {
    const { random, resyncMs } = this.#parts;
    // A pass over a few leases says nothing of the others: only one over all takes a timer back.
    if (all) {
      this.#resyncAtMs = nowMs + resyncMs * (0.8 + 0.4 * random.fraction());
      this.#retryAtMs = Infinity;
      this.#heldAtMs = Infinity;
      if (!result.failed) this.#failures = 0;
    }
    if (result.failed) {
      this.#failures += 1;
      this.#retryAtMs = Math.min(this.#retryAtMs, nowMs + backoffMs(this.#failures, random.fraction(), RETRY));
    }
    if (result.heldForMs !== undefined) this.#heldAtMs = Math.min(this.#heldAtMs, nowMs + result.heldForMs);
  }
}
