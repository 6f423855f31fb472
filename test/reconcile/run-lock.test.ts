import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RUN_LOCK_KEY, RunLock, type HeldLock } from '../../src/reconcile/run-lock.ts';
import { never } from '../contract/store-world.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork, unreachable } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const signal = never();

/** One network, and reconcilers whose clocks differ by days. */
function world() {
  const network = new MemoryNetwork(new ManualClock());
  let reconcilers = 0;
  const open = (owner: string) => {
    const clock = new ManualClock(86_400_000 * ++reconcilers);
    const log = new ListLog();
    const records = new MemoryRecords(network);
    const lock = new RunLock({ records, clock, random: new SeededRandom(reconcilers), log }, { owner });
    return { clock, log, records, lock };
  };
  const record = () => network.records.get('lock')?.get(RUN_LOCK_KEY);
  return { network, open, record };
}

function mine(held: HeldLock | undefined): HeldLock {
  assert.ok(held !== undefined, 'another holds it');
  return held;
}

test('one holds it, a second finds it busy until it is released', async () => {
  const { open, record } = world();
  const [a, b] = [open('a'), open('b')];
  const held = mine(await a.lock.acquire(0, signal));
  assert.equal(held.validForMs(), 40_500);
  assert.equal(await b.lock.acquire(0, signal), undefined);
  assert.equal(b.lock.holder, 'a');
  await held.release(signal);
  assert.equal(record(), undefined);
  assert.equal(held.validForMs(), 0);
  const second = mine(await b.lock.acquire(0, signal));
  assert.equal(a.clock.asleep, 0);
  await second.release(signal);
  assert.equal(b.clock.asleep, 0);
});

test('beats keep it for as long as it is held, against a rival who waits all the time', async () => {
  const { open } = world();
  const [a, b] = [open('a'), open('b')];
  const held = mine(await a.lock.acquire(0, signal));
  const waiting = b.lock.acquire(300_000, signal);
  for (let seconds = 0; seconds < 300; seconds += 5) {
    await Promise.all([a.clock.advance(5000), b.clock.advance(5000)]);
    assert.ok(held.validForMs() > 30_000);
  }
  assert.equal(await b.clock.during(waiting), undefined);
  assert.ok(!held.lost.aborted);
  await held.release(signal);
});

test('a rival takes over what has stood unchanged for a whole lease by its own clock, and not earlier', async () => {
  const { open, record } = world();
  const [a, b] = [open('a'), open('b')];
  // A holder that dies: its clock stands still, and so do its beats.
  const dead = mine(await a.lock.acquire(0, signal));
  const from = b.clock.now();
  const waiting = b.lock.acquire(Infinity, signal);
  const version = record()?.version;
  await b.clock.untilAsleep();
  await b.clock.advance(44_999);
  assert.equal(record()?.version, version);
  const held = mine(await b.clock.during(waiting));
  assert.equal(b.clock.now() - from, 45_000);
  assert.equal(held.validForMs(), 40_500);
  assert.deepEqual(b.log.text, ['info lock of a run that did not release it is taken over {node}']);

  // The dead one wakes up: it was certain of the lock for less than the rival has waited.
  await a.clock.advance(40_500);
  assert.equal(dead.validForMs(), 0);
  assert.ok(dead.lost.aborted);
  await dead.release(signal);
  assert.notEqual(record(), undefined);
  await held.release(signal);
  assert.equal(record(), undefined);
});

test('what a process has seen of a holder counts at its next try', async () => {
  const { open } = world();
  const [a, b] = [open('a'), open('b')];
  mine(await a.lock.acquire(0, signal));
  assert.equal(await b.lock.acquire(0, signal), undefined);
  await b.clock.advance(44_000);
  assert.equal(await b.lock.acquire(0, signal), undefined);
  await b.clock.advance(1000);
  await mine(await b.lock.acquire(0, signal)).release(signal);
});

test('of ten who try to take over one does', async () => {
  const { open } = world();
  mine(await open('dead').lock.acquire(0, signal));
  const rivals = Array.from({ length: 10 }, (_, index) => open(`r${index}`));
  for (const { lock } of rivals) assert.equal(await lock.acquire(0, signal), undefined);
  for (const { clock } of rivals) await clock.advance(45_000);
  const ends = await Promise.all(rivals.map(({ lock }) => lock.acquire(0, signal)));
  const [held, ...more] = ends.flatMap((end) => end ?? []);
  assert.deepEqual(more, []);
  await mine(held).release(signal);
});

test('a holder that was paused for longer than its lease has lost it, although nobody took it', async () => {
  const { open, record, network } = world();
  const a = open('a');
  const held = mine(await a.lock.acquire(0, signal));
  // The beat is on its way when the process stops, and the store has it; the answer is read an hour later.
  let stopped = false;
  network.after = (call) => {
    if (call !== 'put' || stopped) return;
    stopped = true;
    void a.clock.advance(3_600_000);
  };
  await a.clock.advance(10_000);
  assert.equal(held.validForMs(), 0);
  assert.ok(held.lost.aborted);
  const { version } = record() ?? {};
  await a.clock.advance(60_000);
  assert.equal(record()?.version, version, 'who has lost it beats no more');
  await held.release(signal);
});

