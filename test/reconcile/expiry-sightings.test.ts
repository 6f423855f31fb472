import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import type { Lease } from '../../src/core/lease.ts';
import { parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import { ExpirySightings } from '../../src/reconcile/expiry-sightings.ts';
import { attributes, HOUR, MINUTE, never, node, publicIP } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';

const signal = never();

const subnet = (index: number): Subnet => parseSubnet(`10.${index >> 8}.${index & 255}.0/24`);

const lease = (index: number, version: number | string, epoch = 1): Lease => ({
  key: leaseKeyOf({ v4: subnet(index) }),
  subnet: { v4: subnet(index) },
  attributes: attributes(node(index)),
  epoch,
  version: String(version),
});

function world() {
  const network = new MemoryNetwork(new ManualClock());
  const records = new MemoryRecords(network);
  const puts: string[] = [];
  network.before = (call) => void (call === 'put' && puts.push(call));
  /** A run in a process of its own. */
  const run = async (ageMs: number, leases: readonly Lease[], ttlMs = HOUR): Promise<string[]> => {
    const sightings = await ExpirySightings.read(records, signal);
    const expired = sightings.expired(leases, { ageMs, ttlMs });
    puts.length = 0;
    await sightings.save(signal);
    return [...expired].toSorted();
  };
  return { network, records, run, puts };
}

test('an owner whose version stands still for its TTL and five minutes is gone; one that renews is not', async () => {
  const { run } = world();
  const renewed = (minute: number) => lease(2, Math.floor(minute / 20));
  for (let minute = 0; minute < 65; minute++)
    assert.deepEqual(await run(minute * MINUTE, [lease(1, 1), renewed(minute)]), [], `minute ${minute}`);
  assert.deepEqual(await run(65 * MINUTE, [lease(1, 1), renewed(65)]), ['10.0.1.0-24']);
  // It came back.
  assert.deepEqual(await run(66 * MINUTE, [lease(1, 2), renewed(66)]), []);
  assert.deepEqual(await run(130 * MINUTE, [lease(1, 2)]), []);
  assert.deepEqual(await run(131 * MINUTE, [lease(1, 2)]), ['10.0.1.0-24']);
});

test('another owner with a version that looks the same is another', async () => {
  const { run } = world();
  await run(0, [lease(1, 7, 1)]);
  assert.deepEqual(await run(66 * MINUTE, [lease(1, 7, 2)]), []);
});

test('a lease that was gone in between begins anew', async () => {
  const { run } = world();
  await run(0, [lease(1, 1)]);
  await run(30 * MINUTE, []);
  await run(40 * MINUTE, [lease(1, 1)]);
  assert.deepEqual(await run(104 * MINUTE, [lease(1, 1)]), []);
  assert.deepEqual(await run(105 * MINUTE, [lease(1, 1)]), ['10.0.1.0-24']);
});

test('a shorter TTL is believed once the owner has renewed under it; a longer one at once', async () => {
  const { run } = world();
  await run(0, [lease(1, 1)], 24 * HOUR);
  await run(MINUTE, [lease(1, 1)], HOUR);
  assert.deepEqual(await run(23 * HOUR, [lease(1, 1)], HOUR), []);
  // This renewal may have been on its way when the TTL changed: it is the next one that counts.
  await run(23 * HOUR, [lease(1, 2)], HOUR);
  assert.deepEqual(await run(46 * HOUR, [lease(1, 2)], HOUR), []);
  await run(46 * HOUR, [lease(1, 3)], HOUR);
  assert.deepEqual(await run(47 * HOUR + 5 * MINUTE, [lease(1, 3)], HOUR), ['10.0.1.0-24']);
  assert.deepEqual(await run(48 * HOUR, [lease(1, 3)], 24 * HOUR), []);
});

test("a plain flanneld's lease is never judged", async () => {
  const { run } = world();
  const plain: Lease = { ...lease(1, 1), attributes: { publicIP: publicIP(1) } };
  await run(0, [plain]);
  assert.deepEqual(await run(1000 * HOUR, [plain]), []);
});

test('what cannot be read makes nothing expire, and begins anew', async () => {
  for (const value of [
    'x',
    null,
    { v: 2, seen: {} },
    { v: 1, seen: [] },
    { v: 1, seen: { '10.0.1.0-24': ['a', 0] } },
  ]) {
    const { network, records, run } = world();
    await run(0, [lease(1, 1)]);
    const [key = ''] = network.records.get('expiry')?.keys() ?? [];
    await records.put('expiry', key, value, undefined, signal);
    assert.deepEqual(await run(66 * MINUTE, [lease(1, 1)]), []);
    assert.deepEqual(await run(131 * MINUTE + 1000, [lease(1, 1)]), ['10.0.1.0-24']);
  }
});

test('a chunk that the store cannot read is replaced', async () => {
  const { network, records, run } = world();
  await run(0, [lease(1, 1)]);
  const [key = ''] = network.records.get('expiry')?.keys() ?? [];
  const list = records.list.bind(records);
  records.list = async () => ({ records: new Map(), skipped: [{ key, why: 'no JSON' }] });
  assert.deepEqual(await run(66 * MINUTE, [lease(1, 1)]), []);
  records.list = list;
  assert.deepEqual(await run(131 * MINUTE, [lease(1, 1)]), ['10.0.1.0-24']);
});

test('an age that began anew makes nothing older', async () => {
  const { run } = world();
  await run(100 * HOUR, [lease(1, 1)]);
  assert.deepEqual(await run(0, [lease(1, 1)]), []);
  assert.deepEqual(await run(64 * MINUTE, [lease(1, 1)]), []);
  assert.deepEqual(await run(65 * MINUTE, [lease(1, 1)]), ['10.0.1.0-24']);
});

test('a renewal among a thousand leases costs one small write, a quiet run none', async () => {
  const { network, run, puts } = world();
  const leases = Array.from({ length: 1000 }, (_, index) => lease(index, 1));
  await run(0, leases);
  assert.equal(puts.length, 16);
  await run(MINUTE, leases);
  assert.equal(puts.length, 0);
  await run(2 * MINUTE, [...leases.slice(1), lease(0, 2)]);
  assert.equal(puts.length, 1);
  const sizes = [...(network.records.get('expiry')?.values() ?? [])].map(({ value }) => JSON.stringify(value).length);
  assert.ok(Math.max(...sizes) < 5000, `${Math.max(...sizes)} bytes`);
});

test('of far too many, those seen first are kept, and no record is too large', async () => {
  const { network, run } = world();
  const leases = Array.from({ length: 20_000 }, (_, index) => lease(index, `${index}.123456789`));
  await run(0, leases.slice(0, 5000));
  await run(MINUTE, leases);
  const sizes = [...(network.records.get('expiry')?.values() ?? [])].map(({ value }) => JSON.stringify(value).length);
  assert.ok(Math.max(...sizes) <= 32 * 1024, `${Math.max(...sizes)} bytes`);
  assert.deepEqual(
    await run(65 * MINUTE, leases),
    leases
      .slice(0, 5000)
      .map(({ key }) => key)
      .toSorted(),
  );
});

test('two runs at once do not overwrite each other', async () => {
  const { records } = world();
  const [a, b] = [await ExpirySightings.read(records, signal), await ExpirySightings.read(records, signal)];
  for (const sightings of [a, b]) sightings.expired([lease(1, 1)], { ageMs: 0, ttlMs: HOUR });
  await a.save(signal);
  await assert.rejects(b.save(signal), { code: 'RECORD_CHANGED' });
});
