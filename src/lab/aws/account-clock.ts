/** The account's clock: the lab's, and as much ahead of it as somebody has put it. Whoever sleeps by it wakes when its time has come, either way. */
import type { LabClock } from './timeline.ts';

export class AccountClock implements LabClock {
  readonly #lab: LabClock;
  readonly #sleepers = new Set<AbortController>();
  #aheadMs = 0;

  constructor(lab: LabClock) {
    this.#lab = lab;
  }

  now(): number {
    return this.#lab.now() + this.#aheadMs;
  }

  wallTime(): number {
    return this.#lab.wallTime() + this.#aheadMs;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const until = this.now() + ms;
    for (let left = ms; ; left = until - this.now()) {
      const jumped = new AbortController();
      this.#sleepers.add(jumped);
      try {
        await this.#lab.sleep(left, AbortSignal.any([signal, jumped.signal]));
        return;
      } catch (error) {
        if (signal.aborted || !jumped.signal.aborted) throw error;
      } finally {
        this.#sleepers.delete(jumped);
      }
    }
  }

  /** Time that nobody has to wait for. */
  jump(ms: number): void {
    this.#aheadMs += ms;
    for (const jumped of this.#sleepers) jumped.abort();
  }
}
