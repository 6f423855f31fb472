/** Waits in the lab: the world is looked at until it is as it should be, never slept for. */
import { setTimeout as delay } from 'node:timers/promises';
import { WeftError } from '../core/errors.ts';

const LOOK_EVERY_MS = 15;

/** What a look found: the thing itself, or why it is not there yet. */
export type Look<T> = { readonly found: T } | { readonly missing: string };

/** Rejects with LAB_FAILED, naming what was still missing, when it does not come about within `withinMs`. */
export async function eventually<T>(
  what: string,
  withinMs: number,
  look: () => Look<T> | Promise<Look<T>>,
  signal: AbortSignal,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    signal.throwIfAborted();
    const seen = await look();
    if ('found' in seen) return seen.found;
    if (performance.now() > deadline) {
      throw new WeftError('LAB_FAILED', `${what}: not within ${withinMs / 1000} s: ${seen.missing}`);
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
}
