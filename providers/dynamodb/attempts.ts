/** How often a call to the store is tried: a few times within seconds, and only where once more cannot do harm. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { backoffMs } from '../../src/core/backoff.ts';
import { neverHappened, passes, storeError } from './dynamodb-errors.ts';

const ATTEMPTS = 4;
/** No further attempt begins after this; with the client's own deadline no call of ours outlasts 17 s. */
const DEADLINE_MS = 12_000;
const BACKOFF = { baseMs: 100, capMs: 2000, floorMs: 10 };

export interface AttemptOptions {
  /** What is tried, as it reads after "cannot". */
  readonly doing: string;
  /** False: doing it twice is not doing it once, so it is tried again only if it certainly did not happen. */
  readonly repeatable: boolean;
  readonly table: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export async function attempt<T>(options: AttemptOptions, call: () => Promise<T>): Promise<T> {
  const { doing, repeatable, table, clock, random, signal } = options;
  const deadline = clock.now() + DEADLINE_MS;
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (error) {
      const translated = storeError(error, doing, table, signal);
      if (failures === ATTEMPTS || !passes(translated.code) || !(repeatable || neverHappened(error))) throw translated;
      const waitMs = backoffMs(failures, random.fraction(), BACKOFF);
      if (clock.now() + waitMs > deadline) throw translated;
      await clock.sleep(waitMs, signal);
    }
  }
}
