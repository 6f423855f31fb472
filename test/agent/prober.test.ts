import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Subnet } from '../../src/core/subnet.ts';
import { CONFIG, FAR, KEY, leaseOf, NEAR, PATHS, viewOf, within, World } from './prober-world.ts';

describe('the prober', () => {
  it('takes a new peer from the tunnel to the better path once that has proven itself', () =>
    within(async (world) => {
      assert.deepEqual(world.paths, ['vxlan']);
      await world.seconds(5);
      assert.deepEqual(world.paths, ['vxlan', 'direct']);
    }));

  it('moves a peer with traffic within five seconds of the fault, and back after the hold', () =>
    within(async (world) => {
      await world.seconds(5);
      world.near.traffic?.add('10.42.2.0/24' as Subnet);
      await world.seconds(2);
      world.network.cut(NEAR, 'direct');
      await world.seconds(5);
      assert.deepEqual(world.paths, ['vxlan', 'direct', 'vxlan']);
      assert.equal(world.doubts, 1);
      world.network.mend(NEAR, 'direct');
      await world.seconds(29);
      assert.equal(world.paths.at(-1), 'vxlan');
      await world.seconds(5);
      assert.equal(world.paths.at(-1), 'direct');
    }));

  it('doubts no cloud when a tunnel is down', () =>
    within(async (world) => {
      await world.seconds(5);
      world.near.traffic?.add('10.42.2.0/24' as Subnet);
      world.network.cut(NEAR, 'vxlan');
      await world.seconds(60);
      assert.deepEqual([world.paths, world.doubts], [['vxlan', 'direct'], 0]);
    }));

  it('leaves the path alone when only the way back is cut', () =>
    within(async (world) => {
      await world.seconds(5);
      world.near.traffic?.add('10.42.2.0/24' as Subnet);
      world.network.cut(FAR, 'direct');
      await world.seconds(60);
      assert.deepEqual(world.paths, ['vxlan', 'direct']);
    }));

  it('leaves the path alone when the peer’s daemon is away, and asks its kernel meanwhile', () =>
    within(async (world) => {
      await world.seconds(5);
      world.far.die();
      await world.seconds(120);
      assert.deepEqual(world.paths, ['vxlan', 'direct']);
      assert.ok(world.near.askedBy.echo > 0);
      assert.equal(world.prober.choices.answering.size, 0);
    }));

  it('changes no path by being started anew, in either state', () =>
    within(async (world) => {
      await world.seconds(5);
      await world.restart();
      await world.seconds(20);
      assert.deepEqual(world.paths, ['vxlan', 'direct']);
      world.network.cut(NEAR, 'direct');
      await world.seconds(60);
      assert.equal(world.paths.at(-1), 'vxlan');
      await world.restart();
      await world.seconds(60);
      assert.deepEqual(world.paths, ['vxlan', 'direct', 'vxlan']);
    }));

  it('says so when no path works, keeps a tunnel, and goes on asking', () =>
    within(async (world) => {
      await world.seconds(5);
      world.near.traffic?.add('10.42.2.0/24' as Subnet);
      for (const path of ['direct', 'vxlan'] as const) world.network.cut(NEAR, path);
      await world.seconds(15);
      assert.equal(world.paths.at(-1), 'vxlan');
      assert.deepEqual(
        world.findings.of('peers').map(({ message }) => message),
        ['no path works to far'],
      );
      for (const path of ['direct', 'vxlan'] as const) world.network.mend(NEAR, path);
      await world.seconds(10);
      assert.equal(world.paths.at(-1), 'direct');
      assert.deepEqual(world.findings.of('peers'), []);
    }));

  it('asks everybody each interval, and looks at no traffic, where the budget is enough for that', () =>
    within(
      async (world) => {
        world.near.cannotSeeTraffic();
        await world.seconds(5);
        assert.equal(world.near.isWatching, false);
        const before = world.near.asked;
        await world.seconds(20);
        assert.ok(world.near.asked - before >= 38, `${world.near.asked - before} requests in 20 s`);
        assert.deepEqual(world.findings.of('traffic'), []);
        world.network.cut(NEAR, 'direct');
        await world.seconds(4);
        assert.deepEqual(world.paths, ['vxlan', 'direct', 'vxlan']);
      },
      new World(undefined, true, { ...CONFIG, Weft: { Paths: PATHS } }),
    ));

  it('looks at traffic where the budget is not enough', () =>
    within(async (world) => {
      await world.seconds(5);
      assert.equal(world.near.isWatching, true);
    }));

  it('probes all peers as the budget allows where traffic cannot be seen, with a word about it', () =>
    within(async (world) => {
      world.near.cannotSeeTraffic();
      await world.seconds(5);
      assert.equal(world.findings.of('traffic')[0]?.code, 'ACTIVITY_UNKNOWN');
      const before = world.near.asked;
      await world.seconds(20);
      assert.ok(world.near.asked - before >= 36, `${world.near.asked - before} requests in 20 s`);
    }));

  it('holds the way to a peer that still answers although its lease is gone, until it does no more', () =>
    within(async (world) => {
      await world.seconds(5);
      const own = world.view.leases.values().next().value;
      assert.ok(own !== undefined);
      world.view = viewOf(own);
      await world.pass();
      assert.ok(world.held > 0);
      await world.seconds(10);
      assert.equal(world.paths.at(-1), 'direct');
      world.far.die();
      await world.seconds(5);
      assert.equal(world.paths.at(-1), '');
    }));

  it('asks a peer without Weft by echo, and takes silence for nothing', () =>
    within(
      async (world) => {
        world.far.die();
        await world.seconds(5);
        assert.equal(world.paths.at(-1), 'direct');
        world.network.kernels.clear();
        await world.seconds(60);
        assert.equal(world.paths.at(-1), 'direct');
        assert.equal(world.near.askedBy.probe, 0);
      },
      new World(leaseOf('far', '10.42.2.0/24', '192.168.7.2', undefined)),
    ));

  it('uses a peer without Weft that never answered, and never calls it lost', () =>
    within(
      async (world) => {
        await world.seconds(300);
        assert.deepEqual(world.paths, ['vxlan']);
        assert.deepEqual(world.findings.of('peers'), []);
      },
      new World(leaseOf('far', '10.42.2.0/24', '192.168.7.2', undefined), false),
    ));

  it('goes on with the key it knows when a lease shows another without a newer start', () =>
    within(async (world) => {
      await world.seconds(5);
      const own = world.view.leases.values().next().value;
      assert.ok(own !== undefined);
      world.view = viewOf(own, leaseOf('far', '10.42.2.0/24', '192.168.7.2', KEY('x')));
      await world.pass();
      assert.equal(world.findings.of('keys')[0]?.code, 'PROBE_KEY_REFUSED');
      await world.seconds(30);
      assert.equal(world.prober.choices.answering.size, 1);
    }));
});
