/** The suite that every PathProbe passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Subnet } from '../../src/core/subnet.ts';
import {
  askAll,
  introduce,
  never,
  otherOf,
  Outcomes,
  PATHS,
  peerOf,
  selfOf,
  SUBNETS,
  targetOf,
  verdicts,
  type ProbeWorld,
} from './probe-world.ts';

const HEARD = { direct: 'heard', vxlan: 'heard' };
const SILENT = { direct: 'silent', vxlan: 'silent' };

/** @param concurrency how many worlds there may be at a time */
export function pathProbeContract(name: string, makeWorld: () => Promise<ProbeWorld>, concurrency = 1): void {
  const test = (title: string, body: (world: ProbeWorld) => Promise<void>): void => {
    it(title, async () => {
      const world = await makeWorld();
      try {
        await introduce(world);
        await body(world);
      } finally {
        await world.close();
      }
    });
  };

  describe(`probes by ${name}`, { concurrency }, () => {
    test('hear of a path that carries both ways, with the time it takes', async (world) => {
      const outcomes = await askAll(world, 'near');
      assert.deepEqual(verdicts(outcomes), HEARD);
      assert.ok(outcomes.every(({ rttMs }) => rttMs !== undefined && rttMs >= 0));
      assert.ok(outcomes.every(({ subnet }) => subnet === SUBNETS.far));
    });

    for (const cut of PATHS) {
      test(`blame the way out of ${cut} when that is cut, in its direction alone`, async (world) => {
        await world.cut('near', cut);
        assert.deepEqual(verdicts(await askAll(world, 'near')), { ...HEARD, [cut]: 'missed' });
        assert.deepEqual(verdicts(await askAll(world, 'far')), HEARD);
        await world.mend('near', cut);
        assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
      });
    }

    test('do not blame the way out when only the way back is cut', async (world) => {
      await world.cut('far', 'direct');
      assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
    });

    test('get the answer over the other path when the way back is cut, though nothing else is asked', async (world) => {
      await world.cut('far', 'direct');
      const outcomes = new Outcomes(world.near);
      for (let round = 0; round < 4 && !outcomes.all.some(({ verdict }) => verdict === 'heard'); round++) {
        world.near.ask(targetOf('far', 'direct'));
        await world.settle();
      }
      await outcomes.stop();
      assert.ok(outcomes.all.some(({ verdict, path }) => verdict === 'heard' && path === 'direct'));
      assert.ok(outcomes.all.every(({ verdict }) => verdict !== 'missed'));
    });

    test('say nothing of any path when nothing comes back', async (world) => {
      for (const path of PATHS) await world.cut('far', path);
      assert.deepEqual(verdicts(await askAll(world, 'near')), SILENT);
    });

    test('are not answered to strangers', async (world) => {
      world.far.serve([]);
      await world.settle();
      assert.deepEqual(verdicts(await askAll(world, 'near')), SILENT);
      world.far.serve([peerOf(world, 'near', { key: world.far.key })]);
      await world.settle();
      assert.deepEqual(verdicts(await askAll(world, 'near')), SILENT);
      world.far.serve([peerOf(world, 'near')]);
      await world.settle();
      assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
    });

    test('find a peer that was started anew as soon as it has asked, before its lease is read', async (world) => {
      assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
      await world.far.listen(selfOf('far', 8), never);
      assert.deepEqual(verdicts(await askAll(world, 'near')), SILENT);
      assert.deepEqual(verdicts(await askAll(world, 'far')), HEARD);
      assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
    });

    test('ask the kernel of a peer that has no daemon, and blame a way out there too', async (world) => {
      world.far.serve([]);
      world.near.serve([]);
      await world.settle();
      assert.deepEqual(verdicts(await askAll(world, 'near', 3, 'echo')), HEARD);
      await world.cut('near', 'direct');
      assert.deepEqual(verdicts(await askAll(world, 'near', 3, 'echo')), { ...HEARD, direct: 'missed' });
    });

    test('are no traffic; packets of containers are, for the direction in which they go', async (world) => {
      await world.near.active(undefined, never);
      await world.far.active(undefined, never);
      await askAll(world, 'near');
      await askAll(world, 'near', 1, 'echo');
      assert.deepEqual([...((await world.near.active(undefined, never)) ?? [])], []);
      assert.deepEqual([...((await world.far.active(undefined, never)) ?? [])], []);
      await world.traffic('near');
      assert.deepEqual([...((await world.near.active(undefined, never)) ?? [])], [SUBNETS[otherOf('near')]]);
      assert.deepEqual([...((await world.far.active(undefined, never)) ?? [])], []);
    });

    test('tell of traffic as it begins, and are ended while they wait for that', async (world) => {
      await world.near.active(undefined, never);
      const none = { active: new Set<Subnet>(), everyMs: () => 20 };
      const begins = world.near.active(none, never);
      await world.traffic('near');
      const active = await begins;
      assert.deepEqual([...(active ?? [])], [SUBNETS.far]);
      const stop = new AbortController();
      const waits = world.near.active({ active, everyMs: () => 20 }, stop.signal);
      stop.abort();
      await assert.rejects(waits, { code: 'ABORTED' });
    });

    test('leave nothing behind, and can begin again', async (world) => {
      await world.near.active(undefined, never);
      await world.near.forget(never);
      await world.near.forget(never);
      await introduce(world);
      assert.deepEqual(verdicts(await askAll(world, 'near')), HEARD);
    });

    test('end with their signal', async (world) => {
      const outcomes = new Outcomes(world.near);
      await outcomes.stop();
      await assert.rejects(world.near.listen(selfOf('near'), AbortSignal.abort()), { code: 'ABORTED' });
    });
  });
}
