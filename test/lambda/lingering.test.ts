import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayWaitForSenders } from '../../lambda/lingering.ts';
import type { Leaving } from '../../src/reconcile/reconciler-parts.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

const SECOND = 1000;
const instance = 'i-0123456789abcdef0';
const interrupted: Leaving = { instance, why: 'its Spot instance will be interrupted' };
const held: Leaving = { ...interrupted, action: { group: 'nodes', hook: 'weft-drain', instance, token: 't' } };

const clock = new ManualClock();
const old = (ms: number): object => ({ time: new Date(clock.wallTime() - ms).toISOString() });
const ofEvent = (leaving: readonly Leaving[], event: unknown): boolean =>
  mayWaitForSenders({ why: 'event', leaving }, event, clock);

test('a run by the clock, or by a person, waits for senders', () => {
  for (const why of ['schedule', 'person'] as const)
    assert.equal(mayWaitForSenders({ why, leaving: [] }, old(60 * SECOND), clock), true);
});

test('a run by an event waits where a group holds the machine up, if the event came by itself', () => {
  assert.equal(ofEvent([held], old(2 * SECOND)), true);
  assert.equal(ofEvent([held], old(20 * SECOND)), false);
  // Its clock is ahead of ours, or it says nothing that can be read.
  for (const event of [old(-60 * SECOND), {}, undefined, { time: 'soon' }, { time: 7 }])
    assert.equal(ofEvent([held], event), true);
});

test('nobody waits in a run by an event of whom goes anyway, or by a change', () => {
  for (const leaving of [[interrupted], []]) assert.equal(ofEvent(leaving, old(0)), false);
  assert.equal(mayWaitForSenders({ why: 'change', leaving: [] }, { Records: [] }, clock), false);
});
