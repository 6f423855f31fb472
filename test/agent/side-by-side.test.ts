import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { sideBySide, untilAborted } from '../../src/agent/side-by-side.ts';

test('many tasks that wait for one signal are no leak', async () => {
  const warnings: string[] = [];
  const warned = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', warned);
  const stop = new AbortController();
  const all = sideBySide((signal) => Array.from({ length: 20 }, () => untilAborted(signal)), stop.signal);
  await turn();
  stop.abort();
  await assert.rejects(all, { code: 'ABORTED' });
  await turn();
  process.off('warning', warned);
  assert.deepEqual(warnings, []);
});
