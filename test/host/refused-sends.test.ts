import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RefusedSends } from '../../src/host/refused-sends.ts';
import { ENOBUFS } from '../../src/native/kernel-error.ts';

test('datagrams that are refused are told of in one and the same word, until none has been for a minute', () => {
  const sends = new RefusedSends();
  const told = (count: number, nowMs: number): string =>
    sends
      .look({ count, errno: count === 0 ? 0 : ENOBUFS }, nowMs)
      .map(({ message }) => message)
      .join();
  assert.equal(told(0, 1000), '');
  const first = told(3, 2000);
  assert.match(first, /ENOBUFS$/);
  assert.equal(told(900, 50_000), first);
  assert.equal(told(900, 109_999), first);
  assert.equal(told(900, 110_000), '');
});
