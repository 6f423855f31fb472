/** One run of a reconciler that writes all routes: what comes of what it finds. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { config, destination, instanceOf, MINUTE } from './reconciler-world.ts';
import { A, B, pair, result, rows, told } from './reconciler-pair.ts';
import { changes, ledgerText } from './world-state.ts';

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

  it('makes no call for leases that went while it ran, by what the store said no longer than 30 s ago', async () => {
    const world = await pair();
    for (let number = 10; number < 60; number++) await world.join(number, { subnet: 'subnet-a' });
    world.cloud.before = async (call) => {
      if (call !== 'create') return;
      world.cloud.before = () => undefined;
      for (let number = 40; number < 60; number++) await world.release(number);
    };
    // So slow that the last are due when more than half a minute has passed.
    const report = await world.run(world.process({ settings: { rate: { perSecond: 1, burst: 1 } } }));
    const late = Array.from({ length: 20 }, (_, at) => destination(40 + at));
    assert.deepEqual(
      changes(world).filter((line) => late.some((to) => line.includes(` ${to} `))),
      [],
    );
    assert.equal(result(report, 'rtb-b', 50)[0], 'held');
    assert.ok(world.cloud.text.includes(`rtb-b ${destination(30)} eni-30`));
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
