/** The suite that every CloudNetwork passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tableOf, type CloudRoute } from '../../src/core/cloud-route.ts';
import { parseAddress } from '../../src/core/address.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { CloudWorld } from './cloud-world.ts';
import { never, rejectsWith } from './store-world.ts';

const signal = never();
const within = parseSubnet('10.42.0.0/16');
const destination = parseSubnet('10.42.7.0/24');

export function cloudNetworkContract(cloudName: string, makeWorld: () => Promise<CloudWorld>): void {
  const test = (name: string, work: (world: CloudWorld) => Promise<void>): void =>
    void it(name, async () => {
      const world = await makeWorld();
      try {
        await work(world);
      } finally {
        await world.close();
      }
    });
  const route = (target: string): CloudRoute => ({ destination, target, live: true });
  const during = <T>({ clock }: CloudWorld, work: Promise<T>): Promise<T> => clock.during(work);
  const put = (world: CloudWorld, target = world.target, expected?: string, table = world.table): Promise<void> =>
    during(world, world.cloud.putRoute(table, route(target), expected, signal));

  describe(`route tables of ${cloudName}`, () => {
    test('knows this host by the address of its interface, and no other address', async (world) => {
      const self = await during(world, world.cloud.identify(world.address, signal));
      assert.deepEqual(
        [self.identity.target, self.identity.subnet, self.identity.network],
        [world.target, world.subnet, world.network],
      );
      assert.ok(self.networkRanges.length > 0);
      await rejectsWith('CLOUD_NOT_FOUND', during(world, world.cloud.identify(parseAddress('192.0.2.99'), signal)));
    });

    test('lets an interface forward, and writes nothing when it does', async (world) => {
      await during(world, world.cloud.prepare(world.target, signal));
      assert.equal(world.mutations(), 1);
      await during(world, world.cloud.prepare(world.target, signal));
      assert.equal(world.mutations(), 1);
    });

    test('lists tables with the subnets they serve and the routes in the range alone', async (world) => {
      await world.foreign(world.table, destination, world.other);
      await world.foreign(world.table, parseSubnet('10.43.0.0/24'), world.other);
      const tables = await during(world, world.cloud.tables({ network: world.network, within }, signal));
      assert.equal(tableOf(tables, world.subnet)?.id, world.table);
      assert.equal(tableOf(tables, 'subnet-that-no-table-names')?.id, world.main);
      assert.deepEqual(tables.find(({ id }) => id === world.table)?.routes, [route(world.other)]);
      const elsewhere = await during(
        world,
        world.cloud.tables({ network: `${world.network.slice(0, -1)}x`, within }, signal),
      );
      assert.deepEqual(elsewhere, []);
    });

    test('creates a route; the same again succeeds, over another it is a conflict and changes nothing', async (world) => {
      await put(world);
      await put(world);
      assert.deepEqual(world.text(), [`${world.table} ${destination} ${world.target}`]);
      await rejectsWith('CLOUD_CONFLICT', put(world, world.other));
      assert.deepEqual(world.text(), [`${world.table} ${destination} ${world.target}`]);
    });

    test('replaces the target that is expected, and only that', async (world) => {
      await rejectsWith('CLOUD_CONFLICT', put(world, world.target, world.other));
      await world.foreign(world.table, destination, world.other);
      await put(world, world.target, world.other);
      assert.deepEqual(world.text(), [`${world.table} ${destination} ${world.target}`]);
      const mutations = world.mutations();
      await rejectsWith('CLOUD_CONFLICT', put(world, world.other, 'eni-of-nobody'));
      assert.deepEqual(
        [world.text(), world.mutations()],
        [[`${world.table} ${destination} ${world.target}`], mutations],
      );
    });

    test('removes the route to the target that is expected, and only that; of none it succeeds', async (world) => {
      const remove = (expected: string): Promise<void> =>
        during(world, world.cloud.removeRoute(world.table, destination, expected, signal));
      await remove(world.target);
      await world.foreign(world.table, destination, world.other);
      const mutations = world.mutations();
      await rejectsWith('CLOUD_CONFLICT', remove(world.target));
      assert.deepEqual(
        [world.text(), world.mutations()],
        [[`${world.table} ${destination} ${world.other}`], mutations],
      );
      await remove(world.other);
      assert.deepEqual(world.text(), []);
    });

    test('a full table is ROUTE_TABLE_FULL, one that is not there CLOUD_NOT_FOUND', async (world) => {
      await world.quota(world.table, 0);
      await rejectsWith('ROUTE_TABLE_FULL', put(world));
      await world.quota(world.table, 1);
      await put(world);
      const missing = world.table.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
      await rejectsWith('CLOUD_NOT_FOUND', put(world, world.target, undefined, missing));
    });

    test("what changes something is called once: a refusal is the caller's to try again", async (world) => {
      for (const code of ['CLOUD_DENIED', 'CLOUD_THROTTLED', 'CLOUD_UNREACHABLE'] as const) {
        const before = world.mutations();
        world.refuse(code, 1);
        await rejectsWith(code, put(world));
        assert.equal(world.mutations(), before + 1, code);
      }
      assert.deepEqual(world.text(), []);
    });

    test('a call whose answer is lost though it took effect has taken effect, and is not repeated', async (world) => {
      world.loseAnswers(1);
      await put(world);
      assert.deepEqual([world.text(), world.mutations()], [[`${world.table} ${destination} ${world.target}`], 1]);
      await put(world);
      await world.foreign(world.table, destination, world.other);
      world.loseAnswers(1);
      await put(world, world.target, world.other);
      assert.deepEqual(world.text(), [`${world.table} ${destination} ${world.target}`]);
    });

    test('ends with ABORTED when the signal has fired', async (world) => {
      const gone = AbortSignal.abort();
      await rejectsWith('ABORTED', world.cloud.tables({ network: world.network, within }, gone));
      await rejectsWith('ABORTED', world.cloud.putRoute(world.table, route(world.target), undefined, gone));
      await rejectsWith('ABORTED', world.cloud.identify(world.address, gone));
      assert.equal(world.mutations(), 0);
    });
  });
}
