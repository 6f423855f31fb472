import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeavingMachines } from '../../src/reconcile/leaving.ts';
import { never } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';

const signal = never();
const instance = 'i-0123456789abcdef0';
const action = { group: 'workers', hook: 'weft-drain', instance, token: 'f0c3b1de-95a1-4e0d-8d0c-5d4a1b2c3d4e' };

function world() {
  const network = new MemoryNetwork(new ManualClock());
  const records = new MemoryRecords(network);
  const open = (ageMs: number) => LeavingMachines.read(records, { ageMs }, signal);
  const keys = () => [...(network.records.get('leaving')?.keys() ?? [])];
  return { records, open, keys };
}

test('a machine that leaves is known to later runs, with its action until that is completed', async () => {
  const { open, keys } = world();
  const first = await open(1000);
  await first.remember([{ instance, why: 'Spot interruption' }], signal);
  assert.deepEqual(first.all.get(instance), { instance, why: 'Spot interruption', sinceMs: 1000 });

  const second = await open(2000);
  await second.remember([{ instance, why: 'terminated by its group', action }], signal);
  const third = await open(3000);
  assert.deepEqual([...third.all.values()], [{ instance, why: 'terminated by its group', sinceMs: 2000, action }]);
  // Told again without it, the action is not forgotten.
  await third.remember([{ instance, why: 'shutting-down' }], signal);
  assert.deepEqual(third.all.get(instance)?.action, action);

  await third.completed({ ...action, token: 'another' }, signal);
  assert.deepEqual((await open(3000)).all.get(instance)?.action, action);
  await third.completed(action, signal);
  const fourth = await open(4000);
  assert.deepEqual([...fourth.all.values()], [{ instance, why: 'shutting-down', sinceMs: 3000 }]);
  await fourth.forget(instance, signal);
  await fourth.forget(instance, signal);
  assert.deepEqual(keys(), []);
  assert.equal(fourth.all.size, 0);
});

test("an action of another tool's hook is none, whether it is told now or stands in the store", async () => {
  const { records, open } = world();
  const { group, token } = action;
  const theirs = { v: 1, why: 'its group ends it', sinceMs: 0, action: { group, hook: 'ship-logs', token } };
  await records.put('leaving', instance, theirs, undefined, signal);
  const machines = await open(0);
  assert.deepEqual(machines.all.get(instance), { instance, why: 'its group ends it', sinceMs: 0 });
  await machines.remember([{ instance, why: 'told again', action: { ...action, hook: 'ship-logs' } }], signal);
  assert.deepEqual(machines.all.get(instance), { instance, why: 'told again', sinceMs: 0 });
  assert.equal((await open(0)).all.get(instance)?.action, undefined);

  const named = await LeavingMachines.read(records, { ageMs: 0, hook: 'ship-logs' }, signal);
  await named.remember([{ instance, why: 'x', action: { ...action, hook: 'ship-logs' } }], signal);
  assert.equal(named.all.get(instance)?.action?.hook, 'ship-logs');
});

test('what is told of no machine is not kept', async () => {
  const { open, keys } = world();
  const machines = await open(0);
  await machines.remember(
    ['', 'a b', '../x', 'i'.repeat(200)].map((id) => ({ instance: id, why: 'x' })),
    signal,
  );
  assert.deepEqual(keys(), []);
  await machines.remember([{ instance, why: 'y'.repeat(5000) }], signal);
  assert.equal((await open(0)).all.get(instance)?.why.length, 300);
});

test("another hand's record is named, hides no other, and can be written over", async () => {
  const { records, open } = world();
  const spoiled = [
    'x',
    { v: 1, why: '', sinceMs: 0 },
    { v: 1, why: 'x', sinceMs: -1 },
    { v: 1, why: 'x', sinceMs: 0, action: { group: 7 } },
    { v: 1, why: 'x', sinceMs: 0, action: null },
  ];
  for (const [index, value] of spoiled.entries()) await records.put('leaving', `i-${index}`, value, undefined, signal);
  await (await open(0)).remember([{ instance, why: 'x' }], signal);
  const machines = await open(0);
  assert.deepEqual([...machines.all.keys()], [instance]);
  assert.deepEqual(machines.unreadable.toSorted(), ['i-0', 'i-1', 'i-2', 'i-3', 'i-4']);
  await machines.remember([{ instance: 'i-0', why: 'stopping' }], signal);
  assert.equal((await open(0)).all.get('i-0')?.why, 'stopping');
});

test('a time ahead of the age is now', async () => {
  const { records, open } = world();
  await records.put('leaving', instance, { v: 1, why: 'x', sinceMs: 1e15 }, undefined, signal);
  assert.equal((await open(5000)).all.get(instance)?.sinceMs, 5000);
});

test('two runs at once do not overwrite each other', async () => {
  const { open } = world();
  const [a, b] = [await open(0), await open(0)];
  await a.remember([{ instance, why: 'stopping' }], signal);
  await assert.rejects(b.remember([{ instance, why: 'terminated' }], signal), { code: 'RECORD_CHANGED' });
});
