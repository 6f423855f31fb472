/** The bundle in this process, on a clock that its account shares: an hour of invocations takes as long as the calls themselves. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Handler, LambdaSeams } from '../../lambda/handler.ts';
import type { Environment } from '../../lambda/settings.ts';
import type { RunAnswer } from '../../lambda/run-answer.ts';
import { ACCOUNT } from '../../src/lab/aws/cloud.ts';
import type { JournalEntry } from '../../src/lab/aws/journal.ts';
import { BUCKETS } from '../../src/lab/aws/throttle.ts';
import { ListLog } from '../fakes/list-log.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { BUNDLE, LambdaWorld, REGION } from './lambda-world.ts';
import { configRow, leaseRowOf, ledgerRowOf } from './node-rows.ts';
import { QuietClock } from './quiet-clock.ts';
import { BIG_CONFIG, BIG_NETWORK, BIG_PLAN, DEAD, ledgerAtFirst, LIVING, weathered } from './thousand-nodes.ts';

const MINUTE_MS = 60_000;
/** Lambda's longest. */
const LIMIT_MS = 15 * MINUTE_MS;
/** From the end of one run to the next: what a run adds to the age at most. */
const EVERY_MS = 4 * MINUTE_MS;
/** A signature is as old as this process's clock and the account's are apart. */
const ANY_AGE_MS = 1e15;

interface Bundle {
  makeHandler(environment: Environment, seams: Partial<LambdaSeams>): Handler;
}

export interface Invoked {
  readonly answer: RunAnswer;
  /** By the account's clock. */
  readonly tookMs: number;
  /** By this machine's. */
  readonly realMs: number;
  /** Calls that could change something. */
  readonly changes: number;
  readonly calls: number;
}

export class ThousandRun {
  readonly world: LambdaWorld;
  readonly clock: QuietClock;
  readonly log: ListLog & { level: 'debug' | 'info' | 'warn' | 'error'; begin(request: string): void };
  readonly lines: string[] = [];
  readonly invoked: Invoked[] = [];
  readonly #handler: Handler;
  #count = 0;

  private constructor(world: LambdaWorld, clock: QuietClock, makeHandler: Bundle['makeHandler']) {
    this.world = world;
    this.clock = clock;
    this.log = Object.assign(new ListLog(), { level: 'info' as const, begin: () => {} });
    const environment = world.environment();
    // The SDKs read them there.
    Object.assign(process.env, environment);
    const random = new SeededRandom(6);
    this.#handler = makeHandler(environment, {
      clock,
      random,
      log: this.log,
      print: (line) => void this.lines.push(line),
    });
  }

  static async start(quota: number): Promise<ThousandRun> {
    const clock = new QuietClock();
    const settings = { routeQuota: quota, signatureWindowMs: ANY_AGE_MS, blackholeShownMs: 0 };
    const world = await LambdaWorld.start({
      vpcs: [BIG_PLAN],
      networks: [BIG_NETWORK],
      clock,
      settings,
      streamless: true,
    });
    world.cloud.timeline.change(weathered);
    for (const { table, destination, target } of ledgerAtFirst()) world.foreign.vouch(table, destination, target);
    await world.writeRows([
      configRow(BIG_CONFIG),
      ...[...LIVING, ...DEAD].map(leaseRowOf),
      ...ledgerAtFirst().map(ledgerRowOf),
    ]);
    const { makeHandler } = (await import(pathToFileURL(path.join(BUNDLE, 'index.mjs')).href)) as Bundle;
    return new ThousandRun(world, clock, makeHandler);
  }

  /** As the schedule does. */
  async invoke(): Promise<Invoked> {
    const { journal } = this.world.cloud;
    const before = journal.entries.length;
    const beganMs = this.clock.now();
    const realMs = performance.now();
    const context = {
      awsRequestId: `request-${(this.#count += 1)}`,
      invokedFunctionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:weft-routes`,
      getRemainingTimeInMillis: () => LIMIT_MS - (this.clock.now() - beganMs),
    };
    const event = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
    const answer = await this.clock.during(this.#handler(event, context));
    const made = journal.entries.slice(before);
    const invoked = {
      answer,
      tookMs: this.clock.now() - beganMs,
      realMs: performance.now() - realMs,
      changes: made.filter(({ mutating }) => mutating).length,
      calls: made.length,
    };
    this.invoked.push(invoked);
    return invoked;
  }

  /** Until a run changes nothing, and long enough that nothing waits any more. */
  async untilIdle(most: number): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      if (this.invoked.length >= most) throw new Error(`no end after ${most} runs: ${this.summary()}`);
      const { answer, changes } = await this.invoke();
      quiet = answer.how === 'done' && changes === 0 && this.clock.now() > 2 * LIMIT_MS ? quiet + 1 : 0;
      await this.clock.pass(EVERY_MS);
    }
  }

  summary(): string {
    return this.invoked
      .map(({ answer, tookMs, realMs, changes, calls }) => {
        const routes = 'routes' in answer ? JSON.stringify(answer.routes) : JSON.stringify(answer);
        return `${answer.how}: ${changes} changes of ${calls} calls in ${(tookMs / 1000).toFixed(0)} s (${(realMs / 1000).toFixed(1)} s real) ${routes}`;
      })
      .join('\n');
  }

  async close(): Promise<void> {
    await this.clock.during(this.world.close());
    this.clock.close();
  }
}

/** Calls that came faster than AWS lets an account make them, by their times in the journal: a bucket for each action. */
export function tooFast(journal: readonly JournalEntry[]): readonly string[] {
  const { burst, perSecond } = BUCKETS.mutating;
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  const fast: string[] = [];
  for (const { action, at, mutating } of journal) {
    if (!mutating) continue;
    const atMs = Date.parse(at);
    const bucket = buckets.get(action) ?? { tokens: burst, atMs };
    const tokens = Math.min(burst, bucket.tokens + ((atMs - bucket.atMs) / 1000) * perSecond) - 1;
    // Times in the journal are whole milliseconds.
    if (tokens < -0.01) fast.push(`${at} ${action}`);
    buckets.set(action, { tokens, atMs });
  }
  return fast;
}
