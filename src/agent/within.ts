/** Work that is worth so much time and no more. */
import type { Clock } from '../contracts/clock.ts';

/** Undefined: it was not done in time, and has been told to end. Rejects as the work does, or with ABORTED when the signal fires. */
export async function within<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: (soon: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const late = new AbortController();
  const soon = AbortSignal.any([signal, late.signal]);
  const timer = clock.sleep(ms, soon).then(
    () => late.abort(),
    () => undefined,
  );
  try {
    return await work(soon);
  } catch (error) {
    if (late.signal.aborted && !signal.aborted) return undefined;
    throw error;
  } finally {
    late.abort();
    await timer;
  }
}
