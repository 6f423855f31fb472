/** How often a call that may be repeated is tried: what the network loses a few times within seconds, what is throttled with more patience. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { backoffMs } from '../../src/core/backoff.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { cloudError } from './aws-errors.ts';
import type { Pace } from './pace.ts';

/** What is not here is not tried again. */
const ATTEMPTS: Partial<Readonly<Record<ErrorCode, number>>> = { CLOUD_THROTTLED: 5, CLOUD_UNREACHABLE: 3 };
const PAUSE = { baseMs: 500, capMs: 4000, floorMs: 100 };

export interface RepeatOptions {
  /** What is tried, as it reads after "cannot". */
  readonly doing: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly pace: Pace;
}

/** Only for what may be done twice. */
export async function repeating<T>(
  { doing, clock, random, pace }: RepeatOptions,
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      await pace.turn(signal);
      const answer = await call();
      pace.passed();
      return answer;
    } catch (error) {
      const known = cloudError(error, doing, signal);
      if (known.code === 'CLOUD_THROTTLED') pace.refused();
      if (failures >= (ATTEMPTS[known.code] ?? 1)) throw known;
    }
    await clock.sleep(backoffMs(failures, random.fraction(), PAUSE), signal);
  }
}
