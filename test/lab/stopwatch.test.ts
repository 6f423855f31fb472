import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Stopwatch } from '../../src/lab/stopwatch.ts';

/** @param gaps between two beats, by the wall */
function measured(gaps: readonly number[]): number {
  let wallMs = 7000;
  const watch = new Stopwatch(() => wallMs);
  for (const gap of gaps) {
    wallMs += gap;
    watch.beat();
  }
  watch.stop();
  return watch.ms;
}

test('where the machine runs it is the time of the wall', () => {
  assert.equal(measured([10, 10, 25, 40, 10]), 95);
});

test('a machine that stood still for seconds has taken none of them', () => {
  const ran = measured([10, 10, 10]);
  const stood = measured([10, 3000, 10]);
  assert.ok(stood >= ran && stood < ran + 50, `${stood} ms`);
});
