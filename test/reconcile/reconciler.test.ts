/** One run of a reconciler that writes all routes: what comes of what it finds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { RunReport } from '../../src/reconcile/reconciler-parts.ts';
import { never } from '../contract/store-world.ts';
import { config, destination, instanceOf, MINUTE, ReconcilerWorld } from './reconciler-world.ts';
import { changes, ledgerText } from './world-state.ts';

const A = `rtb-a ${destination(3)}`;
const B = `rtb-b ${destination(1)}`;

/** Node 1 in subnet a, node 3 in b. */
async function pair(): Promise<ReconcilerWorld> {
  const world = ReconcilerWorld.small();
  await world.join(1, { subnet: 'subnet-a' });
  await world.join(3, { subnet: 'subnet-b' });
  return world;
}

const told = ({ audit }: RunReport): string[] =>
  audit.map(({ action, before = '-', after = '-', why }) => `${action} ${before} ${after}: ${why}`);
const result = ({ outcomes }: RunReport, table: string, number: number) => {
  const outcome = outcomes.get(`${table}/${destination(number)}`);
  return [outcome?.result, outcome?.why];
};
const rows = (world: ReconcilerWorld): string[] => ledgerText(world).map((line) => line.replace(/ epoch .*/, ''));

describe('a reconciler that writes all routes', () => {
  it('takes over from nodes: their routes stay, their rows are its own from then on, and every change has its reason', async () => {
    const world = await pair();
    world.configure(config('node'));
    await world.stands('rtb-a', 3);
    await world.runs(1);
    world.configure(config('reconciler'));
    const report = await world.run();
    assert.deepEqual(changes(world), [`create ${B} eni-1`]);
    assert.deepEqual(told(report), [
      'handed over node reconciler: the network config wants it so',
      'created - eni-1: 1 host sends by it',
    ]);
    assert.ok(ledgerText(world).every((line) => line.endsWith(`generation ${report.writer.generation}`)));
    world.configure(config('node'));
    const back = await world.run();
    assert.deepEqual([back.writer.mode, changes(world).length], ['node', 1]);
  });

  it('looks at the tables twice when there is something to write, and once when there is not', async () => {
    const world = await pair();
    const looks = () => world.cloud.made.filter(({ call }) => call === 'look').length;
    await world.run();
    assert.equal(looks(), 2);
    await world.run();
    assert.equal(looks(), 3);
    assert.deepEqual(
      world.cloud.made.slice(-4).map(({ call }) => call),
      ['look', 'interfaces', 'instances', 'quota', 'quota'].slice(-4),
    );
  });

  it('says of a route that stands already that it was found, once', async () => {
    const world = await pair();
    world.cloud.foreign('rtb-a', destination(3), 'eni-3');
    const first = await world.run();
    assert.deepEqual(told(first), [
      'adopted - eni-3: it stands as it ought to, and the ledger did not say so',
      'created - eni-1: 1 host sends by it',
    ]);
    assert.deepEqual((await world.run()).audit, []);
  });

  it('tells senders first of a route that loses its place, and takes it away five minutes later', async () => {
    const world = await pair();
    await world.join(2, { subnet: 'subnet-a' });
    await world.join(4, { subnet: 'subnet-b' });
    await world.run();
    const table = world.cloud.tables.get('rtb-b');
    assert.ok(table !== undefined);
    table.quota = 1;
    const first = await world.run();
    assert.deepEqual(rows(world).slice(-2), [`${B} eni-1 committed`, `rtb-b ${destination(2)} eni-2 refused`]);
    assert.ok(world.cloud.text.includes(`rtb-b ${destination(2)} eni-2`));
    assert.deepEqual(result(first, 'rtb-b', 2), ['waiting', 'others have more senders: goes in 5m if nothing changes']);
    assert.equal(first.tables.find(({ table: id }) => id === 'rtb-b')?.overflow, 1);
    await world.pass(3 * MINUTE);
    await world.run();
    await world.pass(3 * MINUTE);
    const last = await world.run();
    assert.ok(!world.cloud.text.includes(`rtb-b ${destination(2)} eni-2`));
    assert.deepEqual(result(last, 'rtb-b', 2), ['refused', 'rtb-b may hold 1 routes, and others have more senders']);
    assert.deepEqual(rows(world).slice(-2), [`${B} eni-1 committed`, `rtb-b ${destination(2)} eni-2 refused`]);
  });

  it('waits for room that stale routes still take, without a call, and says so', async () => {
    const world = await pair();
    world.cloud.machines.start({ instance: instanceOf(7), target: 'eni-7', subnet: 'subnet-b' });
    await world.stands('rtb-b', 7);
    const table = world.cloud.tables.get('rtb-b');
    assert.ok(table !== undefined);
    table.quota = 1;
    const [first] = await world.runs(4);
    assert.ok(first !== undefined);
    assert.deepEqual(result(first, 'rtb-b', 1)[0], 'refused');
    assert.deepEqual(changes(world), [`create ${A} eni-3`]);
    await world.runs(1);
    assert.deepEqual(changes(world).slice(1), [`remove rtb-b ${destination(7)} eni-7`, `create ${B} eni-1`]);
  });

  it('publishes why a lease is not believed, to who would send to it, with no target of its choice', async () => {
    const world = await pair();
    await world.run();
    world.lie('10.32.20.0-24', world.attributes(20, { subnet: 'subnet-b', target: 'eni-3' }));
    world.cloud.machines.machines.get(instanceOf(3))?.tags.clear();
    await world.run();
    assert.deepEqual(rows(world), [
      `rtb-a ${destination(20)} none refused`,
      `${A} eni-3 refused`,
      `${B} eni-1 committed`,
    ]);
  });

  it('keeps what stands in the store for a subnet and cannot be read', async () => {
    const world = await pair();
    await world.run();
    world.alive.delete(3);
    world.store.writeForeign('10.32.3.0-24', 'garbage');
    const reports = await world.runs(8);
    assert.deepEqual(world.cloud.text, [`${A} eni-3`]);
    assert.deepEqual(result(reports[7] ?? assert.fail(), 'rtb-a', 3), [
      'held',
      `what stands in the store for ${destination(3)} cannot be read`,
    ]);
    assert.ok(reports[7]?.findings.some(({ code }) => code === 'BAD_LEASE'));
  });

  it('does not remove what a row calls ours and is neither an interface nor a black hole', async () => {
    const world = await pair();
    await world.stands('rtb-a', 9, {}, 'igw-1');
    const reports = await world.runs(6);
    assert.ok(world.cloud.text.includes(`rtb-a ${destination(9)} igw-1`));
    assert.equal(result(reports[5] ?? assert.fail(), 'rtb-a', 9)[0], 'held');
  });

  it('switches the source/destination check of an interface off again before it routes to it', async () => {
    const world = await pair();
    world.cloud.forwarding.delete('eni-1');
    const report = await world.run();
    assert.deepEqual(changes(world)[0], 'prepare eni-1');
    assert.deepEqual(told(report)[0], 'prepared - eni-1: its source/destination check was on');
    assert.deepEqual((await world.run()).calls, 0);
  });

  it('does not ask a table again and again for what it is not given', async () => {
    const world = await pair();
    for (let number = 10; number < 60; number++) await world.join(number, { subnet: 'subnet-a' });
    world.cloud.before = (call) => {
      if (call === 'create') throw new WeftError('CLOUD_DENIED', 'no right to ec2:CreateRoute');
    };
    const report = await world.run();
    assert.ok(changes(world).length <= 2 * 16, `${changes(world).length} calls`);
    assert.ok([...report.outcomes.values()].every(({ code }) => code === 'CLOUD_DENIED'));
    assert.ok(rows(world).every((line) => line.endsWith(' refused')));
  });

  it('makes no call for a lease that went while it ran', async () => {
    const world = await pair();
    world.cloud.before = async (call) => {
      if (call !== 'create') return;
      world.cloud.before = () => undefined;
      await world.clock.advance(31_000);
      for (const number of [1, 3]) await world.release(number);
    };
    // Both calls are under way at once: what is asked again is the next.
    await world.run();
    const before = changes(world).length;
    await world.run();
    assert.equal(changes(world).length, before);
  });
});

