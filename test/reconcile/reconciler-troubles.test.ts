/** Clocks that jump between runs, a store or a cloud that is away, tables that vanish: nothing is lost by it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { rejectsWith } from '../contract/store-world.ts';
import type { FakeCall } from '../fakes/fake-cloud.ts';
import { unreachable } from '../fakes/memory-network.ts';
import { BETWEEN_RUNS, destination, instanceOf, MINUTE, ReconcilerWorld } from './reconciler-world.ts';
import { changes, ledgerText } from './world-state.ts';

const DAY = 24 * 60 * MINUTE;
const RIGHT = [`rtb-a ${destination(3)} eni-3`, `rtb-b ${destination(1)} eni-1`];
const STALE = `rtb-a ${destination(7)} eni-7`;

/** Node 1 in subnet a, node 3 in b, and a route whose lease is gone while its machine lives. */
async function settled(): Promise<ReconcilerWorld> {
  const world = ReconcilerWorld.small();
  await world.join(1, { subnet: 'subnet-a' });
  await world.join(3, { subnet: 'subnet-b' });
  world.cloud.machines.start({ instance: instanceOf(7), target: 'eni-7', subnet: 'subnet-b' });
  await world.stands('rtb-a', 7);
  await world.run();
  assert.deepEqual(world.cloud.text, [...RIGHT, STALE].toSorted());
  return world;
}

/** More than half of all routes, and more than ten. */
async function crowd(count: number): Promise<ReconcilerWorld> {
  const world = ReconcilerWorld.small();
  for (let number = 1; number <= count; number++)
    await world.join(number, { subnet: number % 2 === 0 ? 'subnet-a' : 'subnet-b' });
  await world.run();
  assert.equal(world.cloud.text.length, count);
  return world;
}

describe('a clock that jumps between runs', () => {
  for (const jump of [3 * DAY, -3 * DAY, 400 * DAY])
    it(`by ${jump / DAY} days: proves nothing by itself, and stops nothing`, async () => {
      const world = await settled();
      await world.pass(MINUTE);
      await world.run(world.process({ wallMs: jump }));
      await world.pass(MINUTE);
      await world.run(world.process());
      await world.pass(MINUTE);
      await world.run(world.process({ wallMs: jump }));
      assert.deepEqual(world.cloud.text, [...RIGHT, STALE].toSorted());
      assert.equal(world.network.leases.size, 2);
      await world.pass(BETWEEN_RUNS);
      await world.runs(7);
      assert.deepEqual(world.cloud.text, RIGHT);
      assert.equal(world.network.leases.size, 2);
    });

  it('the hold of removals that look like a mistake needs two runs by the clock or by a person, five minutes of age apart', async () => {
    const world = await crowd(24);
    for (let number = 1; number <= 20; number++) world.network.leases.delete(world.alive.get(number)?.key ?? fail());
    for (let number = 1; number <= 20; number++) world.terminate(number);
    const [held] = await world.runs(1);
    assert.ok([...(held?.outcomes.values() ?? [])].some(({ result }) => result === 'held'));
    await world.run(world.process({ wallMs: 10 * DAY }), { why: 'event' });
    await world.run(world.process(), { why: 'change' });
    await world.run(world.process({ wallMs: 20 * DAY }), { why: 'change' });
    assert.equal(world.cloud.text.length, 24);
    await world.runs(3);
    assert.equal(world.cloud.text.length, 4);
  });
});

const fail = (): never => {
  throw new Error('there is no such lease');
};

