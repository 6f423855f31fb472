/**
 * When to look at the cloud's tables. All nodes of an account share its rate of calls (CLOUD.md 1.4), so looks are rare: at the start, when something is
 * to be written, when somebody doubts, and else by the clock.
 */
import type { Clock } from '../contracts/clock.ts';
import type { Random } from '../contracts/random.ts';
import { backoffMs } from '../core/backoff.ts';

const INTERVAL_MS = 15 * 60_000;
/** Up to so many nodes each keeps the interval; beyond, the calls of all together stay as many as theirs. */
const NODES_AT_INTERVAL = 250;
/** New routes of all nodes at once come at the rate at which the cloud takes them: 5 a second. */
const SPREAD_PER_NODE_MS = 200;
const LONGEST_SPREAD_MS = 5 * 60_000;
/** Looks for doubts: so many at once, then one in so long. A path that comes and goes must not cost calls without end. */
const DOUBTS_AT_ONCE = 3;
const DOUBT_GAP_MS = 2 * 60_000;
/** What is refused for good costs fewer calls in the end than looks that find nothing: such a look takes four instead of two. Trouble passes. */
const LONGEST_PAUSE_MS = { refused: 2 * INTERVAL_MS, troubled: INTERVAL_MS / 3 } as const;

/** How a look ended: nothing is left to do, what is left is refused, or something may go better next time. */
export type LookEnd = 'settled' | keyof typeof LONGEST_PAUSE_MS;

export class CloudSchedule {
  readonly #clock: Clock;
  readonly #random: Random;
  #dueMs = -Infinity;
  /** When the looks that doubts have called for will be paid off, one in each gap. */
  #doubtsPaidMs = -Infinity;
  #failures = 0;
  #suspectMs = Infinity;
  #doubted = false;
  /** There are doubts that no look was called for yet. */
  #unpaid = false;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Until the next look; 0 or less: now. */
  get waitMs(): number {
    return Math.min(this.#dueMs, this.#suspectMs) - this.#clock.now();
  }

  /** Something is to be written, perhaps by every node. */
  spread(nodes: number): void {
    this.#by(this.#clock.now() + this.#spreadMs(nodes));
  }

  /** Of a path that went down, perhaps for every node at once. */
  doubt(nodes: number): void {
    this.#doubted = true;
    this.#unpaid = true;
    const allowedMs = this.#doubtsPaidMs - (DOUBTS_AT_ONCE - 1) * DOUBT_GAP_MS;
    this.#by(Math.max(this.#clock.now(), allowedMs) + this.#spreadMs(nodes));
  }

  /** The look that was to settle it has failed: the next one has to, at no further cost. */
  stillDoubted(): void {
    this.#doubted = true;
  }

  /** Did somebody doubt since the look before? */
  get doubted(): boolean {
    return this.#doubted;
  }

  /** Something seems to be wrong that may be old news: a look, unless it comes right before. */
  suspect(isWrong: boolean, patienceMs: number): void {
    this.#suspectMs = isWrong ? Math.min(this.#suspectMs, this.#clock.now() + patienceMs) : Infinity;
  }

  /** A person asks. */
  now(): void {
    this.#failures = 0;
    this.#dueMs = -Infinity;
  }

  /** Called when a look begins: what comes up while it is under way makes another. */
  begin(): void {
    this.#dueMs = Infinity;
    this.#suspectMs = Infinity;
    if (this.#unpaid) this.#doubtsPaidMs = Math.max(this.#doubtsPaidMs, this.#clock.now()) + DOUBT_GAP_MS;
    this.#unpaid = false;
    this.#doubted = false;
  }

  end(how: LookEnd, nodes: number): void {
    this.#failures = how === 'settled' ? 0 : this.#failures + 1;
    const fraction = this.#random.fraction();
    this.#by(
      this.#clock.now() +
        (how === 'settled'
          ? INTERVAL_MS * Math.max(1, nodes / NODES_AT_INTERVAL) * (0.8 + 0.4 * fraction)
          : growing(this.#failures, fraction, LONGEST_PAUSE_MS[how])),
    );
  }

  #spreadMs(nodes: number): number {
    return Math.min(nodes * SPREAD_PER_NODE_MS, LONGEST_SPREAD_MS) * this.#random.fraction();
  }

  #by(ms: number): void {
    this.#dueMs = Math.min(this.#dueMs, ms);
  }
}

/** At least half of the longest: what is refused for good must not cost calls by chance. */
const growing = (failures: number, fraction: number, capMs: number): number =>
  backoffMs(failures, 0.5 + fraction / 2, { baseMs: 10_000, capMs, floorMs: 2000 });
