/** Machines on their way out: no packet is lost, and nothing of them stays. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { destination, instanceOf } from './reconciler-world.ts';
import { A, B, pair, rows, told } from './reconciler-pair.ts';

describe('machines that leave', () => {
  it('senders are told, then the routes go, then the subnet is free and the machine may go', async () => {
    const world = await pair();
    await world.join(2, { subnet: 'subnet-a' });
    await world.run();
    const action = { group: 'nodes', hook: 'weft-drain', instance: instanceOf(3), token: 't' };
    const seen: string[] = [];
    world.cloud.before = (call) => {
      if (call === 'remove') seen.push(...rows(world).filter((line) => line.startsWith(A)), `${world.clock.now()}`);
      if (call === 'complete') seen.push(`${world.network.freed.size} freed`, ...world.cloud.text);
    };
    const startMs = world.clock.now();
    const request = { why: 'event', leaving: [{ instance: instanceOf(3), why: 'the group shrinks', action }] } as const;
    const report = await world.run(world.process(), request);
    const [row, removedMs, ...atEnd] = seen;
    assert.equal(row, `${A} eni-3 refused`);
    assert.ok(Number(removedMs) - startMs >= 15_000);
    // What others have in its table waits: nobody sends by it any more.
    assert.deepEqual(atEnd, ['1 freed', `${B} eni-1`, `rtb-b ${destination(2)} eni-2`]);
    assert.deepEqual(told(report), [
      `removed eni-3 -: instance ${instanceOf(3)} is leaving: the group shrinks`,
      `released - -: instance ${instanceOf(3)} is leaving: the group shrinks`,
    ]);
    // It has not gone yet: nothing is put back for it.
    world.alive.delete(3);
    await world.claim(3, { subnet: 'subnet-b' }).catch(() => undefined);
    const after = await world.run();
    assert.ok(!world.cloud.text.includes(`${A} eni-3`));
    assert.deepEqual(
      after.audit.map(({ action: done }) => done),
      ['released'],
    );
    world.alive.delete(3);
    world.terminate(3);
    await world.runs(2);
    assert.equal(world.network.records.get('leaving')?.size, 0);
  });

  it('and carry nothing any more are waited for by nobody: their routes go at once, after their senders were told', async () => {
    const world = await pair();
    await world.run();
    world.terminate(3, 'shutting-down');
    const seen: string[] = [];
    world.cloud.before = (call) => {
      if (call === 'remove') seen.push(...rows(world).filter((line) => line.startsWith(A)));
    };
    const startMs = world.clock.now();
    await world.run(world.process(), { why: 'event', leaving: [{ instance: instanceOf(3), why: 'is shutting-down' }] });
    assert.deepEqual([seen, world.cloud.text.includes(`${A} eni-3`)], [[`${A} eni-3 refused`], false]);
    assert.ok(world.clock.now() - startMs < 15_000);
    assert.deepEqual([...world.network.freed.keys()], ['10.32.3.0-24']);
  });

  it('that are none of this network cost nothing, and are not remembered', async () => {
    const world = await pair();
    await world.run();
    const startMs = world.clock.now();
    await world.run(world.process(), { why: 'event', leaving: [{ instance: 'i-0abc', why: 'is stopping' }] });
    assert.deepEqual([world.clock.now(), world.network.records.get('leaving')?.size ?? 0], [startMs, 0]);
  });

  it('and run on after all get their routes back', async () => {
    const world = await pair();
    await world.run(world.process(), { why: 'event', leaving: [{ instance: instanceOf(3), why: 'is stopping' }] });
    world.alive.delete(3);
    await world.runs(3);
    await world.claim(3, { subnet: 'subnet-b' });
    await world.runs(1);
    assert.deepEqual(world.cloud.text, [`${A} eni-3`, `${B} eni-1`]);
  });
});