describe('machines that leave', () => {
  it('senders are told, then the routes go, then the subnet is free and the machine may go', async () => {
    const world = await pair();
    await world.join(2, { subnet: 'subnet-a' });
    await world.run();
    const action = { group: 'nodes', hook: 'drain', instance: instanceOf(3), token: 't' };
    const seen: string[] = [];
    world.cloud.before = (call) => {
      if (call === 'remove') seen.push(...rows(world).filter((line) => line.startsWith(A)), `${world.clock.now()}`);
      if (call === 'complete') seen.push(`${world.network.freed.size} freed`, ...world.cloud.text);
    };
    const startMs = world.clock.now();
    const request = { why: 'event', leaving: [{ instance: instanceOf(3), why: 'the group shrinks', action }] } as const;
    const report = await world.run(world.process(), request);
    const [row, removedMs, ...atEnd] = seen;
    assert.equal(row, `${A} eni-3 refused`);
    assert.ok(Number(removedMs) - startMs >= 15_000);
    // What others have in its table waits: nobody sends by it any more.
    assert.deepEqual(atEnd, ['1 freed', `${B} eni-1`, `rtb-b ${destination(2)} eni-2`]);
    assert.deepEqual(told(report), [
      `removed eni-3 -: instance ${instanceOf(3)} is leaving: the group shrinks`,
      `released - -: instance ${instanceOf(3)} is leaving: the group shrinks`,
    ]);
    // It has not gone yet: nothing is put back for it.
    world.alive.delete(3);
    await world.claim(3, { subnet: 'subnet-b' }).catch(() => undefined);
    const after = await world.run();
    assert.ok(!world.cloud.text.includes(`${A} eni-3`));
    assert.deepEqual(
      after.audit.map(({ action: done }) => done),
      ['released'],
    );
    world.alive.delete(3);
    world.terminate(3);
    await world.runs(2);
    assert.equal(world.network.records.get('leaving')?.size, 0);
  });

  it('and carry nothing any more are waited for by nobody: their routes go at once, after their senders were told', async () => {
    const world = await pair();
    await world.run();
    world.terminate(3, 'shutting-down');
    const seen: string[] = [];
    world.cloud.before = (call) => {
      if (call === 'remove') seen.push(...rows(world).filter((line) => line.startsWith(A)));
    };
    const startMs = world.clock.now();
    await world.run(world.process(), { why: 'event', leaving: [{ instance: instanceOf(3), why: 'is shutting-down' }] });
    assert.deepEqual([seen, world.cloud.text.includes(`${A} eni-3`)], [[`${A} eni-3 refused`], false]);
    assert.ok(world.clock.now() - startMs < 15_000);
    assert.deepEqual([...world.network.freed.keys()], ['10.32.3.0-24']);
  });

  it('that are none of this network cost nothing, and are not remembered', async () => {
    const world = await pair();
    await world.run();
    const startMs = world.clock.now();
    await world.run(world.process(), { why: 'event', leaving: [{ instance: 'i-0abc', why: 'is stopping' }] });
    assert.deepEqual([world.clock.now(), world.network.records.get('leaving')?.size ?? 0], [startMs, 0]);
  });

  it('and run on after all get their routes back', async () => {
    const world = await pair();
    await world.run(world.process(), { why: 'event', leaving: [{ instance: instanceOf(3), why: 'is stopping' }] });
    world.alive.delete(3);
    await world.runs(3);
    await world.claim(3, { subnet: 'subnet-b' });
    await world.runs(1);
    assert.deepEqual(world.cloud.text, [`${A} eni-3`, `${B} eni-1`]);
  });
});

