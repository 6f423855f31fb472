/** What is DynamoDB's own: what things cost, 5,000 leases, and whose time counts. */
import assert from 'node:assert/strict';
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, it } from 'node:test';
import { attributeItem } from '../../providers/dynamodb/attributes.ts';
import { leasedItem } from '../../providers/dynamodb/rows.ts';
import { networkPartition } from '../../providers/dynamodb/sort-keys.ts';
import { reservationKey, reservationValue } from '../../src/core/reservation.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
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
} from '../contract/store-world.ts';
import { describeOnDynamoDB } from './ground.ts';

const signal = never();
const [a, b] = [node('a'), node('b')];

describeOnDynamoDB('a store in DynamoDB', (ground) => {
  /** Leases of other nodes, as if they had been claimed, without the time that takes. */
  async function seed(count: number): Promise<void> {
    const { raw, world } = ground();
    const PK = networkPartition(world.network);
    const rows = Array.from({ length: count }, (_, index) => {
      const [third, fourth] = [index >> 4, (index & 15) << 4];
      const SK = `lease#10.${64 + (third >> 8)}.${third & 255}.${fourth}-28`;
      return attributeItem({
        PK,
        SK,
        ...leasedItem(node(index), attributes(node(index)), index + 1, 24 * HOUR, index + 1),
      });
    });
    for (let at = 0; at < count; at += 25) {
      const requests = rows.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
      await raw.send(new BatchWriteItemCommand({ RequestItems: { [world.table]: requests } }));
    }
    // As after a snapshot that was deleted since: nothing is open, and who joins reads the rows.
    await world.writeRow('counter', { seq: count, snapshot: count, parts: 1 });
  }

  describe('what things cost', () => {
    it('a restart with the lease in place: one read and one write, however many leases there are', async () => {
      const { world, proxy } = ground();
      await seed(1000);
      const { lease } = await world.open().store.claim(wish(a), signal);
      const peer = ground().proxied();
      const again = await peer.store.claim(wish(a, { previous: lease.subnet.v4, incarnation: 2 }), signal);
      assert.deepEqual(proxy.operations, ['BatchGetItem', 'TransactWriteItems']);
      assert.deepEqual([again.how, again.lease.epoch], ['adopted', lease.epoch]);
    });

    it('the same while others write: two calls more', async () => {
      const { world, proxy } = ground();
      const { store } = world.open();
      const { lease } = await store.claim(wish(a), signal);
      let written: Promise<unknown> | undefined;
      const hold = async (): Promise<void> => {
        await written;
      };
      proxy.fault = ({ operation }) => {
        if (operation !== 'TransactWriteItems' || written !== undefined) return undefined;
        written = store.claim(wish(b), signal);
        return { until: hold() };
      };
      const again = await ground()
        .proxied()
        .store.claim(wish(a, { previous: lease.subnet.v4, incarnation: 2 }), signal);
      assert.deepEqual(proxy.operations, ['BatchGetItem', 'TransactWriteItems', 'UpdateItem', 'TransactWriteItems']);
      assert.equal(again.lease.epoch, lease.epoch);
      assert.equal((await freshView(world)).leases.size, 2);
    });

    it('a renewal: one write, which no reader is told of', async () => {
      const { world, proxy } = ground();
      const peer = ground().proxied();
      const { lease } = await peer.store.claim(wish(a), signal);
      const deltas = (await world.readRows('delta#')).length;
      proxy.calls = [];
      await peer.store.renew(lease, attributes(a), HOUR, signal);
      assert.deepEqual(proxy.operations, ['UpdateItem']);
      assert.equal((await world.readRows('delta#')).length, deltas);
    });

    it('opening a store: nothing', async () => {
      const { proxy } = ground();
      ground().proxied();
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(proxy.operations, []);
    });
  });

  it('shows 5,000 leases whole, and one change among them by itself', async () => {
    const { world } = ground();
    await seed(5000);
    const watcher = new Watcher(world.open());
    const first = await watcher.next();
    assert.equal(first.view.leases.size, 5000);
    const { lease } = await world.open().store.claim(wish(a), signal);
    const { view, changed } = await watcher.next();
    assert.equal(view.leases.size, 5001);
    assert.deepEqual(changed, new Set([lease.key]));
    for (const [key, before] of first.view.leases) assert.equal(view.leases.get(key), before);
    await watcher.stop();

    assert.equal(await world.open().writeSnapshot(signal), true);
    assert.deepEqual(viewText(await freshView(world)), viewText(view));
  });

  it('a crash between number and change leaves the epoch of later owners higher', async () => {
    const { world, proxy } = ground();
    const { store } = world.open();
    const { lease } = await store.claim(wish(a, { range: range(1) }), signal);
    proxy.fault = ({ operation }) => (operation === 'TransactWriteItems' ? 'reset before' : undefined);
    const dying = ground().proxied();
    await dying.clock.during(rejectsWith('STORE_UNREACHABLE', dying.store.release(lease, signal)));
    await store.release(lease, signal);
    await world.pass(17 * MINUTE);
    const other = await store.claim(wish(b, { range: range(1) }), signal);
    assert.ok(other.lease.epoch > lease.epoch);
  });

  it('counts quarantine by the store\u2019s own time, whatever the clocks of the nodes say', async () => {
    const { world } = ground();
    const early = world.open();
    await early.clock.advance(1000 * 24 * HOUR);
    const { lease } = await early.store.claim(wish(a, { range: range(1) }), signal);
    await early.store.release(lease, signal);
    const late = world.open();
    await late.clock.advance(2000 * 24 * HOUR);
    const error = await rejectsWith('NO_SUBNET', late.store.claim(wish(b, { range: range(1) }), signal));
    assert.match(error.message, /returns in 1[56]m/);
  });

  it('does not give away a subnet that was reserved after the claimer looked', async () => {
    const { world, proxy } = ground();
    const { records } = world.open();
    const claimer = ground().proxied();
    let reserved: Promise<unknown> | undefined;
    const hold = async (): Promise<void> => {
      await reserved;
    };
    proxy.fault = ({ operation }) => {
      if (operation !== 'TransactWriteItems' || reserved !== undefined) return undefined;
      reserved = records.put(
        'reservation',
        reservationKey(parseSubnet('10.42.1.0/24')),
        reservationValue(b),
        undefined,
        signal,
      );
      return { until: hold() };
    };
    await rejectsWith('NO_SUBNET', claimer.store.claim(wish(a, { range: range(1) }), signal));
    assert.equal((await freshView(world)).leases.size, 0);
  });
});
