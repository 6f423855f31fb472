import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { Sightings } from '../../src/core/sightings.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const [a, b] = ['10.42.1.0/24', '10.42.2.0/24'].map((subnet) => leaseKeyOf({ v4: parseSubnet(subnet) }));
assert.ok(a !== undefined && b !== undefined);

const inTheMiddle = (): Sightings => new Sightings(() => 0.5, 10_000);

test('an owner whose version stands still for its TTL and five minutes is gone; one that renews is not', () => {
  const sightings = inTheMiddle();
  for (const key of [a, b]) {
    sightings.see(key, '1', 0);
    sightings.setTtl(key, HOUR_MS);
  }
  sightings.see(a, '1', 30 * MINUTE_MS);
  sightings.see(b, '2', 30 * MINUTE_MS);
  assert.deepEqual([...sightings.expired(65 * MINUTE_MS - 1)], []);
  assert.deepEqual([...sightings.expired(65 * MINUTE_MS)], [a]);
  assert.deepEqual([...sightings.expired(95 * MINUTE_MS)], [a, b]);
  sightings.see(a, '2', 95 * MINUTE_MS);
  sightings.forget(b);
  assert.deepEqual([...sightings.expired(96 * MINUTE_MS)], []);
});

test('who does not say how long it lives has a day', () => {
  const sightings = inTheMiddle();
  sightings.see(a, '1', 0);
  sightings.setTtl(a, HOUR_MS);
  sightings.setTtl(a, undefined);
  assert.deepEqual([...sightings.expired(24 * HOUR_MS)], []);
  assert.deepEqual([...sightings.expired(24 * HOUR_MS + 5 * MINUTE_MS)], [a]);
});

test('looks come at a sixth of the shortest TTL, +-20 %, and never more often than allowed', () => {
  let fraction = 0.5;
  const sightings = new Sightings(() => fraction, 10_000);
  assert.equal(sightings.nextLookMs(), 4 * HOUR_MS);
  sightings.setTtl(a, HOUR_MS);
  sightings.setTtl(b, 2 * HOUR_MS);
  assert.equal(sightings.nextLookMs(), 10 * MINUTE_MS);
  fraction = 0;
  assert.equal(sightings.nextLookMs(), 8 * MINUTE_MS);
  sightings.setTtl(a, 30_000);
  assert.equal(sightings.nextLookMs(), 8000);
});