test('a store that is away ends it, in time, and it stays lost when the store is back', async () => {
  const { open, network } = world();
  const a = open('a');
  const held = mine(await a.lock.acquire(0, signal));
  await a.clock.advance(25_000);
  assert.equal(held.validForMs(), 35_500);
  network.before = () => {
    throw unreachable();
  };
  await a.clock.advance(35_499);
  assert.ok(!held.lost.aborted);
  await a.clock.advance(1);
  assert.ok(held.lost.aborted);
  network.before = () => undefined;
  await a.clock.advance(60_000);
  assert.equal(held.validForMs(), 0);
  assert.ok(a.log.text.includes('warn lock is lost {why}'));
  await held.release(signal);
});

test('a beat whose answer is lost does not lose the lock', async () => {
  const { open, network } = world();
  const a = open('a');
  const held = mine(await a.lock.acquire(0, signal));
  let losses = 3;
  network.after = (call) => {
    if (call === 'put' && losses-- > 0) throw unreachable();
  };
  await a.clock.advance(30_000);
  assert.ok(held.validForMs() > 30_000);
  assert.ok(!held.lost.aborted);
  await held.release(signal);
  assert.equal(network.records.get('lock')?.size, 0);
});

test('a record that was removed or overwritten by another hand is a lost lock', async () => {
  for (const spoil of [
    (records: MemoryRecords) => records.remove('lock', RUN_LOCK_KEY, undefined, signal),
    (records: MemoryRecords) => records.put('lock', RUN_LOCK_KEY, 'mine', undefined, signal),
  ]) {
    const { open } = world();
    const a = open('a');
    const held = mine(await a.lock.acquire(0, signal));
    await spoil(a.records);
    await a.clock.advance(10_000);
    assert.ok(held.lost.aborted);
    await held.release(signal);
  }
});

test('a spoiled record is told of, and taken over after a lease', async () => {
  for (const value of ['x', null, { v: 1, owner: 7 }, { v: 1, owner: 'a', leaseMs: -1 }, { v: 2 }]) {
    const { open } = world();
    const b = open('b');
    await b.records.put('lock', RUN_LOCK_KEY, value, undefined, signal);
    assert.equal(await b.lock.acquire(0, signal), undefined);
    assert.equal(b.lock.holder, undefined);
    await b.clock.advance(44_999);
    assert.equal(await b.lock.acquire(0, signal), undefined);
    await b.clock.advance(1);
    await mine(await b.lock.acquire(0, signal)).release(signal);
    assert.equal(b.log.lines[0]?.message, 'lock of the reconciler cannot be read, and is waited out');
  }
});

test('a record that the store cannot read at all is waited out twice, so that two rivals do not both hold it', async () => {
  const { network, open } = world();
  const rivals = [open('a'), open('b')];
  let isGarbage = true;
  for (const { records } of rivals) {
    const list = records.list.bind(records);
    records.list = async (kind, within) =>
      isGarbage ? { records: new Map(), skipped: [{ key: RUN_LOCK_KEY, why: 'no JSON' }] } : list(kind, within);
  }
  network.after = (call) => {
    if (call === 'put') isGarbage = false;
  };
  for (const { lock } of rivals) assert.equal(await lock.acquire(0, signal), undefined);
  for (const { clock } of rivals) await clock.advance(45_000);
  assert.deepEqual(await Promise.all(rivals.map(({ lock }) => lock.acquire(0, signal))), [undefined, undefined]);
  for (const { clock } of rivals) await clock.advance(45_000);
  const ends = await Promise.all(rivals.map(({ lock }) => lock.acquire(0, signal)));
  assert.equal(ends.filter((end) => end !== undefined).length, 1);
  await ends.find((end) => end !== undefined)?.release(signal);
});

test("another hand's endless lease is waited for no longer than a run waits", async () => {
  const { open } = world();
  const b = open('b');
  const endless = { v: 1, owner: 'a', leaseMs: 1e15, mark: 'x', beat: 0 };
  await b.records.put('lock', RUN_LOCK_KEY, endless, undefined, signal);
  const from = b.clock.now();
  const held = mine(await b.clock.during(b.lock.acquire(Infinity, signal)));
  assert.equal(b.clock.now() - from, 50_000);
  await held.release(signal);
});

test('waiting ends when the caller gives up, or the store is away', async () => {
  const { open, network } = world();
  const [a, b] = [open('a'), open('b')];
  const held = mine(await a.lock.acquire(0, signal));
  const stop = new AbortController();
  const waiting = b.lock.acquire(Infinity, stop.signal);
  await b.clock.untilAsleep();
  stop.abort();
  await assert.rejects(waiting, { code: 'ABORTED' });
  network.before = () => {
    throw unreachable();
  };
  await assert.rejects(b.lock.acquire(0, signal), { code: 'STORE_UNREACHABLE' });
  await held.release(signal);
  assert.deepEqual(a.log.text, ['warn lock could not be released, and runs out {code error}']);
});