describe('black holes that nobody knows', () => {
  it('are conflicts, until a person takes them over: then wanted ones lead where they ought to, and the others go', async () => {
    const world = await pair();
    world.cloud.foreign('rtb-a', destination(3), 'eni-gone', false);
    world.cloud.foreign('rtb-a', destination(30), 'eni-gone', false);
    world.cloud.foreign('rtb-a', destination(31), 'igw-1');
    world.cloud.foreign('rtb-a', parseSubnet('10.99.0.0/24'), 'eni-gone', false);
    const first = await world.run();
    assert.equal(result(first, 'rtb-a', 3)[0], 'refused');
    assert.deepEqual(changes(world), [`create ${B} eni-1`]);
    const adopting = await world.run(world.process(), { why: 'person', adopt: true });
    assert.deepEqual(changes(world).slice(1), [`replace ${A} eni-3`, `remove rtb-a ${destination(30)} eni-gone`]);
    assert.deepEqual(told(adopting), [
      'replaced eni-gone eni-3: 1 host sends by it',
      'removed eni-gone -: a black hole that nobody knew, by a person\u2019s word',
    ]);
    assert.deepEqual(rows(world), [`${A} eni-3 committed`, `${B} eni-1 committed`]);
  });
});

describe('several networks', () => {
  it('are kept in one run, and nothing of one comes into the tables of another', async () => {
    const world = await pair();
    world.cloud.addTable('rtb-x', { network: 'vpc-2', subnets: ['subnet-x'] });
    world.cloud.addTable('rtb-y', { network: 'vpc-2', subnets: ['subnet-y'] });
    await world.join(5, { network: 'vpc-2', subnet: 'subnet-x' });
    await world.join(6, { network: 'vpc-2', subnet: 'subnet-y' });
    const report = await world.run(world.process({ settings: { networks: ['vpc-1', 'vpc-2'] } }));
    assert.deepEqual(world.cloud.text, [
      `${A} eni-3`,
      `${B} eni-1`,
      `rtb-x ${destination(6)} eni-6`,
      `rtb-y ${destination(5)} eni-5`,
    ]);
    assert.deepEqual(
      report.tables.map(({ table, network, occupied }) => `${network} ${table} ${occupied}`),
      ['vpc-1 rtb-a 1', 'vpc-1 rtb-b 1', 'vpc-2 rtb-x 1', 'vpc-2 rtb-y 1'],
    );
    // Kept by one that knows the first alone, nothing of the second is touched, nor forgotten.
    const ledger = ledgerText(world);
    for (const number of [5, 6]) await world.release(number);
    await world.runs(1);
    assert.deepEqual([ledgerText(world), changes(world).length], [ledger, 4]);
    assert.equal((await world.records.list('ledger', never())).records.size, 4);
  });
});
