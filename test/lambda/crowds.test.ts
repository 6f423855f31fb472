/** Crowds of events, at the function as it is uploaded: it takes one at a time, and each that it answers late keeps a machine waiting. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { planned } from '../../src/lab/aws/account.ts';
import { whyNoLambda } from './lambda-world.ts';
import { RunningFunction, SCHEDULE, terminated } from './running-function.ts';
import { NODES, routesFor, TABLES } from './small-cluster.ts';

describe('a crowd of events', { skip: whyNoLambda() ?? false }, () => {
  let running: RunningFunction;
  afterEach(() => running.close());

  const calls = (): number => {
    const { journal, storeJournal } = running.world.cloud;
    const made = journal.entries.length + storeJournal.entries.length;
    journal.clear();
    storeJournal.clear();
    return made;
  };
  const started = (name: string, time: Date): object => ({
    ...terminated(name),
    time: time.toISOString().replace(/\.\d+Z$/, 'Z'),
    detail: { 'instance-id': planned.instance(name), state: 'running' },
  });

  const interrupted = (name: string): object => ({
    ...terminated(name),
    'detail-type': 'EC2 Spot Instance Interruption Warning',
    time: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    detail: { 'instance-id': planned.instance(name), 'instance-action': 'terminate' },
  });

  it('about instances without a lease costs a look at the leases, and not one each', async () => {
    running = await RunningFunction.start(NODES);
    await running.ask(SCHEDULE);
    calls();
    assert.equal((await running.ask(terminated('stranger-0')))['how'], 'ignored');
    const look = calls();
    assert.ok(look > 0);
    for (let number = 1; number <= 100; number++)
      assert.equal((await running.ask(terminated(`stranger-${number}`)))['how'], 'ignored');
    // One, and another each ten seconds: of a hundred not even half, on a machine that is slow today.
    assert.ok(calls() < 50 * look);
  });

  it('about machines that started costs a run for those that the last run cannot have seen, and nothing for the others', async () => {
    running = await RunningFunction.start(NODES);
    await running.ask(SCHEDULE);
    calls();
    const now = Date.now();
    for (const { name } of NODES)
      assert.equal((await running.ask(started(name, new Date(now - 600_000))))['how'], 'ignored');
    assert.equal(calls(), 0);
    assert.equal((await running.ask(started('a1', new Date(now))))['how'], 'done');
  });

  it('that ends machines is not passed over: each is told of by its own event', async () => {
    running = await RunningFunction.start(NODES);
    await running.ask(SCHEDULE);
    const late = { ...terminated('b2'), time: new Date(Date.now() - 600_000).toISOString() };
    assert.equal((await running.ask(late))['how'], 'done');
    await running.routesStand(NODES.filter(({ name }) => name !== 'b2'));
  });

  it('that ends many machines makes a few runs: what two of them have seen is done for all', async () => {
    running = await RunningFunction.start(NODES);
    await running.ask(SCHEDULE);
    const { cloud } = running.world;
    for (const { name } of NODES) cloud.orderInstance(planned.instance(name), 'terminate');
    await running.until('the ends of all', () =>
      NODES.every(({ name }) => cloud.state.instances.get(planned.instance(name))?.state === 'terminated')
        ? { found: true }
        : { missing: 'some still end' },
    );
    const answers: unknown[] = [];
    for (const { name } of NODES) answers.push((await running.ask(terminated(name)))['how']);
    assert.deepEqual(answers, ['done', 'done', 'ignored', 'ignored', 'ignored', 'ignored']);
    const states = (await running.world.rows('lease#')).map(({ state }) => state);
    assert.deepEqual(new Set(states), new Set(['freed']));
  });

  it('of Spot interruptions reaches all senders at once: no run waits until they have left, while others stand in line', async () => {
    running = await RunningFunction.start(NODES);
    await running.ask(SCHEDULE);
    const leavers = NODES.filter(({ subnet }) => subnet === 'b');
    const sent = leavers.map(({ name }) => running.service.send(interrupted(name)));
    await Promise.all(sent);
    const answers = running.service.invocations.slice(1).map((invocation) => running.answerOf(invocation)['how']);
    assert.deepEqual(
      answers,
      leavers.map(() => 'done'),
    );
    const ledger = await running.world.records('ledger');
    for (const { lease } of leavers) assert.equal(ledger.get(`${TABLES.a}/${lease}`)?.['state'], 'refused');
    // A run that waits takes them away when it has done so.
    assert.deepEqual(running.world.routes(TABLES.a), routesFor('a', NODES));
    assert.deepEqual(running.world.routes(TABLES.b), routesFor('b', NODES));
    assert.equal((await running.world.records('leaving')).size, leavers.length);
    // EC2's word that they end is the end of their routes, whether or not a run by the clock was before it.
    running.world.cloud.orderInstance(planned.instance('b2'), 'terminate');
    assert.equal((await running.ask(terminated('b2')))['how'], 'done');
    assert.ok(!running.world.routes(TABLES.a).some((route) => route.endsWith(planned.interface('b2'))));
    assert.equal(running.world.routes(TABLES.a).length, 2);
  });

  it('of records that cannot be read is told in a few lines', async () => {
    running = await RunningFunction.start(NODES);
    const answer = await running.ask({ Records: Array.from({ length: 1000 }, () => ({})) });
    assert.equal(answer['how'], 'ignored');
    assert.equal(running.metrics()['BadEvents'], 1000);
    assert.ok(running.said('an event could not be used').length <= 21);
  });
});
