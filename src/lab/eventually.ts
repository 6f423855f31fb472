/** Waits in the lab: the world is looked at until it is as it should be, never slept for. */
import { setTimeout as delay } from 'node:timers/promises';
import { WeftError } from '../core/errors.ts';

const LOOK_EVERY_MS = 15;
/**
 * What a turn counts at most. A machine that stalls gives no time to those that are waited for either, so a stall is not held against them; and where each look takes
 * long there are as many looks as elsewhere.
 */
const TURN_MS = 250;

/** What a look found: the thing itself, or why it is not there yet. */
export type Look<T> = { readonly found: T } | { readonly missing: string };

/** Rejects with LAB_FAILED, naming what was still missing, when it does not come about within `withinMs`. */
export async function eventually<T>(
  what: string,
  withinMs: number,
  look: () => Look<T> | Promise<Look<T>>,
  signal: AbortSignal,
): Promise<T> {
  let waitedMs = 0;
  for (;;) {
    signal.throwIfAborted();
    const startMs = performance.now();
    const seen = await look();
    if ('found' in seen) return seen.found;
    // The last look begins when the time is over, not before.
    if (waitedMs > withinMs) {
      throw new WeftError('LAB_FAILED', `${what}: not within ${withinMs / 1000} s: ${seen.missing}`);
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
    waitedMs += Math.min(TURN_MS, performance.now() - startMs);
  }
}
