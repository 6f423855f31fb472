/** Claims: who gets which subnet. */
import assert from 'node:assert/strict';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { reservationKey, reservationValue } from '../../src/core/reservation.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { Case } from './lease-store.ts';
import {
  attributes,
  flanneldValue,
  freshView,
  MINUTE,
  never,
  node,
  publicIP,
  range,
  rejectsWith,
  subnetsOf,
  viewText,
  wish,
} from './store-world.ts';

const signal = never();
const [a, b, c] = [node('a'), node('b'), node('c')];
const one = parseSubnet('10.42.1.0/24');
const two = parseSubnet('10.42.2.0/24');

export function claimContract(test: Case): void {
  test('leases a subnet of the range to a node that has none', async (world) => {
    const { lease, how } = await world.open().store.claim(wish(a, { range: range(3) }), signal);
    assert.equal(how, 'created');
    assert.ok(lease.epoch >= 1);
    assert.equal(lease.key, leaseKeyOf(lease.subnet));
    assert.deepEqual(lease.attributes, attributes(a));
    assert.deepEqual(viewText(await freshView(world), 'epochs'), [`${lease.key} node-a epoch ${lease.epoch}`]);
  });

  test('gives a node that comes back the lease it had, with its epoch', async (world) => {
    const first = await world.open().store.claim(wish(a), signal);
    await world.open().store.claim(wish(b), signal);
    const seen: unknown[] = [];
    const again = await world.open().store.claim(
      {
        ...wish(a, { previous: first.lease.subnet.v4 }),
        attributes: (adopted) => (seen.push(adopted?.key), attributes(a, 2)),
      },
      signal,
    );
    assert.equal(again.how, 'adopted');
    assert.equal(again.lease.epoch, first.lease.epoch);
    assert.deepEqual(seen, [first.lease.key]);
    const view = await freshView(world);
    assert.equal(view.leases.get(first.lease.key)?.attributes.weft?.incarnation, 2);
    assert.equal(view.leases.size, 2);
  });

  test('finds the lease of a node that has forgotten it', async (world) => {
    const first = await world.open().store.claim(wish(a), signal);
    const again = await world.open().store.claim(wish(a), signal);
    assert.deepEqual([again.how, again.lease.key, again.lease.epoch], ['adopted', first.lease.key, first.lease.epoch]);
  });

  test('prefers the lease that names the node to a free previous subnet', async (world) => {
    const first = await world.open().store.claim(wish(a, { previous: one }), signal);
    const again = await world.open().store.claim(wish(a, { previous: two }), signal);
    assert.equal(again.lease.key, first.lease.key);
  });

  test('gives the previous subnet when it is free', async (world) => {
    const { lease, how } = await world.open().store.claim(wish(a, { previous: parseSubnet('10.42.77.0/24') }), signal);
    assert.deepEqual([how, lease.subnet.v4], ['created', '10.42.77.0/24']);
  });

  test('does not take a previous subnet that lies outside the range', async (world) => {
    const { lease } = await world
      .open()
      .store.claim(wish(a, { range: range(3), previous: parseSubnet('10.42.77.0/24') }), signal);
    assert.notEqual(lease.subnet.v4, '10.42.77.0/24');
  });

  test('rejects with LEASE_TAKEN when the previous subnet is another node\u2019s, or takes another if it may', async (world) => {
    await world.open().store.claim(wish(a, { previous: one }), signal);
    const error = await rejectsWith(
      'LEASE_TAKEN',
      world.open().store.claim(wish(b, { previous: one, mayRenumber: false }), signal),
    );
    assert.match(error.message, /10\.42\.1\.0\/24.*node-a/);
    assert.deepEqual(viewText(await freshView(world)), ['10.42.1.0-24 node-a']);
    const { lease } = await world.open().store.claim(wish(b, { previous: one }), signal);
    assert.notEqual(lease.subnet.v4, one);
  });

  test('releases a lease of the node that no longer fits the range, and leases another', async (world) => {
    await world.open().store.claim(wish(a, { previous: one }), signal);
    const { lease, how } = await world.open().store.claim(wish(a, { range: range(9, 5), previous: one }), signal);
    assert.equal(how, 'created');
    assert.deepEqual(viewText(await freshView(world)), [`${lease.key} node-a`]);
    assert.notEqual(lease.subnet.v4, one);
  });

  test('takes over what a flanneld of this host wrote, at the previous subnet, with its epoch', async (world) => {
    await world.writeForeign('10.42.1.0-24', flanneldValue(publicIP(7)));
    const before = (await freshView(world)).leases.get(leaseKeyOf({ v4: one }));
    const { lease, how } = await world.open().store.claim(wish(a, { previous: one, publicIP: publicIP(7) }), signal);
    assert.equal(how, 'adopted');
    assert.equal(lease.key, '10.42.1.0-24');
    assert.equal(lease.epoch, before?.epoch);
    assert.equal((await freshView(world)).leases.get(lease.key)?.attributes.weft?.node, a);
  });

  test('raises the epoch of what a flanneld wrote at an address that the cloud has given to this node since', async (world) => {
    await world.writeForeign('10.42.1.0-24', flanneldValue(publicIP(7)));
    const before = (await freshView(world)).leases.get(leaseKeyOf({ v4: one }));
    const { lease, how } = await world.open().store.claim(wish(a, { publicIP: publicIP(7) }), signal);
    assert.deepEqual([how, lease.key], ['created', '10.42.1.0-24']);
    assert.ok(lease.epoch > (before?.epoch ?? Infinity));
  });

  test('leaves the lease of another host\u2019s flanneld alone', async (world) => {
    await world.writeForeign('10.42.1.0-24', flanneldValue(publicIP(7)));
    const { lease } = await world
      .open()
      .store.claim(wish(a, { previous: one, range: range(2), publicIP: publicIP(8) }), signal);
    assert.equal(lease.key, '10.42.2.0-24');
    assert.deepEqual(viewText(await freshView(world)), ['10.42.1.0-24 192.0.2.7', '10.42.2.0-24 node-a']);
  });

  test('does not give away a subnet under whose key something unreadable stands', async (world) => {
    await world.writeForeign('10.42.1.0-24', 'garbage');
    const { lease } = await world.open().store.claim(wish(a, { range: range(2) }), signal);
    assert.equal(lease.key, '10.42.2.0-24');
    await rejectsWith('NO_SUBNET', world.open().store.claim(wish(b, { range: range(2) }), signal));
  });

  test('keeps a reserved subnet for its node, and gives it to no other', async (world) => {
    const peer = world.open();
    await peer.records.put('reservation', reservationKey(two), reservationValue(b), undefined, signal);
    const first = await world.open().store.claim(wish(a, { range: range(2) }), signal);
    assert.equal(first.lease.key, '10.42.1.0-24');
    const error = await rejectsWith('NO_SUBNET', world.open().store.claim(wish(c, { range: range(2) }), signal));
    assert.match(error.message, /1 are leased, 1 reserved/);
    assert.equal((await world.open().store.claim(wish(b, { range: range(200) }), signal)).lease.key, '10.42.2.0-24');
  });

  test('gives a freed subnet back to its node at once, and to others after 15 minutes', async (world) => {
    const peer = world.open();
    const { lease } = await peer.store.claim(wish(a, { range: range(1) }), signal);
    await peer.store.release(lease, signal);
    const error = await rejectsWith('NO_SUBNET', world.open().store.claim(wish(b, { range: range(1) }), signal));
    assert.match(error.message, /1 freed too recently; the first returns in 1[456]m/);
    await world.pass(14 * MINUTE);
    await rejectsWith('NO_SUBNET', world.open().store.claim(wish(b, { range: range(1) }), signal));
    const back = await peer.store.claim(wish(a, { range: range(1) }), signal);
    assert.ok(back.lease.epoch > lease.epoch, 'a new ownership has a higher epoch');
    await peer.store.release(back.lease, signal);
    await world.pass(17 * MINUTE);
    const other = await world.open().store.claim(wish(b, { range: range(1) }), signal);
    assert.ok(other.lease.epoch > back.lease.epoch);
  });

  test('gives subnets that were never leased before those that were freed', async (world) => {
    const peer = world.open();
    const { lease } = await peer.store.claim(wish(a, { range: range(3) }), signal);
    await peer.store.release(lease, signal);
    await world.pass(17 * MINUTE);
    for (const owner of [b, c]) await world.open().store.claim(wish(owner, { range: range(3) }), signal);
    assert.ok(!subnetsOf(await freshView(world)).includes(lease.key.replace('-24', '')));
  });

  test('allocates only inside the given ranges, and says so when there is nothing left', async (world) => {
    const within = [parseSubnet('10.42.8.0/23')];
    for (const owner of [a, b]) {
      const { lease } = await world.open().store.claim(wish(owner, { within }), signal);
      assert.match(lease.key, /^10\.42\.[89]\.0-24$/);
    }
    const error = await rejectsWith('NO_SUBNET', world.open().store.claim(wish(c, { within }), signal));
    assert.match(error.message, /of 2 in 10\.42\.8\.0\/23 of Network 10\.42\.0\.0\/16, 2 are leased/);
  });
}
