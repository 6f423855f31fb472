/**
 * A small Lambda: one function with a reserved concurrency of 1. Events that nobody waits for are tried three times in all; a caller who waits for the
 * answer is refused while another event is at work, as Lambda does.
 */
import { LambdaRuntime, type FunctionPlan, type Invocation, type RuntimePlace } from './lambda-runtime.ts';
import type { LabClock } from './timeline.ts';

export interface LambdaOptions {
  readonly clock: LabClock;
  readonly place?: RuntimePlace;
  /** Lambda's: a minute, then two (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html). */
  readonly retryAfterMs?: readonly number[];
}

export interface InvocationLine extends Invocation {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: unknown;
  /** From 1. */
  readonly attempt: number;
}

const RETRY_AFTER_MS: readonly number[] = [60_000, 120_000];
/** A lab may run for days: the oldest go. */
const KEPT = { invocations: 2000, lines: 20_000 };

export class LambdaService {
  readonly plan: FunctionPlan;
  readonly clock: LabClock;
  /** What the function printed. */
  readonly lines: string[] = [];
  /** In order of their ends. */
  readonly invocations: InvocationLine[] = [];
  /** Events given up after the last try. */
  readonly dead: unknown[] = [];
  readonly closing = new AbortController();
  readonly #runtime: LambdaRuntime;
  readonly #retryAfterMs: readonly number[];
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(plan: FunctionPlan, { clock, place, retryAfterMs = RETRY_AFTER_MS }: LambdaOptions) {
    this.plan = plan;
    this.clock = clock;
    this.#retryAfterMs = retryAfterMs;
    this.#runtime = new LambdaRuntime(plan, clock, (line) => keep(this.lines, line, KEPT.lines), place);
  }

  /** For the answer (RequestResponse). @throws Error TooManyRequestsException */
  invoke(event: unknown): Promise<Invocation> {
    if (this.#waiting > 0) return Promise.reject(new Error('TooManyRequestsException: Rate Exceeded.'));
    return this.inTurn(event, 1);
  }

  /** Nobody waits for the answer (Event). Resolves when it was answered or is given up. */
  async send(event: unknown): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { outcome } = await this.inTurn(event, attempt);
      if (outcome.kind === 'answered' || this.closing.signal.aborted) return;
      const afterMs = this.#retryAfterMs[attempt - 1];
      if (afterMs === undefined) {
        this.dead.push(event);
        return;
      }
      try {
        await this.clock.sleep(afterMs, this.closing.signal);
      } catch {
        return;
      }
    }
  }

  /** When those before it are done. */
  async inTurn(event: unknown, attempt: number): Promise<Invocation> {
    this.#waiting += 1;
    const own = this.#last.then(async () => {
      const at = this.clock.wallTime();
      const invocation = await this.#runtime.invoke(event);
      keep(this.invocations, { ...invocation, at, event, attempt }, KEPT.invocations);
      return invocation;
    });
    this.#last = own.catch(() => {});
    try {
      return await own;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** The machine below the function breaks. */
  crash(): void {
    this.#runtime.crash();
  }

  close(): void {
    this.closing.abort();
    this.#runtime.close();
  }
}

function keep<T>(list: T[], one: T, most: number): void {
  list.push(one);
  if (list.length > most) list.splice(0, most / 10);
}
