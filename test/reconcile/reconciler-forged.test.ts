/** What stands in the store and cannot be true, or serves nobody but who wrote it: it may delay a route, and never keeps one away for ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';

import { never } from '../contract/store-world.ts';
import type { Tap } from '../fakes/tapped.ts';
import { A, B, pair, rows } from './reconciler-pair.ts';
import { config, destination } from './reconciler-world.ts';
import { ledgerText } from './world-state.ts';

const RIGHT = [`${A} eni-3`, `${B} eni-1`];
const conflict = () => new WeftError('CLOUD_CONFLICT', 'there is a route already');
const LARGEST = Number.MAX_SAFE_INTEGER;

describe('a forged row', () => {
  for (const mode of ['node', 'reconciler'] as const)
    for (const [what, lie] of [
      ['an epoch that no lease has', { epoch: LARGEST }],
      ['a generation that no writer has', { generation: LARGEST }],
    ] as const)
      it(`with ${what} keeps no route away where ${mode === 'node' ? 'nodes write' : 'the reconciler writes'}`, async () => {
        const world = await pair();
        world.configure(config(mode));
        await world.row('rtb-b', 1, { state: 'refused', why: 'so says somebody', ...lie });
        await world.runs(3);
        assert.deepEqual(world.cloud.text, RIGHT);
        assert.ok(
          ledgerText(world).every((line) => !line.includes(String(LARGEST))),
          ledgerText(world).join('\n'),
        );
      });

  it('with an epoch that was lawful when it was read is not written over', async () => {
    const world = await pair();
    await world.run();
    await world.release(3);
    world.network.freed.clear();
    const lease = await world.claim(3, { subnet: 'subnet-b' });
    await world.row('rtb-a', 3, { epoch: lease.epoch });
    await world.run();
    assert.ok(ledgerText(world).some((line) => line.startsWith(`${A} eni-3 committed epoch ${lease.epoch}`)));
  });
});

describe('a forged record of the writer', () => {
  it('with the largest generation there is ends no handing over', async () => {
    const world = await pair();
    await world.records.put('writer', 'routes', { mode: 'reconciler', generation: LARGEST }, undefined, never());
    await world.runs(1);
    for (const mode of ['node', 'reconciler', 'node', 'reconciler'] as const) {
      world.configure(config(mode));
      const [report] = await world.runs(1);
      assert.equal(report?.writer.mode, mode);
    }
    await world.join(5, { subnet: 'subnet-b' });
    world.cloud.tables.get('rtb-b')?.routes.delete(destination(1));
    await world.runs(1);
    assert.deepEqual(world.cloud.text, [...RIGHT, `rtb-a ${destination(5)} eni-5`].toSorted());
  });
});

describe('a lease that names a machine of others', () => {
  it('and says that it stood first takes no route from it, when nothing else in it is true', async () => {
    const world = await pair();
    await world.runs(1);
    world.lie('10.32.200.0-24', world.attributes(1, { subnet: 'subnet-b', target: 'eni-99' }));
    for (const [key, held] of world.network.leases)
      if (key === '10.32.200.0-24') world.network.leases.set(key, { ...held, lease: { ...held.lease, epoch: 0 } });
    await world.runs(3);
    assert.deepEqual(world.cloud.text, RIGHT);
  });
});

describe('a second lease of one subnet, under the key of two families', () => {
  for (const isFirst of [true, false])
    it(`takes nothing from the one that stands, ${isFirst ? 'before' : 'after'} it`, async () => {
      const world = await pair();
      await world.runs(1);
      await world.join(20, { subnet: 'subnet-b' });
      await world.release(20);
      world.lie('10.32.1.0-24&fd00:1::-64', world.attributes(20, { subnet: 'subnet-b' }));
      const [liar] = [...world.network.leases.entries()].filter(([key]) => key.includes('&'));
      assert.ok(liar !== undefined);
      if (isFirst) {
        const [key, held] = liar;
        const others = [...world.network.leases].filter(([other]) => other !== key);
        world.network.leases.clear();
        for (const [other, one] of [[key, held] as const, ...others]) world.network.leases.set(other, one);
      }
      await world.runs(3);
      assert.deepEqual(world.cloud.text, RIGHT);
    });

  it('does not make its row say now this and now that', async () => {
    const world = await pair();
    world.lie('10.32.1.0-24&fd00:1::-64', world.attributes(20, { subnet: 'subnet-a', target: 'eni-99' }));
    await world.runs(1);
    const writes: string[] = [];
    const tap: Tap = (what, work) => {
      if (/^(put|remove) ledger/.test(what)) writes.push(what);
      return work();
    };
    await world.run(world.process({ tap: () => tap }));
    assert.deepEqual([writes, rows(world).slice(-1)], [[], [`${B} eni-1 committed`]]);
  });
});

describe('a cloud that contradicts itself', () => {
  it('and calls taken what it shows free is asked again a few times, after pauses', async () => {
    const world = await pair();
    world.cloud.before = (call, what) => {
      if (call === 'create' && what.startsWith(B)) throw conflict();
    };
    await world.run();
    const looks = world.cloud.made.filter(({ call }) => call === 'look').length;
    assert.ok(looks <= 10, `${looks} looks`);
  });
});
