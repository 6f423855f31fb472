/** Waits for a thread of ours that may hang. */
import { WeftError } from '../core/errors.ts';

/** The work goes on when nobody waits for it any more. @throws WeftError ABORTED, or INTERNAL when it takes too long */
export function inTime<T>(what: string, work: Promise<T>, signal: AbortSignal, mostMs?: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (tell: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      tell();
    };
    const late = (): void => end(() => reject(new WeftError('INTERNAL', `${what} takes longer than ${mostMs} ms`)));
    const stop = (): void => end(() => reject(new WeftError('ABORTED', `stopped while ${what}`)));
    const timer = mostMs === undefined ? undefined : setTimeout(late, mostMs);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    work.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    );
  });
}
