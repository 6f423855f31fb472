import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunRequest } from '../../src/reconcile/reconciler-parts.ts';
import { readRunState, RUN_STATE_KEY, saveRunState } from '../../src/reconcile/run-state.ts';
import { never } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';

const signal = never();
const MINUTE = 60_000;
const NOON = Date.UTC(2026, 5, 1, 12);

function world() {
  const records = new MemoryRecords(new MemoryNetwork(new ManualClock()));
  /** A run of a process that has just started, at this time of its wall clock. */
  const run = async (wallMs: number, why: RunRequest['why'] = 'schedule', by = 'lambda') => {
    const state = await readRunState({ records, clock: new ManualClock(0, wallMs), by }, why, signal);
    return saveRunState(records, state, signal);
  };
  return { records, run };
}

test('runs are counted, and the age is what passes between them', async () => {
  const { run } = world();
  const seen = [];
  for (const [minute, why] of [
    [0, 'schedule'],
    [1, 'schedule'],
    [1.5, 'event'],
    [3, 'change'],
    [3, 'person'],
    [6, 'schedule'],
  ] as const) {
    const { run: number, due, ageMs } = await run(NOON + minute * MINUTE, why);
    seen.push([number, due, ageMs / MINUTE]);
  }
  assert.deepEqual(seen, [
    [1, 1, 0],
    [2, 2, 1],
    [3, 2, 1.5],
    [4, 2, 3],
    [5, 3, 3],
    [6, 4, 6],
  ]);
});

test('no clock makes the age jump: a gap counts as four minutes, a step back as none', async () => {
  const { run } = world();
  const ages = [];
  for (const wallMs of [NOON, NOON + 1e12, NOON, NOON + MINUTE, 0, NOON, NOON + 30 * MINUTE])
    ages.push((await run(wallMs)).ageMs / MINUTE);
  assert.deepEqual(ages, [0, 4, 4, 5, 5, 9, 13]);
});

test('hosts whose clocks differ, and who run by turns, do not make it run faster than one alone', async () => {
  for (const aheadMs of [10 * MINUTE, -10 * MINUTE, 1e12, -NOON / 2]) {
    const { run } = world();
    let ageMs = 0;
    for (let minute = 0; minute < 60; minute++) {
      for (const [by, offMs] of [
        ['host-a', 0],
        ['host-b', aheadMs],
        ['host-c', 20_000],
      ] as const)
        ({ ageMs } = await run(NOON + minute * MINUTE + offMs, 'schedule', by));
    }
    // The difference is met once, by whoever has never run before, and counts as four minutes.
    assert.ok(ageMs >= 59 * MINUTE && ageMs <= 64 * MINUTE, `${ageMs / MINUTE} minutes with ${aheadMs}`);
  }
});

test('what was gained by a jump is gained once', async () => {
  const { run } = world();
  await run(NOON);
  const jumped = await run(NOON + 60 * MINUTE);
  assert.equal(jumped.ageMs, 4 * MINUTE);
  assert.equal((await run(NOON + 61 * MINUTE)).ageMs, 5 * MINUTE);
});

test('of many runners those that ran last are remembered', async () => {
  const { run } = world();
  for (let index = 0; index < 30; index++) await run(NOON, 'person', `host-${index}`);
  const { runners } = await run(NOON + MINUTE, 'person', 'host-29');
  assert.deepEqual(
    [...runners.keys()],
    [22, 23, 24, 25, 26, 27, 28, 29].map((index) => `host-${index}`),
  );
});

test('the last good run stays until there is another', async () => {
  const { records, run } = world();
  const state = await run(NOON);
  const good = {
    run: 1,
    ageMs: 0,
    at: '2026-06-01T12:00:05.000Z',
    by: 'lambda',
    why: 'schedule',
    calls: 7,
    durationMs: 5000,
  } as const;
  await saveRunState(records, { ...state, good }, signal);
  assert.deepEqual((await run(NOON + MINUTE)).good, good);
  assert.deepEqual((await run(NOON + MINUTE)).good, good);
});

test('what another run has written meanwhile is not overwritten', async () => {
  const { records, run } = world();
  const first = await run(NOON);
  await run(NOON);
  await assert.rejects(saveRunState(records, first, signal), { code: 'RECORD_CHANGED' });
});

test('a record that cannot be read begins anew, and says so', async () => {
  for (const value of [
    'x',
    null,
    {},
    { v: 1, ageMs: 0, run: 1, due: 1 },
    { v: 1, ageMs: -1, run: 1, due: 1, runners: [] },
    { v: 1, ageMs: 1e300, run: 1, due: 1, runners: [] },
  ]) {
    const { records, run } = world();
    await records.put('run', RUN_STATE_KEY, value, undefined, signal);
    const { ageMs, run: number, anew } = await run(NOON);
    assert.deepEqual([ageMs, number, anew], [0, 1, true]);
    assert.equal((await run(NOON + MINUTE)).anew, false);
  }
});
