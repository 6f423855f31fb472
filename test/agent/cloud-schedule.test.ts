import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CloudSchedule } from '../../src/agent/cloud-schedule.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

/** A doubt, and the look that it calls for: how long it has to wait. */
function doubtAndLook(schedule: CloudSchedule): number {
  schedule.doubt(0);
  const { waitMs } = schedule;
  schedule.begin();
  return waitMs;
}

test('a look that fails while somebody doubts is paid for once, however often it is made again', () => {
  const schedule = new CloudSchedule({ clock: new ManualClock(1_000_000), random: new SeededRandom(1) });
  // The look at the start.
  schedule.begin();
  assert.equal(doubtAndLook(schedule), 0);
  for (let again = 0; again < 10; again++) {
    schedule.stillDoubted();
    assert.equal(schedule.doubted, true);
    schedule.begin();
  }
  assert.equal(schedule.doubted, false);
  // Three at once, as without the failures.
  assert.equal(doubtAndLook(schedule), 0);
  assert.equal(doubtAndLook(schedule), 0);
  assert.equal(doubtAndLook(schedule), 2 * 60_000);
});
