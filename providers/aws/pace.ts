/**
 * What the calls of one process have learnt of the account's rate, which is everybody's: after a refusal calls are spaced out, wider with each further
 * one, and closer again with each that passes. By chance a little, so that two processes do not keep step.
 */
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';

const FIRST_MS = 100;
const WIDEST_MS = 2000;
const CLOSER = 0.8;

export class Pace {
  readonly #clock: Clock;
  readonly #random: Random;
  #spacingMs = 0;
  #nextAt = 0;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Waits for the next call's turn; as long as nothing was refused, not at all. */
  async turn(signal: AbortSignal): Promise<void> {
    if (this.#spacingMs === 0) return;
    const now = this.#clock.now();
    const at = Math.max(now, this.#nextAt);
    this.#nextAt = at + this.#spacingMs * (0.5 + this.#random.fraction());
    if (at > now) await this.#clock.sleep(at - now, signal);
  }

  passed(): void {
    this.#spacingMs = this.#spacingMs * CLOSER < FIRST_MS / 4 ? 0 : this.#spacingMs * CLOSER;
  }

  refused(): void {
    this.#spacingMs = Math.min(WIDEST_MS, Math.max(FIRST_MS, this.#spacingMs * 2));
  }
}
