/** What a run does beside its work: it only looks, is cut by its time, meets another, takes long, has nothing to do. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { config, destination, instanceOf, ReconcilerWorld } from './reconciler-world.ts';
import { changes, worldState } from './world-state.ts';

const RIGHT = [`rtb-a ${destination(3)} eni-3`, `rtb-b ${destination(1)} eni-1`];
const STALE = `rtb-a ${destination(7)} eni-7`;

const fail = (): never => {
  throw new Error('there is no such lease');
};

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

describe('a run', () => {
  it('that only looks writes nothing anywhere, and needs no lock', async () => {
    const world = await settled();
    await world.join(4, { subnet: 'subnet-b' });
    const [seq, before] = [world.network.seq, changes(world).length];
    const report = await world.run(world.process(), { why: 'person', dryRun: true });
    assert.deepEqual([world.network.seq, changes(world).length], [seq, before]);
    assert.ok(report.outcomes.has(`rtb-a/${destination(4)}`));
    assert.deepEqual([report.audit, report.calls], [[], 0]);
  });

  it('whose time is short is cut, and the next ones go on from there', async () => {
    const world = new ReconcilerWorld({ rate: { perSecond: 1, burst: 2 } });
    world.cloud.addTable('rtb-a', { subnets: ['subnet-a'] });
    world.cloud.addTable('rtb-b', { subnets: ['subnet-b'] });
    for (let number = 1; number <= 40; number++)
      await world.join(number, { subnet: number % 2 === 0 ? 'subnet-a' : 'subnet-b' });
    let runs = 0;
    for (; world.cloud.text.length < 40 && runs < 20; runs++) {
      const { how } = await world.run(world.process(), { untilMs: 30_000 });
      assert.equal(how, world.cloud.text.length < 40 ? 'cut' : how);
      await world.pass(1000);
    }
    assert.ok(runs > 1 && runs < 20, `${runs} runs`);
    await world.run();
    assert.equal(changes(world).length, 40);
  });

  it('that takes long: a subnet that finds a new owner meanwhile is his, and nothing is removed from under him', async () => {
    const world = ReconcilerWorld.small({ rate: { perSecond: 0.1, burst: 1 } });
    for (let number = 1; number <= 6; number++) await world.join(number, { subnet: 'subnet-a' });
    for (const number of [20, 21]) await world.join(number, { subnet: 'subnet-b' });
    await world.stands('rtb-a', 20);
    await world.stands('rtb-a', 21);
    // Gone, with its lease: its route goes at once, after what is put.
    const { key } = world.alive.get(20) ?? fail();
    world.terminate(20);
    world.network.leases.delete(key);
    let creations = 0;
    let joined: Promise<unknown> | undefined;
    world.cloud.before = (call) => {
      if (call !== 'create' || (creations += 1) !== 3) return;
      world.cloud.machines.start({ instance: instanceOf(30), target: 'eni-30', subnet: 'subnet-b' });
      joined = world.claim(30, { subnet: 'subnet-b' }, false, 20);
    };
    await world.run();
    assert.ok(joined !== undefined);
    await joined;
    assert.deepEqual(
      changes(world).filter((line) => line.startsWith('remove')),
      [],
    );
    await world.run();
    assert.ok(world.cloud.text.includes(`rtb-a ${destination(20)} eni-30`), world.cloud.text.join('\n'));
  });

  it('while another runs is told so, and touches nothing', async () => {
    const world = ReconcilerWorld.small();
    await world.join(1, { subnet: 'subnet-a' });
    await world.join(3, { subnet: 'subnet-b' });
    let inside: Promise<unknown> | undefined;
    world.cloud.before = (call, _what, by) => {
      if (call !== 'create' || inside !== undefined) return;
      assert.equal(by, 'lambda');
      const other = world.process({ name: 'host-2' });
      inside = other.reconciler
        .run({ why: 'schedule', leaving: [], adopt: false, dryRun: false, untilMs: 0 }, new AbortController().signal)
        .then(({ how, calls }) => assert.deepEqual([how, calls], ['busy', 0]));
    };
    await world.run();
    assert.ok(inside !== undefined);
    await world.clock.during(inside);
    assert.deepEqual(world.cloud.text, RIGHT);
    assert.deepEqual(changes(world).length, 2);
  });

  it('in an empty network, and of one that is all right, changes nothing', async () => {
    const world = ReconcilerWorld.small();
    world.configure(config());
    await world.runs(2);
    await world.join(1, { subnet: 'subnet-a' });
    await world.runs(1);
    assert.deepEqual(changes(world), []);
    await world.join(3, { subnet: 'subnet-b' });
    await world.runs(2);
    const [state, made] = [worldState(world), changes(world).length];
    await world.runs(3);
    assert.deepEqual([worldState(world), changes(world).length], [state, made]);
  });
});
