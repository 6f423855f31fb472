/** Something without which the daemon cannot go on: tried until it works, with a word when it does not and when it does again. */
import type { Clock } from '../contracts/clock.ts';
import type { Random } from '../contracts/random.ts';
import { backoffMs } from '../core/backoff.ts';
import { isRetryable } from '../core/errors.ts';
import { findingOf, type Findings, type FindingSource } from './findings.ts';

export interface Patience {
  readonly clock: Clock;
  readonly random: Random;
  readonly findings: Findings;
}

const PAUSE = { baseMs: 1000, capMs: 10_000, floorMs: 500 };

/**
 * @param source whose finding it is, unless it is the store that is in trouble
 * @param goesOver errors that time, or somebody else, may heal; others end it. Those of the error table that say so, if not given.
 */
export async function patiently<T>(
  source: FindingSource,
  attempt: () => Promise<T>,
  { clock, random, findings }: Patience,
  signal: AbortSignal,
  goesOver: (error: unknown) => boolean = isRetryable,
): Promise<T> {
  let said: FindingSource | undefined;
  for (let failures = 1; ; failures++) {
    try {
      const value = await attempt();
      if (said !== undefined) findings.clear(said);
      return value;
    } catch (error) {
      if (signal.aborted || !goesOver(error)) throw error;
      const finding = findingOf(error);
      const now = finding.code.startsWith('STORE_') ? 'store' : source;
      if (said !== undefined && said !== now) findings.clear(said);
      findings.set(now, [finding]);
      said = now;
    }
    await clock.sleep(backoffMs(failures, random.fraction(), PAUSE), signal);
  }
}
