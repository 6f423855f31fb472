/** Snapshots spare those who join the reading of every row, and are never needed. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { attributes, HOUR, never, node, viewText, Watcher, wish } from '../contract/store-world.ts';
import { describeOnDynamoDB } from './ground.ts';

const signal = never();
const [a, b, c] = [node('a'), node('b'), node('c')];
const subnet = (third: number) => parseSubnet(`10.42.${third}.0/24`);
const key = (third: number) => leaseKeyOf({ v4: subnet(third) });

describeOnDynamoDB('snapshots of all rows', (ground) => {
  /** Changes enough for a snapshot, of one lease. */
  async function manyChanges(): Promise<void> {
    const { store } = ground().world.open();
    await store.writeConfig('{}', undefined, signal);
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    let { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    for (let incarnation = 2; incarnation < 100; incarnation++)
      lease = await store.renew(lease, attributes(a, incarnation), HOUR, signal);
  }

  const read = () =>
    ground()
      .proxy.calls.filter(({ operation }) => operation === 'Query')
      .map(({ body }) => /"(config|lease#|record#reservation#|delta#|snapshot#)/.exec(body)?.[1]);

  it('serve those who join, who then read no rows', async () => {
    const { world, proxy } = ground();
    await manyChanges();
    assert.equal(await world.open().writeSnapshot(signal), true);
    await world.open().store.claim(wish(c, { previous: subnet(3) }), signal);
    const watcher = new Watcher(ground().proxied());
    const { view } = await watcher.next();
    assert.deepEqual(viewText(view), ['10.42.1.0-24 node-a', '10.42.2.0-24 node-b', '10.42.3.0-24 node-c']);
    assert.equal(view.leases.get(key(1))?.attributes.weft?.incarnation, 99);
    assert.equal(view.config?.text, '{}');
    assert.deepEqual(read(), ['snapshot#', 'delta#']);
    await watcher.stop();

    proxy.calls = [];
    const { lease } = await ground()
      .proxied()
      .store.claim(wish(node('d')), signal);
    assert.ok(![1, 2, 3].map(key).includes(lease.key));
    assert.deepEqual(read(), ['snapshot#', 'delta#']);
  });

  it('are written by the nodes themselves, now and then', async () => {
    const { world } = ground();
    const watcher = new Watcher(world.open());
    await watcher.next();
    await manyChanges();
    await watcher.until(({ leases }) => leases.get(key(1))?.attributes.weft?.incarnation === 99);
    for (let steps = 0; steps < 20; steps++) await watcher.after(10_000);
    assert.equal((await world.readRows('snapshot#')).length, 1);
    await watcher.stop();
  });

  it('are not needed: spoiled, short of a part, or gone, the rows are read', async () => {
    const { world } = ground();
    await manyChanges();
    await world.open().writeSnapshot(signal);
    const [part] = await world.readRows('snapshot#');
    const name = String(part?.['SK']);
    const spoil: Record<string, () => Promise<unknown>> = {
      garbage: () => world.writeRow(name, { data: new Uint8Array([1, 2, 3]) }),
      'no bytes': () => world.writeRow(name, { data: 'x' }),
      'a part too many': () =>
        world.writeRow(name.replace('0000', '0001').replace('#0001', '#0000'), { data: new Uint8Array() }),
      gone: () => ground().deleteRows('snapshot#'),
    };
    for (const [how, work] of Object.entries(spoil)) {
      await work();
      const watcher = new Watcher(world.open());
      assert.deepEqual(viewText((await watcher.next()).view), ['10.42.1.0-24 node-a', '10.42.2.0-24 node-b'], how);
      await watcher.stop();
    }
  });

  it('behind which deltas are gone do not hide what those told', async () => {
    const { world } = ground();
    await manyChanges();
    await world.open().writeSnapshot(signal);
    await world.open().store.claim(wish(c, { previous: subnet(3) }), signal);
    await ground().deleteRows('delta#');
    const watcher = new Watcher(world.open());
    assert.deepEqual(viewText((await watcher.next()).view), [
      '10.42.1.0-24 node-a',
      '10.42.2.0-24 node-b',
      '10.42.3.0-24 node-c',
    ]);
    await watcher.stop();
  });

  it('are not what whoever judges renewals begins with', async () => {
    const { world } = ground();
    await manyChanges();
    const { store } = world.open();
    await world.open().writeSnapshot(signal);
    const { lease } = await store.claim(wish(b, { previous: subnet(2) }), signal);
    const renewed = await store.renew(lease, lease.attributes, HOUR, signal);
    const versions: (string | undefined)[] = [];
    for (const reading of ['quick', 'exact'] as const) {
      const watcher = new Watcher(world.open(), reading);
      versions.push((await watcher.next()).view.leases.get(key(2))?.version);
      await watcher.stop();
    }
    assert.notEqual(versions[0], renewed.version);
    assert.equal(versions[1], renewed.version);
  });

  it('are of the newest change, whoever writes one at the same time', async () => {
    const { world } = ground();
    await manyChanges();
    const ends = await Promise.all([1, 2, 3].map(() => world.open().writeSnapshot(signal)));
    assert.equal(ends.filter((written) => written).length, 1);
    assert.equal(await world.open().writeSnapshot(signal), false);
  });
});
