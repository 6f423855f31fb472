/** What goes wrong with invocations of the function, as it is uploaded. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterEach, before, describe, it } from 'node:test';

import { planned } from '../../src/lab/aws/account.ts';
import { BUNDLE, ROLE, whyNoLambda } from './lambda-world.ts';
import { POLICY, RunningFunction, SCHEDULE, terminated } from './running-function.ts';
import { NODES, routesFor, TABLES } from './small-cluster.ts';

describe('an invocation of the function', { skip: whyNoLambda() ?? false }, () => {
  let running: RunningFunction;

  before(() => assert.ok(existsSync(path.join(BUNDLE, 'index.mjs')), `${BUNDLE} is not built: node build.mjs`));
  afterEach(() => running.close());

  it('tells of events that it cannot use, and ends well', async () => {
    running = await RunningFunction.start(NODES);
    for (const [event, words] of [
      ['x', 'the event is no object'],
      [{}, 'the event is of another account'],
      [{ Records: [{ eventSource: 'aws:dynamodb', dynamodb: { Keys: 7 } }] }, 'record 0: has no keys'],
      [{ ...terminated('b2'), account: '999999999999' }, 'the event is of another account'],
      [
        { ...terminated('b2'), detail: { 'instance-id': 'i-' + 'f'.repeat(100_000), state: 'terminated' } },
        'the event names no instance and state',
      ],
    ] as const)
      assert.deepEqual(await running.ask(event), { how: 'ignored', bad: [words] });
    assert.equal(running.said('an event could not be used').length, 5);
    assert.equal(running.metrics()['BadEvents'], 1);
    assert.deepEqual(running.world.changes(), []);
    assert.ok(running.service.lines.every((line) => line.length < 2000));
  });

  it('ends before its time limit with work left, says so, and goes on with the next event', async () => {
    // Of forty seconds five are left for calls that may last. Six routes and six interfaces: five calls at once, and one in two seconds.
    running = await RunningFunction.start(NODES, { timeoutMs: 40_000, environment: { WEFT_CALLS_PER_SECOND: '0.5' } });
    assert.equal((await running.ask(SCHEDULE))['how'], 'cut');
    assert.equal(running.metrics()['CutRuns'], 1);
    const begun = running.world.changes().length;
    assert.ok(begun > 0 && begun < 12, `${begun} calls`);
    await running.until('a run that ends', async () => {
      const answer = await running.ask(SCHEDULE);
      return answer['how'] === 'done' ? { found: true } : { missing: String(answer['how']) };
    });
    await running.routesStand(NODES);
    assert.equal(begun + running.world.changes().length, 12);
  });

  it('waits for the lock of a run that was killed, and then takes over what it had begun', async () => {
    running = await RunningFunction.start(NODES);
    running.world.cloud.faults.add({ kind: 'silence', action: 'CreateRoute', times: 1 });
    const killed = running.service.invoke(SCHEDULE);
    await running.until('a call', () =>
      running.world.cloud.journal.entries.some(({ action }) => action === 'CreateRoute')
        ? { found: true }
        : { missing: 'none' },
    );
    running.service.crash();
    assert.equal((await killed).outcome.kind, 'crashed');
    const hasty = running.another({ timeoutMs: 12_000 });
    assert.equal(running.answerOf(await hasty.invoke(SCHEDULE))['how'], 'busy');
    // Nobody has written down who leaves: to be tried again.
    const { outcome } = await hasty.invoke(terminated('b2'));
    assert.ok(outcome.kind === 'failed' && outcome.type === 'STORE_CONFLICT', JSON.stringify(outcome));
    hasty.close();
    // As if it had run out (reconcile/run-lock).
    await running.world.removeRow('record#lock#reconciler');
    assert.equal((await running.ask(SCHEDULE))['how'], 'done');
    await running.routesStand(NODES);
    const created = running.world.changes().filter((call) => call.startsWith('CreateRoute'));
    assert.deepEqual(
      created,
      Array.from({ length: 6 }, () => 'CreateRoute ok'),
    );
  });

  it('tells of a right that its role lacks, and creates the routes when it has it', async () => {
    running = await RunningFunction.start(NODES);
    const { policies } = running.world.cloud;
    const without = POLICY.Statement.filter(({ Action }) => !JSON.stringify(Action).includes('ec2:CreateRoute'));
    policies.attach({ [ROLE]: [{ ...POLICY, Statement: without }] });
    await running.ask(SCHEDULE);
    assert.deepEqual([...running.world.routes(TABLES.a), ...running.world.routes(TABLES.b)], []);
    assert.deepEqual(
      running.said('routes cannot be brought further').map(({ code }) => code),
      ['CLOUD_DENIED'],
    );
    assert.ok(Number(running.metrics()['FailedRoutes']) > 0);
    policies.attach({ [ROLE]: [POLICY] });
    await running.until('a run that ends', async () => {
      const answer = await running.ask(SCHEDULE);
      return answer['how'] === 'done' ? { found: true } : { missing: JSON.stringify(answer) };
    });
    await running.routesStand(NODES);
  });

  it('answers with what is wrong where its settings are', async () => {
    running = await RunningFunction.start(NODES, { environment: { WEFT_VPC: '' } });
    const answer = await running.ask(SCHEDULE);
    assert.equal(answer['how'], 'failed');
    assert.match(JSON.stringify(answer['error']), /WEFT_VPC is missing/);
    assert.equal(running.metrics()['Errors'], 1);
  });

  it('throws where another try can help, three times in all', async () => {
    running = await RunningFunction.start(NODES);
    running.world.cloud.faults.add({ kind: 'error', action: 'DescribeRouteTables', code: 'InternalError' });
    const detail = { 'instance-id': planned.instance('a1'), state: 'running' };
    await running.service.send({ ...terminated('a1'), detail });
    assert.deepEqual(
      running.service.invocations.map(({ outcome, attempt }) => `${outcome.kind} ${attempt}`),
      ['failed 1', 'failed 2', 'failed 3'],
    );
    assert.equal(running.service.dead.length, 1);
    const answer = await running.ask(SCHEDULE);
    assert.equal(answer['how'], 'failed');
    running.world.cloud.faults.clear();
    assert.equal((await running.ask(SCHEDULE))['how'], 'done');
    assert.deepEqual(running.world.routes(TABLES.a), routesFor('a', NODES));
  });
});
