/** Many machines that leave at once, each told of by its own event: all senders hear of it at once, and one wait is for all of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunReport, RunRequest } from '../../src/reconcile/reconciler-parts.ts';
import { rows } from './reconciler-pair.ts';
import { config, destination, instanceOf, MINUTE, ReconcilerWorld } from './reconciler-world.ts';

const LEAVERS = [4, 5, 6, 7, 8, 9];
const WAIT_MS = 15_000;

/** Node 1 in subnet a, which sends by table a to those that leave, all of them in b. */
async function crowd(writer: 'node' | 'reconciler' = 'reconciler'): Promise<ReconcilerWorld> {
  const world = ReconcilerWorld.small();
  world.configure(config(writer));
  await world.join(1, { subnet: 'subnet-a' });
  for (const number of LEAVERS) await world.join(number, { subnet: 'subnet-b' });
  if (writer === 'node') for (const number of LEAVERS) await world.stands('rtb-a', number);
  await world.run();
  return world;
}

const interrupted = (number: number): Partial<RunRequest> => ({
  why: 'event',
  leaving: [{ instance: instanceOf(number), why: 'its Spot instance will be interrupted' }],
  mayLinger: false,
});
const standing = (world: ReconcilerWorld): number[] =>
  LEAVERS.filter((number) => world.cloud.text.includes(`rtb-a ${destination(number)} eni-${number}`));
const refused = (world: ReconcilerWorld): number[] =>
  LEAVERS.filter((number) => rows(world).includes(`rtb-a ${destination(number)} eni-${number} refused`));
const actions = ({ audit }: RunReport): string[] => [...new Set(audit.map(({ action }) => action))];

describe('a crowd of machines that leave', () => {
  it('is told of to all senders within seconds, with every route still there, and goes after one wait', async () => {
    const world = await crowd();
    const startMs = world.clock.now();
    for (const [at, number] of LEAVERS.entries()) {
      const report = await world.run(world.process(), interrupted(number));
      assert.deepEqual([report.how, report.calls, refused(world)], ['done', 0, LEAVERS.slice(0, at + 1)]);
    }
    assert.ok(world.clock.now() - startMs < 5000, `${world.clock.now() - startMs} ms`);
    // What wakes the function meanwhile takes none of them away.
    const change = await world.run(world.process(), { why: 'change', mayLinger: false });
    assert.deepEqual([change.calls, standing(world)], [0, LEAVERS]);

    const toldMs = world.clock.now();
    let first: number | undefined;
    world.cloud.before = (call) => void (call === 'remove' && (first ??= world.clock.now()));
    const last = await world.run();
    assert.deepEqual([standing(world), world.network.freed.size], [[], LEAVERS.length]);
    assert.deepEqual(actions(last), ['removed', 'released']);
    assert.ok((first ?? 0) - toldMs >= WAIT_MS);
    assert.ok(world.clock.now() - toldMs < 2 * WAIT_MS, `${world.clock.now() - toldMs} ms`);
  });

  it('loses no packet of one that was told of just before the run that waits, though others were told long before', async () => {
    const world = await crowd();
    await world.run(world.process(), interrupted(4));
    await world.pass(MINUTE);
    await world.run(world.process(), interrupted(5));
    const toldMs = world.clock.now();
    const removed: number[] = [];
    world.cloud.before = (call) => void (call === 'remove' && removed.push(world.clock.now() - toldMs));
    await world.run();
    assert.equal(removed.length, 2);
    assert.ok(removed.every((afterMs) => afterMs >= WAIT_MS));
  });

  it('is waited for no longer when the cloud has told of its end, which it may not show yet', async () => {
    const world = await crowd();
    for (const number of LEAVERS) await world.run(world.process(), interrupted(number));
    const startMs = world.clock.now();
    const leaving = [{ instance: instanceOf(4), why: 'its instance is shutting-down', isEnded: true }];
    await world.run(world.process(), { why: 'event', leaving, mayLinger: false });
    assert.deepEqual(standing(world), LEAVERS.slice(1));
    assert.deepEqual([...world.network.freed.keys()], ['10.32.4.0-24']);
    assert.ok(world.clock.now() - startMs < 5000);
  });

  it('goes in the end although every run has others behind it: senders had minutes by then', async () => {
    const world = await crowd();
    await world.run(world.process(), interrupted(4));
    const waits: number[] = [];
    for (let minutes = 0; minutes < 10; minutes += 2) {
      const startMs = world.clock.now();
      const { calls } = await world.run(world.process(), { why: 'event', mayLinger: false });
      if (calls > 0) waits.push(minutes, world.clock.now() - startMs);
      await world.pass(2 * MINUTE);
    }
    const [minutes, waitedMs] = waits;
    assert.ok(minutes !== undefined && minutes >= 5, `${minutes} minutes`);
    assert.ok(waitedMs !== undefined && waitedMs < WAIT_MS);
  });

  it('where a clock has jumped between two runs is waited for all the same', async () => {
    const world = await crowd();
    await world.run(world.process(), interrupted(4));
    const toldMs = world.clock.now();
    let removedMs = 0;
    world.cloud.before = (call) => void (call === 'remove' && (removedMs = world.clock.now()));
    await world.run(world.process({ wallMs: 24 * 60 * MINUTE }));
    assert.ok(removedMs - toldMs >= WAIT_MS);
  });

  it('where nodes write gives its leases back at once, and its routes go after the wait', async () => {
    const world = await crowd('node');
    const startMs = world.clock.now();
    for (const number of LEAVERS) await world.run(world.process(), interrupted(number));
    assert.equal(world.network.freed.size, LEAVERS.length);
    assert.deepEqual(standing(world), LEAVERS);
    assert.ok(world.clock.now() - startMs < 5000);
    await world.run();
    assert.deepEqual(standing(world), []);
    assert.ok(world.clock.now() - startMs >= WAIT_MS);
  });

  it('of whom nobody sends to any more may go at once, and its action is completed', async () => {
    const world = await crowd();
    world.terminate(9);
    await world.release(9);
    await world.runs(6);
    world.cloud.machines.turn(instanceOf(9), 'running');
    const action = { group: 'nodes', hook: 'weft-drain', instance: instanceOf(9), token: 't' };
    let completed = 0;
    world.cloud.before = (call) => void (call === 'complete' && (completed += 1));
    const startMs = world.clock.now();
    await world.run(world.process(), {
      why: 'event',
      leaving: [{ instance: instanceOf(9), why: 'its group ends it', action }],
      mayLinger: false,
    });
    assert.deepEqual([completed, world.clock.now() - startMs < 5000], [1, true]);
  });
});
