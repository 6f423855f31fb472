import assert from 'node:assert/strict';
import { test } from 'node:test';
import { API_BUDGET_KEY, ApiBudget, type ApiRate } from '../../src/reconcile/api-budget.ts';
import { never } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork, unreachable } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const signal = never();
const RATE: ApiRate = { perSecond: 4, burst: 40 };

function world() {
  const network = new MemoryNetwork(new ManualClock());
  let processes = 0;
  const records = new MemoryRecords(network);
  /** Each process has a monotonic clock and a chance of its own; wall clocks agree unless `wallMs` says otherwise. */
  const open = (clock = new ManualClock(), rate = RATE) => ({
    clock,
    budget: new ApiBudget({ records, clock, random: new SeededRandom(++processes) }, rate),
  });
  const stored = () => network.records.get('budget')?.get(API_BUDGET_KEY)?.value;
  return { network, records, open, stored };
}

/** How many calls are made one after the other until so much time has passed. */
async function callsWithin({ clock, budget }: ReturnType<ReturnType<typeof world>['open']>, ms: number) {
  const untilMs = clock.now() + ms;
  let calls = 0;
  while (await clock.during(budget.take(1, untilMs, signal))) calls += 1;
  return calls;
}

test('lets the burst go at once, and the rate after it', async () => {
  const { open } = world();
  const one = open();
  assert.equal(await callsWithin(one, 0), 40);
  assert.equal(one.clock.now(), 0);
  assert.equal(await callsWithin(one, 10_000), 40);
  assert.equal(one.clock.now(), 10_000);
  await one.clock.advance(60_000);
  assert.equal(await callsWithin(one, 0), 40);
});

test('draws in portions: forty calls cost four writes to the store, slow ones one a second', async () => {
  const { open, network } = world();
  const writes: string[] = [];
  network.before = (call) => void (call === 'put' && writes.push(call));
  const one = open();
  await callsWithin(one, 0);
  assert.equal(writes.length, 4);
  await callsWithin(one, 10_000);
  assert.ok(writes.length <= 16, `${writes.length} writes`);
});

test('two processes have one budget', async () => {
  const { open } = world();
  const clock = new ManualClock();
  const [a, b] = [open(clock), open(clock)];
  assert.equal((await callsWithin(a, 0)) + (await callsWithin(b, 0)), 40);
  const untilMs = 20_000;
  let calls = 0;
  const spend = async ({ budget }: typeof a): Promise<void> => {
    while (await budget.take(1, untilMs, signal)) calls += 1;
  };
  await clock.during(Promise.all([spend(a), spend(b)]));
  // What one has in hand when time is up, the other misses.
  assert.ok(calls > 60 && calls <= 80, `${calls} calls in 20 s`);
});

test('says at once that time will not do, and takes nothing', async () => {
  const { open } = world();
  const one = open();
  await callsWithin(one, 0);
  assert.equal(await one.budget.take(8, 1999, signal), false);
  assert.equal(one.clock.now(), 0);
  assert.equal(await one.clock.during(one.budget.take(8, 2000, signal)), true);
  assert.equal(one.clock.now(), 2000);
});

test('takes more than a burst in steps', async () => {
  const { open } = world();
  const one = open();
  assert.equal(await one.clock.during(one.budget.take(100, Infinity, signal)), true);
  assert.equal(one.clock.now(), 15_000);
});

test('halves the rate for everybody when the cloud refuses, and grows it again', async () => {
  const { open, stored } = world();
  const clock = new ManualClock();
  const [a, b] = [open(clock), open(clock)];
  assert.equal(await a.budget.take(1, Infinity, signal), true);
  a.budget.throttled();
  a.budget.throttled();
  // What was in hand is void too: half of four a second is one in half a second.
  assert.equal(await a.budget.take(1, 499, signal), false);
  assert.deepEqual(stored(), { v: 1, tokens: 0, share: 0.5, wallMs: clock.wallTime() });
  assert.equal(await b.budget.take(1, 499, signal), false);

  for (let refusals = 0; refusals < 10; refusals++) {
    await clock.advance(1000);
    a.budget.throttled();
    await a.budget.take(1, clock.now(), signal);
  }
  const { share } = Object(stored());
  assert.ok(share >= 1 / 16 && share < 0.1, `share ${share}`);
  // Two minutes without a refusal: the whole rate.
  await clock.advance(120_000);
  assert.equal(await callsWithin(b, 0), 40);
  assert.equal(await callsWithin(b, 10_000), 40);
});

test('what was not used is given back', async () => {
  const { open } = world();
  const clock = new ManualClock();
  const [a, b] = [open(clock), open(clock)];
  await a.budget.take(1, Infinity, signal);
  await a.budget.giveBack(signal);
  assert.equal(await callsWithin(b, 0), 39);
});

test('a wall clock that jumps between two processes gains one burst at most, and costs nothing', async () => {
  const { open } = world();
  const early = open(new ManualClock(0, Date.UTC(2026, 0, 1)));
  assert.equal(await callsWithin(early, 0), 40);
  const late = open(new ManualClock(0, Date.UTC(2036, 0, 1)));
  assert.equal(await callsWithin(late, 0), 40);
  // Both go on by turns: each by what its own clock has counted since it met the record.
  let calls = 0;
  for (let seconds = 0; seconds < 20; seconds++) {
    for (const one of [early, late]) {
      await one.clock.advance(1000);
      calls += await callsWithin(one, 0);
    }
  }
  assert.ok(calls >= 70 && calls <= 90, `${calls} calls in 20 s`);
});

test('a record of another hand gives nothing, and is replaced', async () => {
  for (const value of ['x', null, { v: 2 }, { v: 1, tokens: '40', share: 1, wallMs: 0 }]) {
    const { open, records } = world();
    await records.put('budget', API_BUDGET_KEY, value, undefined, signal);
    const one = open();
    assert.equal(await one.budget.take(1, 249, signal), false);
    assert.equal(await one.clock.during(one.budget.take(1, 250, signal)), true);
  }
  const { open, records } = world();
  const boast = { v: 1, tokens: 1e9, share: 1e9, wallMs: -1e15 };
  await records.put('budget', API_BUDGET_KEY, boast, undefined, signal);
  assert.equal(await callsWithin(open(), 0), 40);
});

test('tells that the store is away, and ends when it is told to', async () => {
  const { open, network } = world();
  const one = open();
  network.before = () => {
    throw unreachable();
  };
  await assert.rejects(one.budget.take(1, Infinity, signal), { code: 'STORE_UNREACHABLE' });
  await one.budget.giveBack(signal);
  network.before = () => undefined;
  await callsWithin(one, 0);
  const stop = new AbortController();
  const waiting = one.budget.take(1, Infinity, stop.signal);
  await one.clock.untilAsleep();
  stop.abort();
  await assert.rejects(waiting, { code: 'ABORTED' });
});
