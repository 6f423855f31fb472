import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inParallel } from '../../src/core/in-parallel.ts';

const signal = new AbortController().signal;

describe('work in parallel', () => {
  it('begins in order, never more than so many at once, and ends when all is done', async () => {
    const begun: number[] = [];
    let now = 0;
    let most = 0;
    await inParallel([1, 2, 3, 4, 5], 2, signal, async (item) => {
      begun.push(item);
      most = Math.max(most, ++now);
      await Promise.resolve();
      now -= 1;
    });
    assert.deepEqual([begun, most, now], [[1, 2, 3, 4, 5], 2, 0]);
  });

  it('begins nothing more after a failure, and tells the first once what is under way has ended', async () => {
    const ended: number[] = [];
    const work = inParallel([1, 2, 3, 4], 2, signal, async (item) => {
      if (item === 1) throw new Error('one');
      await Promise.resolve();
      ended.push(item);
      if (item === 2) throw new Error('two');
    });
    await assert.rejects(work, /one/);
    assert.deepEqual(ended, [2]);
  });

  it('hears of the end of what it is part of', async () => {
    const stop = new AbortController();
    const work = inParallel([1, 2], 2, stop.signal, async (_item, own) => {
      await new Promise<void>((resolve) => own.addEventListener('abort', () => resolve(), { once: true }));
    });
    stop.abort();
    await work;
  });

  it('of nothing is done', async () => {
    await inParallel([], 4, signal, () => Promise.reject(new Error('called')));
  });
});
