/** A process that is paused as a whole: nothing of it goes on, neither what it was doing nor its heartbeats, while the world does. */
import type { Tap } from './tapped.ts';

export class Freezer {
  #thawed: Promise<void> = Promise.resolve();
  #thaw: () => void = () => undefined;

  freeze(): void {
    this.#thawed = new Promise((resolve) => (this.#thaw = resolve));
  }

  thaw(): void {
    this.#thaw();
  }

  /** To be put into each of its seams. */
  readonly tap: Tap = async (_what, work) => {
    await this.#thawed;
    const result = await work();
    await this.#thawed;
    return result;
  };
}
