import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bell } from '../../src/core/bell.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

const never = new AbortController().signal;

/** What has become of a wait so far. */
function watched(wait: Promise<void>): { state: string } {
  const seen = { state: 'waits' };
  wait.then(
    () => (seen.state = 'over'),
    (error: unknown) => (seen.state = error instanceof Error && 'code' in error ? String(error.code) : 'failed'),
  );
  return seen;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a ring before anybody waits is heard, and many are one', async () => {
  const bell = new Bell();
  bell.ring();
  bell.ring();
  await bell.heard(never);
  const second = watched(bell.heard(never));
  await settle();
  assert.equal(second.state, 'waits');
  bell.ring();
  await settle();
  assert.equal(second.state, 'over');
});

test('a ring for what has been seen to meanwhile is none', async () => {
  const bell = new Bell();
  bell.ring();
  await bell.heard(never);
  bell.ring();
  bell.hush();
  const next = watched(bell.heard(never));
  await settle();
  assert.equal(next.state, 'waits');
  bell.ring();
  await settle();
  assert.equal(next.state, 'over');
});

test('a wait is over when it is rung, when its time is, and at once when nothing is left of that', async () => {
  const clock = new ManualClock();
  const bell = new Bell();
  const timed = watched(bell.wait(clock, 1000, never));
  await clock.advance(999);
  assert.equal(timed.state, 'waits');
  await clock.advance(1);
  assert.equal(timed.state, 'over');
  const rung = watched(bell.wait(clock, 1000, never));
  await clock.advance(1);
  bell.ring();
  await clock.advance(0);
  assert.equal(rung.state, 'over');
  assert.equal(clock.asleep, 0);
  await bell.wait(clock, 0, never);
  const endless = watched(bell.wait(clock, Infinity, never));
  await clock.advance(10 ** 9);
  assert.equal(endless.state, 'waits');
  bell.ring();
  await clock.advance(0);
  assert.equal(endless.state, 'over');
});

test('a signal ends either, and uses up no ring', async () => {
  const clock = new ManualClock();
  for (const ms of [1000, Infinity]) {
    const bell = new Bell();
    const stop = new AbortController();
    const wait = watched(bell.wait(clock, ms, stop.signal));
    await settle();
    stop.abort();
    await settle();
    assert.equal(wait.state, 'ABORTED');
    bell.ring();
    await bell.heard(stop.signal);
    await bell.wait(clock, ms, never);
    const next = watched(bell.heard(never));
    await settle();
    assert.equal(next.state, 'waits');
  }
});

test('a sleeper that fails is not taken for one that was ended', async () => {
  const broken = { sleep: () => Promise.reject(new Error('no timer')) };
  await assert.rejects(new Bell().wait(broken, 1000, never), /no timer/);
});
