/** What wakes the function by itself: the clock, and what the account tells of its machines. */
import type { AwsEvent, Events } from './events.ts';
import { fits, type EventPattern } from './event-pattern.ts';
import type { LambdaService } from './lambda-service.ts';
import { wakeByStream, type StreamSource } from './lambda-stream.ts';

/** A rule that fires at a rate. Each event goes its own way: one that is late holds up no other. */
export async function wakeBySchedule(service: LambdaService, everyMs: number): Promise<void> {
  const { account, region, name } = service.plan;
  const { signal } = service.closing;
  for (let number = 1; !signal.aborted; number++) {
    const event: AwsEvent = {
      version: '0',
      id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      account,
      time: new Date(service.clock.wallTime()).toISOString().replace(/\.\d+Z$/, 'Z'),
      region,
      resources: [`arn:aws:events:${region}:${account}:rule/${name}`],
      detail: {},
    };
    void service.send(event);
    try {
      await service.clock.sleep(everyMs, signal);
    } catch {
      return;
    }
  }
}

/** How soon a stream is followed once there is one. */
const NO_STREAM_MS = 250;

/** The stream of a table that an operator may make later: then it is followed from its beginning, for all of it is new. Resolves when it is followed, or the function is closed. */
export async function wakeByTable(service: LambdaService, source: Omit<StreamSource, 'from'>): Promise<void> {
  const { clock, closing } = service;
  for (let from: StreamSource['from'] = 'LATEST'; !closing.signal.aborted; from = 'TRIM_HORIZON') {
    try {
      await wakeByStream(service, { ...source, from });
      return;
    } catch {
      // No such table yet, or its DynamoDB is being started.
      await clock.sleep(NO_STREAM_MS, closing.signal).catch(() => {});
    }
  }
}

/** A rule on the account's events. */
export function wakeByEvents(service: LambdaService, events: Events, patterns: readonly EventPattern[]): void {
  const stop = events.listen((event) => {
    if (patterns.some((pattern) => fits(pattern, event))) void service.send(event);
  });
  service.closing.signal.addEventListener('abort', stop, { once: true });
}
