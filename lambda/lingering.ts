/**
 * May a run wait until senders have left a machine that leaves? While it waits the whole function does, and whoever else was told that he has to go (in a
 * Spot interruption within two minutes) waits in Lambda's queue, which looks more rarely the longer it finds the function busy.
 */
import type { Clock } from '../src/contracts/clock.ts';
import type { RunRequest } from '../src/reconcile/reconciler-parts.ts';
import { eventTimeMs } from './past-events.ts';

/** An event that comes later than this was not the only one. */
const LATE_MS = 10_000;

/**
 * By the clock and by a person's word: yes, and by one wait for all machines that leave by then. By an event only where a group holds the machine up for
 * us, so that one that goes alone goes soon, and only when the event was not held up itself. Who is interrupted or ends goes anyway.
 */
export function mayWaitForSenders(
  { why, leaving }: Pick<RunRequest, 'why' | 'leaving'>,
  event: unknown,
  clock: Pick<Clock, 'wallTime'>,
): boolean {
  if (why === 'schedule' || why === 'person') return true;
  const toldMs = eventTimeMs(event) ?? Infinity;
  return leaving.some(({ action }) => action !== undefined) && clock.wallTime() - toldMs < LATE_MS;
}
