import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLeaseKey } from '../../src/core/lease-key.ts';
import type { Lease } from '../../src/core/lease.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { unreachable } from '../fakes/memory-network.ts';
import { lease as sample } from '../datapath/cluster.ts';
import { HOUR_MS, Kept, NODE, PUBLIC_IP, TTL_MS, says } from './kept-lease.ts';

/** Somebody else has this lease now. */
function loseTo(kept: Kept, node: string, epoch: number): Lease {
  const { key, subnet } = kept.keeper.lease;
  const other: Lease = { key, subnet, attributes: says(1500, parseNodeId(node)), epoch, version: `foreign ${epoch}` };
  kept.network.leases.set(key, { lease: other, node: parseNodeId(node), ttlMs: TTL_MS });
  return other;
}

test('renews a little before a third of the TTL has passed, and is silent about it', async () => {
  const kept = await Kept.begin();
  await kept.clock.advance(7 * HOUR_MS);
  assert.equal(kept.keeper.renewals.made, 0);
  await kept.clock.advance(HOUR_MS);
  assert.equal(kept.keeper.renewals.made, 1);
  await kept.clock.advance(64 * HOUR_MS);
  assert.ok(kept.keeper.renewals.made >= 9);
  await kept.stop();
  assert.deepEqual(kept.log.lines, []);
});

test('renews at least the margin before the end, where that is earlier', async () => {
  const kept = await Kept.begin(23 * HOUR_MS);
  await kept.clock.advance(0.9 * HOUR_MS - 1);
  assert.equal(kept.keeper.renewals.made, 0);
  await kept.clock.advance(0.1 * HOUR_MS + 1);
  assert.equal(kept.keeper.renewals.made, 1);
  await kept.stop();
});

test('what is advertised is written once, at once, and only when it differs', async () => {
  const kept = await Kept.begin();
  kept.keeper.advertise(says(1500));
  await kept.clock.advance(0);
  assert.equal(kept.keeper.renewals.made, 0);
  kept.keeper.advertise(says(9001));
  await kept.clock.advance(0);
  kept.keeper.advertise(says(9001));
  await kept.clock.advance(1000);
  assert.equal(kept.keeper.renewals.made, 1);
  assert.match(kept.stored, /"mtu":9001/);
  await kept.stop();
});

test('while the store is away it keeps trying, is unsure when the TTL is over, and holds again when it is back', async () => {
  const kept = await Kept.begin();
  kept.network.before = () => {
    throw unreachable();
  };
  await kept.clock.advance(23 * HOUR_MS);
  assert.equal(kept.keeper.phase, 'held');
  assert.deepEqual(kept.findings.of('store'), [{ code: 'STORE_UNREACHABLE', message: 'the store is away' }]);
  await kept.clock.advance(HOUR_MS);
  assert.equal(kept.keeper.phase, 'unsure');
  assert.match(kept.keeper.unready ?? '', /not renewed for 1d|24h/);
  await kept.clock.advance(100 * HOUR_MS);
  kept.network.before = () => undefined;
  await kept.clock.advance(60_000);
  assert.equal(kept.keeper.phase, 'held');
  assert.equal(kept.keeper.unready, undefined);
  await kept.stop();
  assert.deepEqual(kept.log.text, [
    'warn something needs attention {code why}',
    'warn lease is unsure {epoch subnet why}',
    'info no longer so {code why}',
    'info lease is held again {epoch subnet}',
  ]);
});

test('a lease that is gone is claimed again at the same subnet, under a new epoch', async () => {
  const kept = await Kept.begin();
  const { key, epoch } = kept.keeper.lease;
  kept.network.leases.delete(key);
  kept.keeper.see(kept.view([]));
  assert.equal(kept.keeper.phase, 'unsure');
  await kept.clock.advance(0);
  assert.equal(kept.keeper.phase, 'held');
  assert.equal(kept.keeper.lease.key, key);
  assert.ok(kept.keeper.lease.epoch > epoch);
  assert.equal(kept.claims, 1, 'views of the old epoch were not trusted: now is the time to look again');
  assert.equal(kept.fenced, undefined);
  await kept.stop();
});

test('a lease that is gone because its machine is on its way out is not claimed again', async () => {
  const kept = await Kept.begin();
  const { key } = kept.keeper.lease;
  kept.network.leases.delete(key);
  kept.sentAway = () => {
    throw unreachable();
  };
  kept.keeper.see(kept.view([]));
  await kept.clock.advance(0);
  assert.equal(kept.network.leases.has(key), false, 'as long as nobody can say why it is gone, it stays so');
  kept.sentAway = () => 'the reconciler has released the lease of i-1: it is terminated';
  await kept.clock.advance(60_000);
  assert.deepEqual(
    [kept.left, kept.fenced],
    ['the reconciler has released the lease of i-1: it is terminated', undefined],
  );
  assert.equal(kept.network.leases.has(key), false);
  assert.equal(kept.keeper.phase, 'draining');
  await kept.stop();
});

