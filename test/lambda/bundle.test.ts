/** The function as it is uploaded, started as Lambda starts it, with the real SDKs against an emulated account and a DynamoDB emulator. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'node:test';
import { METRICS } from '../../lambda/metric-names.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { DynamoUpstream } from '../../src/lab/aws/dynamodb-upstream.ts';
import { wakeByEvents, wakeBySchedule } from '../../src/lab/aws/lambda-sources.ts';
import { wakeByStream } from '../../src/lab/aws/lambda-stream.ts';
import { BUNDLE, whyNoLambda } from './lambda-world.ts';
import { RunningFunction, SCHEDULE, terminated } from './running-function.ts';
import { NODES, routesFor, TABLES } from './small-cluster.ts';

describe('the function as it is uploaded', { skip: whyNoLambda() ?? false }, () => {
  let running: RunningFunction;

  before(() => assert.ok(existsSync(path.join(BUNDLE, 'index.mjs')), `${BUNDLE} is not built: node build.mjs`));
  afterEach(() => running.close());

  it('creates the routes that are missing at its first event, and at the second finds nothing to do', async (t) => {
    running = await RunningFunction.start(NODES);
    const first = await running.service.invoke(SCHEDULE);
    assert.equal(running.answerOf(first)['how'], 'done');
    assert.ok(first.coldMs !== undefined);
    t.diagnostic(`cold start ${first.coldMs.toFixed(0)} ms, first run ${first.tookMs.toFixed(0)} ms`);
    assert.deepEqual(running.world.routes(TABLES.a), routesFor('a', NODES));
    assert.deepEqual(running.world.routes(TABLES.b), routesFor('b', NODES));
    assert.deepEqual(
      running.world.changes().filter((call) => call.startsWith('CreateRoute')),
      Array.from({ length: 6 }, () => 'CreateRoute ok'),
    );

    const second = await running.service.invoke(SCHEDULE);
    assert.equal(running.answerOf(second)['how'], 'done');
    assert.equal(second.coldMs, undefined);
    assert.deepEqual(running.world.changes(), []);
  });

  it('writes a line for each change, and every metric that is promised', async () => {
    running = await RunningFunction.start(NODES);
    await running.service.invoke(SCHEDULE);
    const created = running.said('cloud was changed').filter(({ action }) => action === 'created');
    assert.deepEqual(
      created.map(({ entry, subnet, after }) => `${String(entry)} ${String(subnet)} ${String(after)}`).toSorted(),
      [
        ...routesFor('a', NODES).map((route) => `${TABLES.a} ${route}`),
        ...routesFor('b', NODES).map((route) => `${TABLES.b} ${route}`),
      ].toSorted(),
    );
    const values = running.metrics();
    for (const name of Object.keys(METRICS).filter((it) => it !== 'BusyRuns'))
      assert.equal(typeof values[name], 'number', name);
    assert.equal(values['RoutesCreated'], 6);
    assert.equal(values['GoodRuns'], 1);
    assert.equal(values['service'], 'weft-routes');
    // Three, and the VPC's own, of 500.
    assert.equal(values['QuotaUsedPercent'], 0.8);
    assert.doesNotMatch(
      running.service.lines.join('\n'),
      new RegExp(running.world.environment()['AWS_SECRET_ACCESS_KEY'] ?? '-'),
    );
  });

  it('takes the routes of an instance away when the account tells that it shuts down', async () => {
    running = await RunningFunction.start(NODES);
    await running.service.invoke(SCHEDULE);
    wakeByEvents(running.service, running.world.cloud.events, [
      { source: ['aws.ec2'], 'detail-type': ['EC2 Instance State-change Notification'] },
    ]);
    running.world.cloud.orderInstance(planned.instance('b2'), 'terminate');
    await running.routesStand(NODES.filter(({ name }) => name !== 'b2'));
  });

  it('creates the routes of a node that joins, woken by the stream of the table, and is not woken by renewals', async () => {
    const [last, ...early] = NODES.toReversed();
    assert.ok(last !== undefined);
    running = await RunningFunction.start(early);
    await running.service.invoke(SCHEDULE);
    await wakeByStream(running.service, {
      upstream: new DynamoUpstream(running.world.database.endpoint),
      table: 'weft',
      filters: [
        {
          eventName: ['INSERT'],
          dynamodb: {
            Keys: { SK: { S: [{ prefix: 'delta#' }] } },
            NewImage: { row: { S: [{ prefix: 'lease#' }, 'config'] } },
          },
        },
      ],
      batchWindowMs: 100,
      batchSize: 100,
      retries: 2,
      lookEveryMs: 50,
    });
    const joined = await running.world.join(last);
    await running.routesStand([...early, last]);
    // The schedule's, and the join's, which ends when its routes stand for a while.
    await running.until('the end of its run', () =>
      running.service.invocations.length === 2 ? { found: true } : { missing: 'it runs' },
    );
    const lease = await running.world.renew(joined, last);
    // What comes behind it in the stream proves that the renewal has gone by.
    await running.world.leave(lease);
    await running.until('a run after the release', () =>
      running.service.invocations.length > 2 ? { found: true } : { missing: 'no run' },
    );
    const events = running.service.invocations.slice(2).map(({ event }) => JSON.stringify(event));
    assert.ok(
      events.every((event) => event.includes('freed')),
      events.join('\n'),
    );
  });

  it('is woken by the clock', async () => {
    running = await RunningFunction.start(NODES);
    void wakeBySchedule(running.service, 3_600_000);
    await running.routesStand(NODES);
  });

  it('does not ask the cloud when an instance without a lease ends', async () => {
    running = await RunningFunction.start(NODES.filter(({ name }) => name !== 'b2'));
    await running.service.invoke(SCHEDULE);
    running.world.changes();
    for (const name of ['b2', 'unheard-of']) {
      running.world.cloud.journal.clear();
      assert.equal((await running.ask(terminated(name)))['how'], 'ignored');
      assert.deepEqual(running.world.cloud.journal.entries, []);
    }
  });

  it('answers a person who asks for a dry run with what it would do, and does nothing', async () => {
    running = await RunningFunction.start(NODES);
    const answer = await running.ask({ weft: { dryRun: true } });
    assert.equal(answer['how'], 'done');
    assert.equal(answer['dryRun'], true);
    assert.deepEqual(running.world.changes(), []);
    assert.deepEqual(await running.world.rows('record#'), []);
    // Neither does it stand for a run that was good.
    assert.deepEqual(running.metrics(), {});
  });
});
