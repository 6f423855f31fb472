/** Owners and their fences: renewals, releases, and who comes too late. */
import assert from 'node:assert/strict';
import type { ViewChange } from '../../src/contracts/lease-store.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { Case } from './lease-store.ts';
import {
  attributes,
  freshView,
  HOUR,
  MINUTE,
  never,
  node,
  range,
  rejectsWith,
  viewText,
  Watcher,
  wish,
} from './store-world.ts';

const signal = never();
const [a, b] = [node('a'), node('b')];
const one = parseSubnet('10.42.1.0/24');

export function ownerContract(test: Case): void {
  test('a renewal gives a new version and keeps the epoch', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a), signal);
    const renewed = await store.renew(lease, attributes(a), HOUR, signal);
    assert.notEqual(renewed.version, lease.version);
    assert.equal(renewed.epoch, lease.epoch);
  });

  test('a renewal writes attributes that differ', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a), signal);
    const renewed = await store.renew(lease, attributes(a, 5), HOUR, signal);
    assert.equal(renewed.attributes.weft?.incarnation, 5);
    assert.equal((await freshView(world)).leases.get(lease.key)?.attributes.weft?.incarnation, 5);
  });

  test('a renewal goes on from an old version: only owner and epoch are compared', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a), signal);
    await store.renew(lease, attributes(a), HOUR, signal);
    const third = await store.renew(lease, attributes(a, 3), HOUR, signal);
    assert.equal(third.attributes.weft?.incarnation, 3);
  });

  test('an owner that slept until its lease went to another is told so, and has written nothing', async (world) => {
    const sleeper = world.open();
    const { lease } = await sleeper.store.claim(wish(a, { range: range(1) }), signal);
    await world.open().store.release(lease, signal);
    await world.pass(17 * MINUTE);
    const other = await world.open().store.claim(wish(b, { range: range(1) }), signal);
    await rejectsWith('LEASE_LOST', sleeper.store.renew(lease, attributes(a, 9), HOUR, signal));
    await rejectsWith('RECORD_CHANGED', sleeper.store.release(lease, signal));
    assert.deepEqual(viewText(await freshView(world), 'epochs'), [`10.42.1.0-24 node-b epoch ${other.lease.epoch}`]);
  });

  test('an owner whose own later claim has a higher epoch is fenced by it', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a, { range: range(1) }), signal);
    await store.release(lease, signal);
    const again = await store.claim(wish(a, { range: range(1) }), signal);
    await rejectsWith('LEASE_LOST', store.renew(lease, attributes(a), HOUR, signal));
    assert.equal((await store.renew(again.lease, attributes(a), HOUR, signal)).epoch, again.lease.epoch);
  });

  test('a renewal of a lease that is gone rejects with LEASE_LOST and does not bring it back', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a), signal);
    await store.release(lease, signal);
    await rejectsWith('LEASE_LOST', store.renew(lease, attributes(a), HOUR, signal));
    await rejectsWith('LEASE_LOST', store.renew(lease, attributes(a, 2), HOUR, signal));
    assert.deepEqual(viewText(await freshView(world)), []);
  });

  test('releases a lease once; again, it is released already', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a), signal);
    await store.release(lease, signal);
    await store.release(lease, signal);
    assert.deepEqual(viewText(await freshView(world)), []);
  });

  test('does not release a lease that was renewed since', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a), signal);
    const renewed = await store.renew(lease, attributes(a), HOUR, signal);
    await rejectsWith('RECORD_CHANGED', store.release(lease, signal));
    assert.deepEqual(viewText(await freshView(world)), [`${lease.key} node-a`]);
    await store.release(renewed, signal);
    assert.deepEqual(viewText(await freshView(world)), []);
  });

  test('releases by what a view says, for an operator', async (world) => {
    const { store } = world.open();
    const claimed = await store.claim(wish(a), signal);
    const view = await freshView(world);
    const lease = view.leases.get(claimed.lease.key);
    assert.ok(lease !== undefined);
    await world.open().store.release(lease, signal);
    assert.deepEqual(viewText(await freshView(world)), []);
  });

  test('calls a lease expired when it stood unrenewed for its TTL and five minutes before the observer\u2019s eyes', async (world) => {
    const [owner, other] = [world.open(), world.open()];
    const { lease } = await owner.store.claim(wish(a, { previous: one, ttlMs: 30 * MINUTE }), signal);
    const lively = await other.store.claim(wish(b, { ttlMs: 30 * MINUTE }), signal);
    const observer = world.open();
    const watcher = new Watcher(observer);
    await watcher.next();
    // One owner renews every ten minutes of the observer's time; the other one is dead.
    let seen: ViewChange | undefined;
    for (let steps = 0; steps < 20 && !seen?.view.expired.size; steps++) {
      await other.store.renew(lively.lease, attributes(b), 30 * MINUTE, signal);
      seen = (await watcher.after(10 * MINUTE)) ?? seen;
    }
    assert.ok(seen !== undefined, 'nobody expired');
    const { view } = seen;
    assert.deepEqual([...view.expired], [lease.key]);
    assert.ok(observer.clock.now() >= 35 * MINUTE, `judged after ${observer.clock.now()} ms`);
    assert.deepEqual(viewText(view), [`${lease.key} node-a`, `${lively.lease.key} node-b`].toSorted());

    // Judged expired, but its owner woke: whoever releases it comes too late.
    await owner.store.renew(lease, attributes(a), 30 * MINUTE, signal);
    const judged = view.leases.get(lease.key);
    assert.ok(judged !== undefined);
    await rejectsWith('RECORD_CHANGED', observer.store.release(judged, signal));
    await watcher.stop();
  });
}
