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
  const run = async (wallMs: number, why: RunRequest['why'] = 'schedule') => {
    const state = await readRunState({ records, clock: new ManualClock(0, wallMs) }, why, signal);
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
    const { run: number, scheduled, ageMs } = await run(NOON + minute * MINUTE, why);
    seen.push([number, scheduled, ageMs / MINUTE]);
  }
  assert.deepEqual(seen, [
    [1, 1, 0],
    [2, 2, 1],
    [3, 2, 1.5],
    [4, 2, 3],
    [5, 2, 3],
    [6, 3, 6],
  ]);
});

test('no clock makes the age jump: a gap counts as four minutes, a step back as none', async () => {
  const { run } = world();
  const ages = [];
  for (const wallMs of [NOON, NOON + 1e12, NOON, NOON + MINUTE, 0, NOON, NOON + 30 * MINUTE])
    ages.push((await run(wallMs)).ageMs / MINUTE);
  assert.deepEqual(ages, [0, 4, 4, 5, 5, 9, 13]);
});

test('two hosts whose clocks differ by minutes and who run by turns do not make it run faster', async () => {
  const { run } = world();
  let ageMs = 0;
  for (let minute = 0; minute < 60; minute++) {
    await run(NOON + minute * MINUTE);
    ({ ageMs } = await run(NOON + (minute + 10) * MINUTE));
  }
  // Ten minutes of difference are met once, and count as four.
  assert.equal(ageMs / MINUTE, 59 + 4);
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
    { v: 1, ageMs: -1, run: 1, scheduled: 1, wallMs: 1 },
    { v: 1, ageMs: 1e300, run: 1, scheduled: 1, wallMs: 1 },
  ]) {
    const { records, run } = world();
    await records.put('run', RUN_STATE_KEY, value, undefined, signal);
    const { ageMs, run: number, anew } = await run(NOON);
    assert.deepEqual([ageMs, number, anew], [0, 1, true]);
    assert.equal((await run(NOON + MINUTE)).anew, false);
  }
});
