/** Tasks that belong together: the first that ends, or fails, ends them all, and none outlives the call. */
import { setMaxListeners } from 'node:events';
import { WeftError } from '../core/errors.ts';

export async function sideBySide<T>(
  begin: (signal: AbortSignal) => readonly Promise<T>[],
  signal: AbortSignal,
): Promise<T> {
  const stop = new AbortController();
  // All of them wait for this one signal, and each call below them: more than the ten that Node takes for a leak.
  setMaxListeners(0, stop.signal);
  const end = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  const tasks = begin(stop.signal);
  try {
    return await Promise.race(tasks);
  } finally {
    stop.abort();
    signal.removeEventListener('abort', end);
    await Promise.allSettled(tasks);
  }
}

/** For a task that is under way as long as the others are. Rejects with ABORTED. */
export const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(new WeftError('ABORTED', 'the task was ended', { cause: signal.reason }));
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
  });
