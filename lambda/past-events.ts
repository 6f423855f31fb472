/**
 * What happened before the last whole run began, that run has seen: it asks the cloud for the state of every machine. So a thousand instances that start or
 * stop at once make a few runs, and not a thousand one behind the other.
 */
import type { Clock } from '../src/contracts/clock.ts';
import { isJsonObject } from '../src/core/json.ts';

/**
 * EC2 may show a change some seconds after it has told of it, and its clock is not ours. Both keep Amazon's time; were one of them wrong, the next run by
 * the clock would see what an event had to tell.
 */
const MARGIN_MS = 60_000;

/** One for a process. */
export class PastEvents {
  readonly #clock: Pick<Clock, 'wallTime'>;
  #untilMs = -Infinity;

  constructor(clock: Pick<Clock, 'wallTime'>) {
    this.#clock = clock;
  }

  /** Called when a run begins; what it returns, when it has come to its end and looked at everything. */
  runBegins(): () => void {
    const beganMs = this.#clock.wallTime();
    return () => (this.#untilMs = beganMs - MARGIN_MS);
  }

  has(event: unknown): boolean {
    const toldMs = eventTimeMs(event);
    return toldMs !== undefined && toldMs <= this.#untilMs;
  }
}

/** When an event of EventBridge happened, by its own word: https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html */
export function eventTimeMs(event: unknown): number | undefined {
  const time = isJsonObject(event) ? event['time'] : undefined;
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
