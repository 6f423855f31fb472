/** How often a read is tried: a few times within seconds. Calls that change something are not tried here at all. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { backoffMs } from '../../src/core/backoff.ts';
import { cloudError } from './aws-errors.ts';

const ATTEMPTS = 3;
const PAUSE = { baseMs: 500, capMs: 4000, floorMs: 100 };

export interface ReadOptions {
  /** What is tried, as it reads after "cannot". */
  readonly doing: string;
  readonly clock: Clock;
  readonly random: Random;
}

export async function reading<T>(
  { doing, clock, random }: ReadOptions,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (error) {
      const known = cloudError(error, doing, signal);
      if (failures === ATTEMPTS || (known.code !== 'CLOUD_THROTTLED' && known.code !== 'CLOUD_UNREACHABLE'))
        throw known;
    }
    await clock.sleep(backoffMs(failures, random.fraction(), PAUSE), signal);
  }
}
