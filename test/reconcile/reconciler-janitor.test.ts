/** Where nodes write their own routes: what a reconciler does for them, and what it leaves to them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { config, destination, instanceOf, MINUTE, ReconcilerWorld } from './reconciler-world.ts';
import { changes, ledgerText } from './world-state.ts';

async function world(): Promise<ReconcilerWorld> {
  const made = ReconcilerWorld.small();
  made.configure(config('node'));
  await made.join(1, { subnet: 'subnet-a' });
  await made.join(3, { subnet: 'subnet-b' });
  await made.stands('rtb-a', 3);
  return made;
}

describe('a reconciler where nodes write', () => {
  it('gives an owner two minutes before it puts his route for him', async () => {
    const made = await world();
    const first = await made.run();
    await made.pass(MINUTE);
    await made.run();
    assert.deepEqual(changes(made), []);
    assert.equal(first.outcomes.get(`rtb-b/${destination(1)}`)?.result, 'waiting');
    await made.pass(MINUTE);
    const [entry, ...more] = (await made.run()).audit;
    assert.deepEqual(changes(made), [`create rtb-b ${destination(1)} eni-1`]);
    assert.deepEqual([entry?.why, more], ['1 host sends by it, and its owner has not written it', []]);
  });

  it('never writes "refused" over a row, and evicts nobody for the quota', async () => {
    const made = await world();
    made.cloud.foreign('rtb-b', destination(1), 'igw-1');
    const table = made.cloud.tables.get('rtb-a');
    assert.ok(table !== undefined);
    table.quota = 0;
    made.cloud.machines.machines.get(instanceOf(1))?.tags.clear();
    const rows = ledgerText(made);
    const reports = await made.runs(8);
    assert.deepEqual([changes(made), ledgerText(made)], [[], rows]);
    assert.ok(reports.every(({ doubted }) => doubted.length === 1));
  });

  it('takes away what a machine that was terminated leaves behind, and gives its subnet back when two runs agree', async () => {
    const made = await world();
    made.terminate(3);
    await made.run();
    assert.deepEqual([changes(made), made.network.freed.size], [[`remove rtb-a ${destination(3)} eni-3`], 0]);
    await made.pass(MINUTE);
    const { audit } = await made.run();
    assert.deepEqual(
      audit.map(({ action, why }) => `${action}: ${why}`),
      [`released: instance ${instanceOf(3)} is terminated`],
    );
    assert.deepEqual([...made.network.freed.keys()], ['10.32.3.0-24']);
    assert.deepEqual(ledgerText(made), []);
  });

  it('takes away what a lease that is gone has left, after its quarantine', async () => {
    const made = await world();
    await made.release(3);
    await made.runs(4);
    assert.deepEqual(changes(made), []);
    await made.runs(1);
    assert.deepEqual(changes(made), [`remove rtb-a ${destination(3)} eni-3`]);
    assert.deepEqual(ledgerText(made), []);
  });

  it('meets an owner who comes back at the last moment at his row, and loses nothing of his', async () => {
    const made = await world();
    await made.release(3);
    await made.runs(4);
    let isBack = false;
    made.cloud.before = async (call) => {
      if (call !== 'remove' || isBack) return;
      isBack = true;
      await made.claim(3, { subnet: 'subnet-b' });
      await made.row('rtb-a', 3);
    };
    await made.run();
    assert.deepEqual(changes(made), [`remove rtb-a ${destination(3)} eni-3`, `create rtb-a ${destination(3)} eni-3`]);
  });

  it('lets a machine that leaves go after its lease and its routes', async () => {
    const made = await world();
    const action = { group: 'nodes', hook: 'weft-drain', instance: instanceOf(3), token: 't' };
    const startMs = made.clock.now();
    const { audit } = await made.run(made.process(), {
      why: 'event',
      leaving: [{ instance: instanceOf(3), why: 'the group shrinks', action }],
    });
    assert.deepEqual(
      audit.map(({ action: done }) => done),
      ['released', 'removed'],
    );
    assert.deepEqual([made.cloud.text, made.cloud.completed.length], [[], 1]);
    assert.ok(made.clock.now() - startMs >= 15_000);
  });
});
