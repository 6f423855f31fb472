/** What keeps a run from its end, or comes seldom: the runs after it get on all the same, and nothing is kept for ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { ledgerKey } from '../../src/core/ledger.ts';
import { never } from '../contract/store-world.ts';
import type { Tap } from '../fakes/tapped.ts';
import { A, B, pair, result, rows } from './reconciler-pair.ts';
import { config, destination, instanceOf, MINUTE, ReconcilerWorld } from './reconciler-world.ts';
import { changes } from './world-state.ts';

const RIGHT = [`${A} eni-3`, `${B} eni-1`];
const denied = () => new WeftError('CLOUD_DENIED', 'no');

describe('a machine that was said to leave', () => {
  const action = { group: 'nodes', hook: 'weft-drain', instance: instanceOf(3), token: 't' };

  it('with an action that nobody can complete is forgotten when it is gone', async () => {
    const world = await pair();
    world.cloud.before = (call) => {
      if (call === 'complete') throw denied();
    };
    await world.run(world.process(), { why: 'event', leaving: [{ instance: instanceOf(3), why: 'x', action }] });
    world.terminate(3);
    await world.runs(3);
    assert.equal(world.network.records.get('leaving')?.size, 0);
  });

  it('with an action that nobody can complete, and runs on, gets its routes back within hours', async () => {
    const world = await pair();
    world.cloud.before = (call) => {
      if (call === 'complete') throw denied();
    };
    await world.records.put(
      'leaving',
      instanceOf(3),
      { v: 1, why: 'so says somebody', sinceMs: 0, action: { group: 'g', hook: 'weft-drain', token: 't' } },
      'absent',
      never(),
    );
    world.alive.delete(3);
    await world.runs(32);
    await world.claim(3, { subnet: 'subnet-b' });
    await world.runs(1);
    assert.deepEqual(world.cloud.text, RIGHT);
  });

  it('is believed for ten minutes from the last time that it was said', async () => {
    const world = await pair();
    const leaving = [{ instance: instanceOf(3), why: 'a Spot instance' }];
    const tell = { why: 'event', leaving } as const;
    await world.run(world.process(), tell);
    for (const request of [{}, {}, tell, {}]) {
      await world.pass(3 * MINUTE);
      await world.run(world.process(), request);
      assert.equal(world.network.records.get('leaving')?.size, 1);
    }
  });
});

it('adoption leaves tables alone that the config does not name', async () => {
  const world = await pair();
  world.configure(config('reconciler', { AWS: { RouteTableID: ['rtb-a', 'rtb-b'] } }));
  for (const table of ['rtb-a', 'rtb-main']) world.cloud.foreign(table, destination(60), 'eni-60', false);
  await world.run(world.process(), { why: 'person', adopt: true });
  assert.deepEqual(world.cloud.text, [...RIGHT, `rtb-main ${destination(60)} eni-60`].toSorted());
});

it('a quota that is only the published one takes no place from what stands', async () => {
  const world = await pair();
  await world.join(2, { subnet: 'subnet-a' });
  for (let n = 0; n < 499; n++) world.cloud.foreign('rtb-b', destination(1000 + n), 'igw-1');
  const table = world.cloud.tables.get('rtb-b');
  assert.ok(table !== undefined);
  table.quota = 1000;
  await world.run();
  world.cloud.before = (call) => {
    if (call === 'quota') throw denied();
  };
  const report = await world.run();
  assert.deepEqual([result(report, 'rtb-b', 1)[0], result(report, 'rtb-b', 2)[0]], ['kept', 'kept']);
});

it('interfaces that may not be switched keep no route waiting for its turn', async () => {
  const world = ReconcilerWorld.small({ rate: { perSecond: 1, burst: 5 } });
  for (let n = 1; n <= 60; n++) await world.join(n, { subnet: n % 2 === 0 ? 'subnet-a' : 'subnet-b', forwards: false });
  world.cloud.before = (call) => {
    if (call === 'prepare') throw denied();
  };
  const process = world.process();
  await world.run(process, { untilMs: process.clock.now() + MINUTE });
  assert.ok(world.cloud.text.length > 10, `${world.cloud.text.length} routes`);
});

it('a row that the store cannot read is written over, and its route put', async () => {
  const world = await pair();
  const key = ledgerKey('rtb-b', destination(1));
  await world.records.put('ledger', key, 'no JSON', 'absent', never());
  const { list } = world.records;
  const open = list.bind(world.records);
  world.records.list = async (kind, signal) => {
    const found = await open(kind, signal);
    if (kind !== 'ledger' || found.records.get(key)?.value !== 'no JSON') return found;
    const records = new Map([...found.records].filter(([name]) => name !== key));
    return { records, skipped: [{ key, why: 'no JSON' }] };
  };
  const first = await world.run();
  assert.deepEqual(world.cloud.text, RIGHT);
  assert.deepEqual(rows(world), [`${A} eni-3 committed`, `${B} eni-1 committed`]);
  assert.ok(first.findings.some(({ message }) => message.includes(key)));
});

it('runs that fail at their end do not begin to wait anew each time', async () => {
  const world = await pair();
  await world.join(4, { subnet: 'subnet-b' });
  await world.run();
  world.cloud.machines.machines.get(instanceOf(3))?.tags.clear();
  world.cloud.before = (call) => {
    if (call === 'look' && world.cloud.made.at(-2)?.call === 'create') throw new WeftError('CLOUD_UNREACHABLE', 'away');
  };
  // Each run has something to look for afterwards, and cannot.
  for (let n = 0; n < 4; n++) {
    world.cloud.tables.get('rtb-b')?.routes.delete(destination(1));
    await world.run().catch(() => undefined);
    await world.pass(3 * MINUTE);
  }
  assert.ok(changes(world).includes(`remove ${A} eni-3`), changes(world).join());
});

it("another hand's lock of five minutes stops processes that see it for the first time once", async () => {
  const world = await pair();
  const lock = { v: 1, owner: 'a', leaseMs: 300_000, mark: 'x', beat: 0 };
  await world.records.put('lock', 'reconciler', lock, 'absent', never());
  const reports = await world.runs(2);
  assert.equal(reports.at(-1)?.how, 'done');
});

it('an idle run writes its lock and its own record, and nothing else', async () => {
  const world = await pair();
  await world.run();
  await world.run();
  const writes: string[] = [];
  const tap: Tap = (what, work) => {
    if (/^(put|remove|add|claim|renew|release)/.test(what)) writes.push(what);
    return work();
  };
  await world.run(world.process({ tap: () => tap }));
  assert.deepEqual(writes, ['put lock reconciler', 'put run state', 'put run state', 'remove lock reconciler']);
});

it('what a run was cut after is in the audit of the next', async () => {
  const world = await pair();
  const cut = new AbortController();
  world.cloud.after = (call) => {
    if (call === 'create') cut.abort();
  };
  await world.run(world.process(), {}, cut.signal).catch(() => undefined);
  const created = world.cloud.text.length;
  assert.ok(created > 0);
  const { audit } = await world.run();
  const why = 'it was called for before, by whoever was cut before it could be said';
  assert.equal(audit.filter((entry) => entry.action === 'adopted' && entry.why === why).length, created);
});
