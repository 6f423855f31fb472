/** Settings and a network config that somebody got wrong: right routes stand until it is put right. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { never } from '../contract/store-world.ts';
import { A, B, pair, result, rows } from './reconciler-pair.ts';
import { config, MINUTE, type ReconcilerWorld } from './reconciler-world.ts';
import { changes } from './world-state.ts';

const RIGHT = [`${A} eni-3`, `${B} eni-1`];

describe('a right route stands', () => {
  it('where no machine at all carries the tag that the reconciler was told to look for', async () => {
    const world = await pair();
    await world.run();
    for (let n = 0; n < 8; n++) {
      await world.run(world.process({ settings: { nodeTag: 'wefT:node' } }));
      await world.pass(3 * MINUTE);
    }
    assert.deepEqual(world.cloud.text, RIGHT);
    assert.deepEqual(rows(world), [`${A} eni-3 committed`, `${B} eni-1 committed`]);
  });

  it('where the config wants subnets of another length than those that live have', async () => {
    const world = await pair();
    await world.run();
    world.configure({
      Network: '10.32.0.0/12',
      SubnetLen: 25,
      Backend: { Type: 'auto' },
      Weft: { RouteWriter: 'reconciler' },
    });
    await world.runs(8);
    assert.deepEqual(world.cloud.text, RIGHT);
  });

  it('where the config names no table that is there', async () => {
    const world = await pair();
    await world.run();
    world.configure(config('reconciler', { AWS: { RouteTableID: ['rtb-typo'] } }));
    await world.runs(8);
    assert.deepEqual(world.cloud.text, RIGHT);
  });
});

describe('senders are told before a route goes', () => {
  it('from a table that the config names no more', async () => {
    const world = await pair();
    await world.run();
    world.configure(config('reconciler', { AWS: { RouteTableID: ['rtb-b'] } }));
    const said: string[] = [];
    world.cloud.before = (call) => {
      if (call === 'remove') said.push(...rows(world));
    };
    await world.runs(6);
    assert.deepEqual(changes(world).slice(2), [`remove ${A} eni-3`]);
    assert.deepEqual(said, [`${A} eni-3 refused`, `${B} eni-1 committed`]);
    assert.deepEqual(rows(world), [`${B} eni-1 committed`]);
  });

  it('to an owner who may only be cut off from the store', async () => {
    const world = await three();
    world.alive.delete(3);
    let before: string[] = [];
    for (let n = 0; n < 500 && world.cloud.text.includes(`${A} eni-3`); n++) {
      before = rows(world);
      await world.runs(1);
    }
    assert.ok(!world.cloud.text.includes(`${A} eni-3`));
    assert.equal(before[0], `${A} eni-3 refused`);
  });
});

/** Node 4 sends by the table of node 3's subnet too, when that is silent. */
async function three(): Promise<ReconcilerWorld> {
  const world = await pair();
  await world.join(4, { subnet: 'subnet-b' });
  await world.run();
  return world;
}

/** Runs until the next one would take the route away; its owner has been silent for a day and longer. */
async function untilDue(world: ReconcilerWorld): Promise<void> {
  for (let n = 0; n < 500; n++) {
    const dry = await world.run(world.process(), { dryRun: true });
    if (result(dry, 'rtb-a', 3)[1] === 'it would be removed') return;
    await world.runs(1);
  }
  assert.fail('it is never due');
}

it('an owner who was silent for a day and renews while a run goes on keeps his route', async () => {
  const world = await three();
  const silent = world.alive.get(3);
  assert.ok(silent !== undefined);
  world.alive.delete(3);
  await untilDue(world);
  let isBack = false;
  world.cloud.before = async (call) => {
    if (call !== 'look' || isBack) return;
    isBack = true;
    await world.store.renew(silent, silent.attributes, 24 * 60 * MINUTE, never());
    await world.clock.sleep(2000, never());
  };
  await world.run();
  assert.ok(isBack);
  assert.ok(world.cloud.text.includes(`${A} eni-3`));
  // What its senders were told is taken back.
  await world.run();
  assert.equal(rows(world)[0], `${A} eni-3 committed`);
});
