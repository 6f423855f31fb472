/** The suites that every Clock and every Random pass. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { rejectsWith } from './store-world.ts';

/** `pass` lets that much time pass, by waiting or otherwise. */
export function clockContract(
  clockName: string,
  makeClock: () => { clock: Clock; pass(ms: number): Promise<void> },
): void {
  describe(clockName, () => {
    it('never goes back', async () => {
      const { clock, pass } = makeClock();
      const before = clock.now();
      await pass(5);
      assert.ok(clock.now() >= before);
    });

    it('sleeps for so long, and not shorter', async () => {
      const { clock, pass } = makeClock();
      const before = clock.now();
      const slept = clock.sleep(20, new AbortController().signal).then(() => clock.now());
      await pass(20);
      assert.ok((await slept) >= before + 20 - 1);
    });

    it('wakes sleepers in the order of their times', async () => {
      const { clock, pass } = makeClock();
      const woken: number[] = [];
      const signal = new AbortController().signal;
      const sleeps = [30, 5].map((ms) => clock.sleep(ms, signal).then(() => woken.push(ms)));
      await pass(30);
      await Promise.all(sleeps);
      assert.deepEqual(woken, [5, 30]);
    });

    it('ends a sleep with ABORTED when the signal fires, at once when it has already', async () => {
      const { clock } = makeClock();
      const stop = new AbortController();
      const sleep = rejectsWith('ABORTED', clock.sleep(60_000, stop.signal));
      stop.abort();
      await sleep;
      await rejectsWith('ABORTED', clock.sleep(0, stop.signal));
    });

    it('tells the time of day in milliseconds since 1970', () => {
      assert.ok(makeClock().clock.wallTime() > Date.UTC(2020, 0, 1));
    });
  });
}

export function randomContract(randomName: string, makeRandom: () => Random): void {
  describe(randomName, () => {
    it('draws whole numbers below the bound, each of them sometimes', () => {
      const random = makeRandom();
      const drawn = new Set(Array.from({ length: 500 }, () => random.below(5)));
      assert.deepEqual(
        [...drawn].toSorted((a, b) => a - b),
        [0, 1, 2, 3, 4],
      );
      assert.equal(random.below(1), 0);
    });

    it('draws fractions from 0 up to 1, spread evenly', () => {
      const random = makeRandom();
      const fractions = Array.from({ length: 4000 }, () => random.fraction());
      assert.ok(fractions.every((fraction) => fraction >= 0 && fraction < 1));
      const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length;
      // 0.05 is eleven standard deviations of the mean of 4,000.
      assert.ok(Math.abs(mean - 0.5) < 0.05, `mean ${mean}`);
    });
  });
}
