/** The function as it is uploaded, started as Lambda starts it, with the real SDKs against an emulated account and a DynamoDB emulator. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'node:test';
import { METRICS } from '../../lambda/metric-names.ts';
import { planned } from '../../src/lab/aws/account.ts';
import type { FunctionPlan, Invocation } from '../../src/lab/aws/lambda-runtime.ts';
import { LambdaService } from '../../src/lab/aws/lambda-service.ts';
import { wakeByEvents, wakeBySchedule } from '../../src/lab/aws/lambda-sources.ts';
import { wakeByStream } from '../../src/lab/aws/lambda-stream.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { whyNoDynamoDB } from '../dynamodb/emulator.ts';
import { BUNDLE, LambdaWorld } from './lambda-world.ts';
import { configRow, leaseRowOf, type LeasedNode } from './node-rows.ts';
import { CONFIG, NETWORK, NODES, PLAN, routesFor, TABLES } from './small-cluster.ts';

/** For machines that are slow today. */
const WITHIN_MS = 60_000;
const SCHEDULE = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
const never = new AbortController().signal;

describe('the function as it is uploaded', { skip: whyNoDynamoDB() ?? false }, () => {
  let world: LambdaWorld;
  let service: LambdaService;

  before(() => assert.ok(existsSync(path.join(BUNDLE, 'index.mjs')), `${BUNDLE} is not built: node build.mjs`));
  afterEach(async () => {
    service.close();
    await world.close();
  });

  /** With leases of these nodes. */
  async function begin(nodes: readonly LeasedNode[], more: Partial<FunctionPlan> = {}): Promise<void> {
    world = await LambdaWorld.start({ vpcs: [PLAN], networks: [NETWORK] });
    await world.writeRows([configRow(CONFIG), ...nodes.map(leaseRowOf)]);
    const { environment, ...rest } = more;
    const plan = world.functionPlan({ ...rest, environment: world.environment(environment) });
    service = new LambdaService(plan, { clock: new SystemClock(), retryAfterMs: [10, 20] });
  }

  const routesStand = (nodes: readonly LeasedNode[]): Promise<true> =>
    eventually(
      'the routes',
      WITHIN_MS,
      () => {
        const standing = { a: world.routes(TABLES.a), b: world.routes(TABLES.b) };
        const wanted = { a: routesFor('a', nodes), b: routesFor('b', nodes) };
        return JSON.stringify(standing) === JSON.stringify(wanted)
          ? { found: true }
          : { missing: `${JSON.stringify(standing)}; it printed ${service.lines.slice(-5).join('\n')}` };
      },
      never,
    );

  function answerOf({ outcome }: Invocation): Readonly<Record<string, unknown>> {
    assert.ok(
      outcome.kind === 'answered',
      `${JSON.stringify(outcome)}; it printed ${service.lines.slice(-5).join('\n')}`,
    );
    assert.ok(typeof outcome.answer === 'object' && outcome.answer !== null);
    return { ...outcome.answer };
  }

  /** Values of its metrics in the latest lines that have them. */
  function metrics(): Readonly<Record<string, unknown>> {
    const read: Record<string, unknown> = {};
    for (const line of service.lines) {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null && '_aws' in value && !('table' in value))
        Object.assign(read, value);
    }
    return read;
  }

  const said = (message: string): readonly Readonly<Record<string, unknown>>[] =>
    service.lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line['message'] === message);

  it('creates the routes that are missing at its first event, and at the second finds nothing to do', async (t) => {
    await begin(NODES);
    const first = await service.invoke(SCHEDULE);
    assert.equal(answerOf(first)['how'], 'done');
    assert.ok(first.coldMs !== undefined);
    t.diagnostic(`cold start ${first.coldMs.toFixed(0)} ms, first run ${first.tookMs.toFixed(0)} ms`);
    assert.deepEqual(world.routes(TABLES.a), routesFor('a', NODES));
    assert.deepEqual(world.routes(TABLES.b), routesFor('b', NODES));
    assert.deepEqual(
      world.changes().filter((call) => call.startsWith('CreateRoute')),
      Array.from({ length: 6 }, () => 'CreateRoute ok'),
    );

    const second = await service.invoke(SCHEDULE);
    assert.equal(answerOf(second)['how'], 'done');
    assert.equal(second.coldMs, undefined);
    assert.deepEqual(world.changes(), []);
  });

  it('writes a line for each change, and every metric that is promised', async () => {
    await begin(NODES);
    await service.invoke(SCHEDULE);
    const created = said('changed').filter(({ action }) => action === 'created');
    assert.deepEqual(
      created
        .map(({ table, destination, after }) => `${String(table)} ${String(destination)} ${String(after)}`)
        .toSorted(),
      [
        ...routesFor('a', NODES).map((route) => `${TABLES.a} ${route}`),
        ...routesFor('b', NODES).map((route) => `${TABLES.b} ${route}`),
      ].toSorted(),
    );
    const values = metrics();
    for (const name of Object.keys(METRICS).filter((it) => it !== 'BusyRuns'))
      assert.equal(typeof values[name], 'number', name);
    assert.equal(values['RoutesCreated'], 6);
    assert.equal(values['GoodRuns'], 1);
    assert.equal(values['service'], 'weft-routes');
    // Three routes of 500.
    assert.equal(values['QuotaUsedPercent'], 0.6);
    assert.doesNotMatch(service.lines.join('\n'), new RegExp(world.environment()['AWS_SECRET_ACCESS_KEY'] ?? '-'));
  });

  it('takes the routes of an instance away when the account tells that it shuts down', async () => {
    await begin(NODES);
    await service.invoke(SCHEDULE);
    wakeByEvents(service, world.cloud.events, [
      { source: ['aws.ec2'], 'detail-type': ['EC2 Instance State-change Notification'] },
    ]);
    world.cloud.orderInstance(planned.instance('b2'), 'terminate');
    await routesStand(NODES.filter(({ name }) => name !== 'b2'));
  });

  it('creates the routes of a node that joins, woken by the stream of the table, and is not woken by renewals', async () => {
    const [last, ...early] = NODES.toReversed();
    assert.ok(last !== undefined);
    await begin(early);
    await service.invoke(SCHEDULE);
    await wakeByStream(service, {
      endpoint: world.database.endpoint,
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
    const lease = await world.join(last);
    await routesStand([...early, last]);
    const woken = service.invocations.length;
    await world.renew(lease, last);
    // What comes behind it in the stream proves that the renewal has gone by.
    await world.leave(lease);
    await eventually(
      'a run after the release',
      WITHIN_MS,
      () => (service.invocations.length > woken ? { found: true } : { missing: 'no run' }),
      never,
    );
    const events = service.invocations.slice(woken).map(({ event }) => JSON.stringify(event));
    assert.ok(
      events.every((event) => event.includes('freed')),
      events.join('\n'),
    );
  });

  it('is woken by the clock', async () => {
    await begin(NODES);
    void wakeBySchedule(service, 3_600_000);
    await routesStand(NODES);
  });

  it('tells of events that it cannot use, and ends well', async () => {
    await begin(NODES);
    for (const [event, words] of [
      ['x', 'the event is no object'],
      [{}, 'the event is of another account'],
      [{ Records: [{ eventSource: 'aws:dynamodb', dynamodb: { Keys: 7 } }] }, 'record 0: has no keys'],
      [{ ...stateChange('b2'), account: '999999999999' }, 'the event is of another account'],
      [
        { ...stateChange('b2'), detail: { 'instance-id': 'i-' + 'f'.repeat(100_000), state: 'terminated' } },
        'the event names no instance and state',
      ],
    ] as const)
      assert.deepEqual(answerOf(await service.invoke(event)), { how: 'ignored', bad: [words] });
    assert.equal(said('an event could not be used').length, 5);
    assert.equal(metrics()['BadEvents'], 1);
    assert.deepEqual(world.changes(), []);
    assert.ok(service.lines.every((line) => line.length < 2000));
  });

  it('finds nothing to do when an instance without a lease ends', async () => {
    await begin(NODES.filter(({ name }) => name !== 'b2'));
    await service.invoke(SCHEDULE);
    world.changes();
    assert.equal(answerOf(await service.invoke(stateChange('b2')))['how'], 'done');
    assert.equal(answerOf(await service.invoke(stateChange('unheard-of')))['how'], 'done');
    assert.deepEqual(world.changes(), []);
  });

  it('answers a person who asks for a dry run with what it would do, and does nothing', async () => {
    await begin(NODES);
    const answer = answerOf(await service.invoke({ weft: { dryRun: true } }));
    assert.equal(answer['how'], 'done');
    assert.equal(answer['dryRun'], true);
    assert.deepEqual(world.changes(), []);
    assert.deepEqual(await world.rows('record#'), []);
  });

  it('ends before its time limit with work left, says so, and goes on with the next event', async () => {
    // Eight calls at once and two in the seconds that there are: six routes and six interfaces are more.
    await begin(NODES, { timeoutMs: 13_000, environment: { WEFT_CALLS_PER_SECOND: '0.8' } });
    assert.equal(answerOf(await service.invoke(SCHEDULE))['how'], 'cut');
    assert.equal(metrics()['CutRuns'], 1);
    const begun = world.changes().length;
    assert.ok(begun > 0 && begun < 12, `${begun} calls`);
    const how = await eventually(
      'a run that ends',
      WITHIN_MS,
      async () => {
        const answer = answerOf(await service.invoke(SCHEDULE));
        return answer['how'] === 'done' ? { found: 'done' } : { missing: String(answer['how']) };
      },
      never,
    );
    assert.equal(how, 'done');
    await routesStand(NODES);
    assert.equal(begun + world.changes().length, 12);
  });

  it('waits for the lock of a run that was killed, and then takes over what it had begun', async () => {
    await begin(NODES);
    world.cloud.faults.add({ kind: 'silence', action: 'CreateRoute', times: 1 });
    const killed = service.invoke(SCHEDULE);
    await eventually(
      'a call',
      WITHIN_MS,
      () =>
        world.cloud.journal.entries.some(({ action }) => action === 'CreateRoute')
          ? { found: true }
          : { missing: 'none' },
      never,
    );
    service.crash();
    assert.equal((await killed).outcome.kind, 'crashed');
    assert.equal(answerOf(await service.invoke(SCHEDULE))['how'], 'busy');
    assert.equal(metrics()['BusyRuns'], 1);
    await assert.rejects(async () => answerOf(await service.invoke(stateChange('b2'))), /STORE_CONFLICT/);
    // As if it had run out (reconcile/run-lock).
    await world.removeRow('record#lock#reconciler');
    assert.equal(answerOf(await service.invoke(SCHEDULE))['how'], 'done');
    await routesStand(NODES);
    const created = world.changes().filter((call) => call.startsWith('CreateRoute'));
    assert.deepEqual(
      created,
      Array.from({ length: 6 }, () => 'CreateRoute ok'),
    );
  });

  it('answers with what is wrong where its settings are', async () => {
    await begin(NODES, { environment: { WEFT_VPC: '' } });
    const answer = answerOf(await service.invoke(SCHEDULE));
    assert.equal(answer['how'], 'failed');
    assert.match(JSON.stringify(answer['error']), /WEFT_VPC is missing/);
    assert.equal(metrics()['Errors'], 1);
  });

  it('throws where another try can help, three times in all', async () => {
    await begin(NODES);
    world.cloud.faults.add({ kind: 'error', action: 'DescribeRouteTables', code: 'InternalError' });
    await service.send(stateChange('b2'));
    assert.deepEqual(
      service.invocations.map(({ outcome, attempt }) => `${outcome.kind} ${attempt}`),
      ['failed 1', 'failed 2', 'failed 3'],
    );
    assert.equal(service.dead.length, 1);
    const answer = answerOf(await service.invoke(SCHEDULE));
    assert.equal(answer['how'], 'failed');
    world.cloud.faults.clear();
    assert.equal(answerOf(await service.invoke(SCHEDULE))['how'], 'done');
    assert.deepEqual(world.routes(TABLES.a), routesFor('a', NODES));
  });
});

const stateChange = (name: string): object => ({
  version: '0',
  id: '12345678-1234-1234-1234-123456789012',
  'detail-type': 'EC2 Instance State-change Notification',
  source: 'aws.ec2',
  account: '123456789012',
  time: '2026-01-01T00:00:00Z',
  region: 'eu-central-1',
  resources: [],
  detail: { 'instance-id': planned.instance(name), state: 'terminated' },
});
