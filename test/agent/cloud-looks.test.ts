/** When the keeper of cloud routes looks again, and what it says meanwhile. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { World } from './cloud-keeper-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('the keeper of cloud routes', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  it('puts back what another hand removed at the next look, and soon when a probe doubts', async () => {
    world.start();
    await world.pass(1000);
    // The look at the start, a moment ago, is no reason to wait; nor is the first doubt to wait with the second.
    for (let doubts = 0; doubts < 3; doubts++) {
      world.cloud.tables.get('rtb-b')?.routes.clear();
      world.keeper.doubt();
      await world.pass(1000);
      assert.deepEqual(world.cloud.text, ['rtb-b 10.42.1.0/24 eni-1']);
    }
    world.cloud.tables.get('rtb-b')?.routes.clear();
    for (let doubts = 0; doubts < 60; doubts++) {
      world.keeper.doubt();
      await world.pass(1000);
    }
    assert.deepEqual(world.cloud.text, [], 'after three, doubts make one look in two minutes');
    await world.pass(2 * MINUTE);
    assert.deepEqual(world.cloud.text, ['rtb-b 10.42.1.0/24 eni-1']);
  });

  it('a route that doubts cannot mend is looked at 33 times an hour at most', async () => {
    world.start();
    await world.pass(MINUTE);
    world.calls();
    for (let doubts = 0; doubts < 3600; doubts++) {
      world.keeper.doubt();
      await world.pass(1000);
    }
    const looks = world.calls().filter((line) => line.startsWith('look'));
    assert.ok(looks.length <= 33, `${looks.length}`);
  });

  it("tries again soon for a full table when another's route found room in it, and not for its own", async () => {
    const table = world.cloud.tables.get('rtb-b');
    assert.ok(table !== undefined);
    table.quota = 0;
    const row = {
      v: 1,
      table: 'rtb-b',
      destination: '10.42.9.0/24',
      target: 'eni-9',
      epoch: 9,
      node: 'node-9',
      state: 'refused',
      generation: 0,
    };
    await world.records.put('ledger', 'rtb-b/10.42.9.0/24', row, undefined, never());
    world.start();
    await world.pass(2 * HOUR);
    table.quota = 9;
    await world.records.put('ledger', 'rtb-b/10.42.9.0/24', { ...row, state: 'committed' }, undefined, never());
    await world.pass(2000);
    assert.deepEqual(world.cloud.text, ['rtb-b 10.42.1.0/24 eni-1']);
    world.calls();
    await world.pass(MINUTE);
    assert.deepEqual(world.calls(), []);
  });

  it('what a person may do about a route that cannot be stands in the finding', async () => {
    world.cloud.foreign('rtb-b', parseSubnet('10.42.1.0/24'), 'eni-9');
    world.start();
    await world.pass();
    assert.deepEqual(
      world.findings.of('cloud').map(({ code, message }) => `${code} ${message}`),
      [
        'CLOUD_CONFLICT no cloud route 10.42.1.0/24 in rtb-b: a route to 10.42.1.0/24 that is not ours leads to eni-9 in rtb-b, and not to eni-1. ' +
          'It is not touched: remove it if nobody needs it. It is tried again by itself, and at once on SIGHUP.',
      ],
    );
  });
});