describe('a cloud that fails', () => {
  for (const call of ['instances', 'interfaces', 'look'] satisfies FakeCall[])
    it(`${call}: what cannot be seen removes nothing and puts nothing`, async () => {
      const world = await settled();
      world.terminate(3);
      const before = world.cloud.text;
      for (const code of ['CLOUD_UNREACHABLE', 'CLOUD_DENIED', 'CLOUD_THROTTLED'] as const) {
        world.cloud.before = (made) => {
          if (made === call) throw new WeftError(code, 'no');
        };
        for (let n = 0; n < 3; n++) {
          await rejectsWith(code, world.run());
          await world.pass(BETWEEN_RUNS);
        }
      }
      assert.deepEqual(world.cloud.text, before);
      world.cloud.before = () => undefined;
      await world.runs(7);
      assert.deepEqual(world.cloud.text, []);
    });

  it('the quota is asked in vain: the one that the cloud publishes counts', async () => {
    const world = await settled();
    world.cloud.before = (made) => {
      if (made === 'quota') throw new WeftError('CLOUD_DENIED', 'no');
    };
    const report = await world.run();
    assert.deepEqual(
      report.tables.map(({ quota }) => quota),
      report.tables.map(() => ({ limit: 500, source: 'default' })),
    );
  });

  it('a machine that the cloud does not name yet, or not for a while, loses nothing', async () => {
    const world = await settled();
    world.cloud.machines.lagMs = 3 * MINUTE;
    await world.join(5, { subnet: 'subnet-b' });
    await world.run();
    assert.deepEqual(world.cloud.text, [...RIGHT, STALE].toSorted());
    await world.pass(BETWEEN_RUNS);
    await world.run();
    assert.ok(world.cloud.text.includes(`rtb-a ${destination(5)} eni-5`));
    world.cloud.machines.lagMs = 0;
    const machine = world.cloud.machines.machines.get(instanceOf(3));
    world.cloud.machines.machines.delete(instanceOf(3));
    await world.run();
    await world.pass(MINUTE);
    await world.run();
    assert.ok(machine !== undefined);
    world.cloud.machines.machines.set(instanceOf(3), machine);
    await world.runs(3);
    assert.ok(RIGHT.every((line) => world.cloud.text.includes(line)));
    assert.ok(changes(world).every((line) => !line.includes(`remove rtb-a ${destination(3)}`)));
  });

  it('a table that vanished keeps nobody from the others, and its rows are no reason to call', async () => {
    const world = await settled();
    world.cloud.tables.delete('rtb-a');
    const before = changes(world).length;
    const known = (): string[] => ledgerText(world).filter((line) => line.includes(destination(7)));
    await world.runs(60);
    assert.equal(known().length, 1);
    // It might have been another VPC's: after a day nobody's reconciler has removed what it tells of.
    await world.runs(304);
    assert.deepEqual(known(), []);
    assert.deepEqual(
      changes(world)
        .slice(before)
        .filter((line) => line.includes('rtb-a')),
      [],
    );
  });

  it('a table that vanishes between look and call is said, and the run goes on', async () => {
    const world = ReconcilerWorld.small();
    await world.join(1, { subnet: 'subnet-a' });
    await world.join(3, { subnet: 'subnet-b' });
    world.cloud.before = (call) => {
      if (call === 'create') world.cloud.tables.delete('rtb-a');
    };
    await world.runs(2);
    assert.deepEqual(world.cloud.text, [`rtb-b ${destination(1)} eni-1`]);
  });

  it('inventory, tables and what was written show late: the same end, and nothing is called for twice', async () => {
    const world = ReconcilerWorld.small();
    world.cloud.lagMs = 20_000;
    world.cloud.machines.lagMs = 20_000;
    for (const [number, subnet] of [
      [1, 'subnet-a'],
      [2, 'subnet-a'],
      [3, 'subnet-b'],
    ] as const)
      await world.join(number, { subnet });
    await world.runs(3);
    assert.deepEqual(changes(world).toSorted(), [
      `create rtb-a ${destination(3)} eni-3`,
      `create rtb-b ${destination(1)} eni-1`,
      `create rtb-b ${destination(2)} eni-2`,
    ]);
  });
});

describe('a store that fails', () => {
  it('is away: the run fails and touches nothing; back again, the next one goes on', async () => {
    const world = await settled();
    world.terminate(3);
    const before = changes(world).length;
    world.network.before = () => {
      throw unreachable();
    };
    const stop = new AbortController();
    const run = world.run(world.process(), {}, stop.signal);
    run.catch(() => stop.abort());
    await world.clock.advance(10 * MINUTE);
    stop.abort();
    await assert.rejects(run);
    assert.equal(changes(world).length, before);
    world.network.before = () => undefined;
    await world.runs(7);
    assert.deepEqual(world.cloud.text, []);
  });

  for (const [what, text] of [
    ['no config', undefined],
    ['a config that cannot be read', '{"Network": "10.32.0.0/12", "Weft": {"RouteWriter": "nobody"}}'],
    ['a config that is no JSON', '{'],
  ] as const)
    it(`${what}: nothing is touched`, async () => {
      const world = await settled();
      world.network.config = text === undefined ? undefined : { text, version: String(world.network.draw()) };
      const before = world.cloud.text;
      for (let n = 0; n < 7; n++) {
        await world.run().catch(() => undefined);
        await world.pass(BETWEEN_RUNS);
      }
      assert.deepEqual(world.cloud.text, before);
    });

  it('all leases are lost at once: routes are held for two runs, and nobody is called terminated for it', async () => {
    const world = await crowd(16);
    const leases = new Map(world.network.leases);
    world.network.leases.clear();
    await world.runs(2);
    assert.equal(world.cloud.text.length, 16);
    for (const [key, held] of leases) world.network.leases.set(key, held);
    await world.runs(7);
    assert.equal(world.cloud.text.length, 16);
    assert.deepEqual(
      changes(world).filter((line) => line.startsWith('remove')),
      [],
    );
  });
});
