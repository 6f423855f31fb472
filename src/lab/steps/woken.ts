/** What woke the run of the reconciler in which something was done. */
import { isJsonObject } from '../../core/json.ts';
import type { JournalEntry } from '../aws/journal.ts';
import type { InvocationLine, LambdaService } from '../aws/lambda-service.ts';
import { eventually } from '../eventually.ts';

export type Waker = 'schedule' | 'stream' | 'event';

const WITHIN_MS = 60_000;

/** Waits for the end of that run: an invocation is noted then. One is at work at a time, so that the time of a call tells whose it is. */
export async function wokenBy(service: LambdaService, { at, action }: JournalEntry): Promise<Waker> {
  const atMs = Date.parse(at);
  return await eventually(
    `the end of the run that called ${action}`,
    WITHIN_MS,
    () => {
      const found = service.invocations.find((line) => line.at <= atMs && atMs <= endOf(line));
      return found === undefined ? { missing: service.lines.slice(-3).join(' | ') } : { found: wakerOf(found) };
    },
    service.closing.signal,
  );
}

const endOf = ({ at, coldMs = 0, tookMs }: InvocationLine): number => Math.ceil(at + coldMs + tookMs);

function wakerOf({ event }: InvocationLine): Waker {
  if (!isJsonObject(event)) return 'event';
  if (event['Records'] !== undefined) return 'stream';
  return event['source'] === 'aws.events' ? 'schedule' : 'event';
}
