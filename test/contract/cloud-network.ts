/** The suite that every CloudNetwork passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CloudNetwork } from '../../src/contracts/cloud-network.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import { never, rejectsWith } from './store-world.ts';

/** A cloud network with a route table that holds none of our routes, and two machines in it. */
export interface CloudNetworkWorld {
  /** As the first machine sees it. */
  readonly network: CloudNetwork;
  readonly table: string;
  readonly machines: readonly [CloudMachine, CloudMachine];
  /** A route by another hand. */
  putForeign(destination: Subnet, target: string): Promise<void>;
  /** From now on the table takes so many routes more, and no more. */
  leaveRoom(routes: number): Promise<void>;
  terminate(instance: string): Promise<void>;
  /** The next call is refused like this. */
  refuse(code: 'CLOUD_DENIED' | 'CLOUD_THROTTLED'): Promise<void>;
  close(): Promise<void>;
}

export interface CloudMachine {
  readonly instance: string;
  readonly target: string;
  forwards(): Promise<boolean>;
}

const signal = never();
const all = parseSubnet('10.42.0.0/16');
const [one, two] = [parseSubnet('10.42.1.0/24'), parseSubnet('10.42.2.0/24')];

export function cloudNetworkContract(cloudName: string, makeWorld: () => Promise<CloudNetworkWorld>): void {
  const test = (name: string, work: (world: CloudNetworkWorld) => Promise<void>): void => {
    it(name, async () => {
      const world = await makeWorld();
      try {
        await work(world);
      } finally {
        await world.close();
      }
    });
  };
  const standing = async ({ network, table }: CloudNetworkWorld): Promise<string[]> =>
    (await network.routes(table, all, signal))
      .map(({ destination, target, live }) => `${destination} ${target}${live ? '' : ' dead'}`)
      .toSorted();
  const put = (
    { network, table }: CloudNetworkWorld,
    destination: Subnet,
    target: string,
    expected?: string,
  ): Promise<void> => network.putRoute(table, { destination, target, live: true }, expected, signal);

  describe(`the network of ${cloudName}`, () => {
    test('says who this machine is, and which table its subnet uses', async ({ network, table, machines }) => {
      const self = await network.identify(signal);
      assert.deepEqual(
        [self.instance, self.identity.target, self.table],
        [machines[0].instance, machines[0].target, table],
      );
      assert.ok(
        (await network.tables(signal)).some(
          ({ id, subnets }) => id === table && subnets.includes(self.identity.subnet),
        ),
      );
    });

    test('lets an interface forward, however often it is asked', async ({ network, machines: [machine] }) => {
      assert.equal(await machine.forwards(), false);
      for (let times = 0; times < 2; times++) await network.prepare(machine.target, signal);
      assert.equal(await machine.forwards(), true);
    });

    test('makes a route where none is; again, it stands already', async (world) => {
      const { target } = world.machines[0];
      for (let times = 0; times < 2; times++) await put(world, one, target);
      assert.deepEqual(await standing(world), [`${one} ${target}`]);
    });

    test('does not make a route where another stands', async (world) => {
      const [mine, other] = world.machines;
      await world.putForeign(one, other.target);
      await rejectsWith('CLOUD_CONFLICT', put(world, one, mine.target));
      assert.deepEqual(await standing(world), [`${one} ${other.target}`]);
    });

    test('replaces the target that was expected, and no other', async (world) => {
      const [mine, other] = world.machines;
      await put(world, one, mine.target);
      await rejectsWith('CLOUD_CONFLICT', put(world, one, other.target, 'nobody'));
      assert.deepEqual(await standing(world), [`${one} ${mine.target}`]);
      await put(world, one, other.target, mine.target);
      assert.deepEqual(await standing(world), [`${one} ${other.target}`]);
    });

    test('removes the route that was expected, and no other; of one that is gone, again', async (world) => {
      const [mine, other] = world.machines;
      await put(world, one, mine.target);
      await rejectsWith('CLOUD_CONFLICT', world.network.removeRoute(world.table, one, other.target, signal));
      assert.deepEqual(await standing(world), [`${one} ${mine.target}`]);
      for (let times = 0; times < 2; times++) await world.network.removeRoute(world.table, one, mine.target, signal);
      assert.deepEqual(await standing(world), []);
    });

    test('lists what lies within a range, whoever made it', async (world) => {
      const [mine, other] = world.machines;
      await put(world, one, mine.target);
      await world.putForeign(two, other.target);
      await world.putForeign(parseSubnet('10.99.0.0/24'), other.target);
      assert.deepEqual(await standing(world), [`${one} ${mine.target}`, `${two} ${other.target}`]);
    });

    test('tells a black hole from a live route', async (world) => {
      const [, other] = world.machines;
      await put(world, two, other.target);
      await world.terminate(other.instance);
      assert.deepEqual(await standing(world), [`${two} ${other.target} dead`]);
    });

    test('says that a table is full, which does not keep it from replacing', async (world) => {
      const [mine, other] = world.machines;
      await world.leaveRoom(1);
      await put(world, one, mine.target);
      await rejectsWith('ROUTE_TABLE_FULL', put(world, two, mine.target));
      await put(world, one, other.target, mine.target);
      assert.deepEqual(await standing(world), [`${one} ${other.target}`]);
    });

    test('says that there is no such table', async ({ network, machines: [machine] }) => {
      const missing = 'rtb-0missing';
      await rejectsWith('CLOUD_NOT_FOUND', network.routes(missing, all, signal));
      await rejectsWith(
        'CLOUD_NOT_FOUND',
        network.putRoute(missing, { destination: one, target: machine.target, live: true }, undefined, signal),
      );
    });

    for (const code of ['CLOUD_DENIED', 'CLOUD_THROTTLED'] as const satisfies readonly ErrorCode[]) {
      test(`passes on ${code}, and has changed nothing`, async (world) => {
        await world.refuse(code);
        await rejectsWith(code, put(world, one, world.machines[0].target));
        assert.deepEqual(await standing(world), []);
      });
    }

    test('gives up with ABORTED where the caller does', async (world) => {
      const gone = AbortSignal.abort();
      await rejectsWith('ABORTED', world.network.identify(gone));
      await rejectsWith(
        'ABORTED',
        world.network.putRoute(
          world.table,
          { destination: one, target: world.machines[0].target, live: true },
          undefined,
          gone,
        ),
      );
      assert.deepEqual(await standing(world), []);
    });
  });
}