test('an entry at our subnet that cannot be read is written anew, and where that is refused it fences nobody', async () => {
  const kept = await Kept.begin();
  const { key } = kept.keeper.lease;
  const garbled = { ...kept.view([]), skipped: [{ key, why: 'the value is not JSON' }] };
  kept.keeper.see(garbled);
  assert.equal(kept.keeper.phase, 'held');
  await kept.clock.advance(0);
  assert.equal(kept.keeper.renewals.made, 1);
  kept.network.leases.delete(key);
  kept.network.garbage.set(key, 'the value is not JSON');
  kept.keeper.see(garbled);
  await kept.clock.advance(120_000);
  assert.equal(kept.fenced, undefined);
  assert.equal(kept.keeper.phase, 'unsure');
  assert.match(kept.findings.of('lease')[0]?.message ?? '', /held by an entry that cannot be read/);
  kept.network.garbage.clear();
  await kept.clock.advance(60_000);
  assert.equal(kept.keeper.phase, 'held');
  await kept.stop();
});

test('a view that merely lags behind changes nothing but the version', async () => {
  const kept = await Kept.begin();
  const { epoch } = kept.keeper.lease;
  kept.keeper.see(kept.view([]));
  await kept.clock.advance(0);
  assert.equal(kept.keeper.phase, 'held');
  assert.equal(kept.keeper.lease.epoch, epoch);
  await kept.stop();
});

test('is fenced when another node holds the subnet, whether a view or a renewal shows it', async () => {
  const byView = await Kept.begin();
  byView.keeper.see(byView.view([loseTo(byView, 'node-b', 99)]));
  await byView.clock.advance(0);
  assert.match(byView.fenced ?? '', /belongs to node node-b now/);
  assert.equal(byView.keeper.phase, 'fenced');

  const byRenewal = await Kept.begin();
  loseTo(byRenewal, 'node-b', 99);
  await byRenewal.clock.advance(8 * HOUR_MS);
  assert.match(byRenewal.fenced ?? '', /belongs to another node now/);
  assert.match(byRenewal.stored, /^epoch 99 .*node-b/);
});

test('a daemon that was suspended past its TTL, while its subnet went to another, is fenced by its first attempt', async () => {
  const kept = await Kept.begin();
  const attempts: string[] = [];
  kept.network.before = (call) => void attempts.push(call);
  loseTo(kept, 'node-b', 99);
  // One jump: nothing ran in between.
  await kept.clock.advance(48 * HOUR_MS);
  assert.ok(kept.fenced);
  assert.deepEqual(attempts, ['renew', 'claim']);
});

test('a flanneld of this host that rewrites the lease loses against a new claim', async () => {
  const kept = await Kept.begin();
  const { key, subnet, epoch } = kept.keeper.lease;
  const plain: Lease = { ...sample('10.42.1.0/24', PUBLIC_IP), key, subnet, epoch, version: 'plain' };
  kept.network.leases.set(key, { lease: plain, node: undefined, ttlMs: TTL_MS });
  kept.keeper.see(kept.view([plain]));
  await kept.clock.advance(0);
  assert.match(kept.stored, /"Weft":\{/);
  assert.equal(kept.keeper.phase, 'held');
  await kept.stop();
});

test('tells a stranger with its own name from its own writes', async () => {
  const kept = await Kept.begin();
  const { lease } = kept.keeper;
  kept.keeper.advertise(says(9001));
  await kept.clock.advance(0);
  assert.equal(kept.keeper.see(kept.view([lease])), undefined, 'a view that lags behind');
  const stranger: Lease = { ...kept.keeper.lease, attributes: says(1400), version: 'unknown' };
  assert.equal(kept.keeper.see(kept.view([stranger])), stranger);
  kept.keeper.reassert();
  await kept.clock.advance(0);
  assert.equal(kept.keeper.renewals.made, 2);
  await kept.stop();
});

test('a claim that leads to another subnet fences: containers live in the old one', async () => {
  const kept = await Kept.begin();
  const { key } = kept.keeper.lease;
  const elsewhere = parseLeaseKey('10.42.200.0-24');
  assert.ok(elsewhere);
  kept.network.leases.delete(key);
  kept.network.leases.set(elsewhere.key, {
    lease: { ...elsewhere, attributes: says(1500), epoch: 77, version: '77' },
    node: NODE,
    ttlMs: TTL_MS,
  });
  kept.keeper.see(kept.view([]));
  await kept.clock.advance(0);
  assert.match(kept.fenced ?? '', /this node has 10\.42\.200\.0\/24/);
});
