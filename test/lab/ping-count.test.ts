import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PingCount } from '../../src/lab/ping-count.ts';

function sent(count: PingCount, times: number, everyMs: number): void {
  for (let i = 0; i < times; i++) count.sends(i * everyMs);
}

test('a ping on its way is neither answered nor lost, and lost a second later', () => {
  const count = new PingCount();
  sent(count, 1, 10);
  assert.deepEqual(pick(count.read(900)), { sent: 1, answered: 0, lost: 0 });
  assert.deepEqual(pick(count.read(1100)), { sent: 1, answered: 0, lost: 1 });
});

test('a look on the way counts as the end does', () => {
  const count = new PingCount();
  sent(count, 4, 10);
  count.answered(1, 12);
  assert.deepEqual(count.soFar(20), { sent: 4, answered: 1, lost: 0 });
  count.answered(0, 900);
  assert.deepEqual(count.soFar(1025), { sent: 4, answered: 2, lost: 1 });
  // Too late: it is lost already.
  count.answered(2, 1026);
  count.answered(3, 1027);
  assert.deepEqual(count.soFar(5000), { sent: 4, answered: 3, lost: 1 });
  assert.deepEqual(pick(count.read(5000)), count.soFar(5000));
});

test('an answer counts once, however often it comes, and not after a second', () => {
  const count = new PingCount();
  sent(count, 2, 10);
  count.answered(0, 1);
  count.answered(0, 2);
  count.answered(1, 1500);
  count.answered(7, 3);
  count.answered(1, 1600);
  assert.deepEqual(pick(count.read(2000)), { sent: 2, answered: 1, lost: 1 });
  assert.equal(count.read(2000).late, 1);
});

test('an answer that is read late counts when it may have come in time', () => {
  const count = new PingCount();
  sent(count, 3, 10);
  count.answered(0, 3000, 1000);
  count.answered(1, 3000, 1010);
  count.answered(2, 3000, 1021);
  assert.deepEqual(pick(count.read(3000)), { sent: 3, answered: 2, lost: 1 });
});

test('the outage is the longest stretch between a lost ping and the next that was answered', () => {
  const count = new PingCount();
  sent(count, 20, 10);
  for (const sequence of [0, 1, 2, 4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
    count.answered(sequence, sequence * 10 + 1);
  const { outageMs, lost, elapsedMs } = count.read(5000);
  assert.deepEqual({ outageMs, lost, elapsedMs }, { outageMs: 40, lost: 5, elapsedMs: 190 });
});

test('an outage that never ends lasts until the last ping', () => {
  const count = new PingCount();
  sent(count, 5, 10);
  count.answered(0, 1);
  assert.equal(count.read(5000).outageMs, 30);
});

test('the round trip is the median of what was answered', () => {
  const count = new PingCount();
  sent(count, 4, 10);
  for (const [sequence, rttMs] of [
    [0, 9],
    [1, 1],
    [2, 2],
  ] as const) {
    count.answered(sequence, sequence * 10 + rttMs);
  }
  assert.equal(count.read(5000).rttMs, 2);
  assert.equal(new PingCount().read(0).rttMs, null);
});

const pick = ({ sent: all, answered, lost }: { sent: number; answered: number; lost: number }) => ({
  sent: all,
  answered,
  lost,
});
