/**
 * How long something takes, as far as this machine ran meanwhile. One that stands still for a second, or is given to others, is no news of what is measured:
 * of a beat that comes late only a little counts.
 */

const BEAT_MS = 10;
/** More than a beat takes, and than the scheduler lets one wait on a core that has enough to do. */
const LATE_MS = 50;

export class Stopwatch {
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #lastMs: number;
  #ms = 0;

  /** It runs. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#lastMs = now();
    this.#timer = setInterval(() => this.beat(), BEAT_MS);
    this.#timer.unref();
  }

  get ms(): number {
    this.beat();
    return this.#ms;
  }

  beat(): void {
    const now = this.#now();
    this.#ms += Math.min(now - this.#lastMs, LATE_MS);
    this.#lastMs = now;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
