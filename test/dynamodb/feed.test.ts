/** The change feed: nothing is lost in it, whoever dies, sleeps or writes beside it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import {
  attributes,
  flanneldValue,
  HOUR,
  MINUTE,
  never,
  node,
  publicIP,
  viewText,
  Watcher,
  wish,
} from '../contract/store-world.ts';
import { describeOnDynamoDB } from './ground.ts';

const signal = never();
const [a, b, c] = [node('a'), node('b'), node('c')];
const subnet = (third: number) => parseSubnet(`10.42.${third}.0/24`);
const key = (third: number) => leaseKeyOf({ v4: subnet(third) });

describeOnDynamoDB('the change feed', (ground) => {
  it('goes on past a writer that died between its number and its change, after a beat', async () => {
    const { world } = ground();
    const { store } = world.open();
    const watcher = new Watcher(world.open());
    await watcher.next();
    await ground().drawNumber();
    await store.claim(wish(a, { previous: subnet(1) }), signal);
    assert.deepEqual(viewText((await watcher.next()).view), ['10.42.1.0-24 node-a']);
    for (let beats = 0; beats < 3; beats++) assert.equal(await watcher.after(1000), undefined);
    assert.deepEqual(
      (await world.readRows('delta#')).map(({ seq, row }) => `${String(seq)} ${String(row ?? 'void')}`),
      ['1 void', '2 lease#10.42.1.0-24'],
    );
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    assert.deepEqual((await watcher.next()).changed, new Set([key(2)]));
    await watcher.stop();
  });

  it('shows the change of a writer that slept after drawing its number, while others went on', async () => {
    const { world, proxy } = ground();
    const slow = ground().proxied();
    const { store } = world.open();
    const watcher = new Watcher(world.open());
    await watcher.next();
    let wake = (): void => undefined;
    const sleeping = new Promise<void>((resolve) => (wake = resolve));
    let asleep = (): void => undefined;
    const fell = new Promise<void>((resolve) => (asleep = resolve));
    let held = 0;
    proxy.fault = ({ operation }) => {
      if (operation !== 'TransactWriteItems' || held++ > 0) return undefined;
      asleep();
      return { until: sleeping };
    };
    const claiming = slow.store.claim(wish(a, { previous: subnet(1) }), signal);
    await fell;
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    assert.deepEqual(viewText((await watcher.next()).view), ['10.42.2.0-24 node-b']);
    for (let beats = 0; beats < 3; beats++) await watcher.after(1000);
    wake();
    const { lease } = await slow.clock.during(claiming);
    assert.equal(lease.epoch, 3, 'its first number had been closed');
    const { view, changed } = await watcher.next();
    assert.deepEqual([viewText(view), changed], [['10.42.1.0-24 node-a', '10.42.2.0-24 node-b'], new Set([key(1)])]);
    await watcher.stop();
  });

  it('gives a reader that was away until the deltas were gone everything that it missed, removals too', async () => {
    const { world, proxy } = ground();
    const { store } = world.open();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    const watcher = new Watcher(ground().proxied());
    await watcher.next();
    proxy.fault = () => 'reset before';
    await watcher.after(MINUTE);
    await store.release(lease, signal);
    await store.claim(wish(c, { previous: subnet(3) }), signal);
    await ground().deleteRows('delta#');
    assert.equal(await watcher.after(40 * HOUR), undefined);
    proxy.fault = () => undefined;
    const { view, changed } = await watcher.next();
    assert.deepEqual(viewText(view), ['10.42.2.0-24 node-b', '10.42.3.0-24 node-c']);
    assert.deepEqual(changed, new Set([key(1), key(3)]));
    await watcher.stop();
  });

  it('reads everything anew when the table was restored from a backup', async () => {
    const { world } = ground();
    const { store } = world.open();
    await store.claim(wish(a, { previous: subnet(1) }), signal);
    const backup = await Promise.all(
      ['', 'lease#', 'delta#', 'counter'].slice(1).map((prefix) => world.readRows(prefix)),
    );
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    const watcher = new Watcher(world.open());
    assert.equal((await watcher.next()).view.leases.size, 2);
    for (const prefix of ['lease#', 'delta#', 'counter']) await ground().deleteRows(prefix);
    for (const { PK: _, SK, ...row } of backup.flat()) await world.writeRow(String(SK), row);
    const { view, changed } = await watcher.next();
    assert.deepEqual([viewText(view), changed], [['10.42.1.0-24 node-a'], new Set([key(2)])]);
    await watcher.stop();
  });

  it('passes over what another hand wrote among the deltas, and reports it', async () => {
    const { world } = ground();
    const { store } = world.open();
    const watcher = new Watcher(world.open());
    await watcher.next();
    await ground().drawNumber();
    await world.writeRow('delta#0000000000000001', { nonsense: true });
    await world.writeRow('delta#what', { nonsense: true });
    await store.claim(wish(a, { previous: subnet(1) }), signal);
    const { view } = await watcher.next();
    assert.deepEqual(viewText(view), ['10.42.1.0-24 node-a']);
    assert.deepEqual(
      view.skipped.map((skipped) => skipped.key),
      ['delta#0000000000000001'],
    );
    await watcher.stop();
  });

  it('names a lease whose Weft member is malformed, and takes it for a plain flanneld\u2019s', async () => {
    const { world } = ground();
    await world.writeForeign('10.42.1.0-24', flanneldValue(publicIP(1)).replace(/}$/, ',"Weft":{"v":1,"node":7}}'));
    const watcher = new Watcher(world.open());
    const { view } = await watcher.next();
    assert.deepEqual([viewText(view), view.skipped], [['10.42.1.0-24 192.0.2.1'], []]);
    assert.deepEqual(
      view.findings.map(({ code, message }) => `${code} ${message}`),
      ["BAD_LEASE lease 10.42.1.0-24: Weft.node is no node id; taken for a plain flanneld's"],
    );
    await watcher.stop();
  });

  it('costs one small read a look while nothing changes, more and more seldom', async () => {
    const { world, proxy } = ground();
    const { store } = world.open();
    await store.claim(wish(a, { ttlMs: 24 * HOUR }), signal);
    const peer = ground().proxied();
    const watcher = new Watcher(peer);
    await watcher.next();
    proxy.calls = [];
    const until = peer.clock.now() + HOUR;
    while (peer.clock.now() < until) assert.equal(await watcher.after(1000), undefined);
    assert.deepEqual([...new Set(proxy.operations)], ['GetItem']);
    assert.ok(proxy.calls.length < 3600 / 8 + 20, `${proxy.calls.length} reads in an hour`);
    assert.ok(proxy.calls.every(({ body }) => body.includes('"ConsistentRead":false')));
    await watcher.stop();
  });

  it('sees a change within the poll interval that the URL asks for', async () => {
    const { world } = ground();
    const { store } = world.open();
    const peer = world.open('&poll=200ms');
    const watcher = new Watcher(peer);
    await watcher.next();
    for (let steps = 0; steps < 20; steps++) await watcher.after(1000);
    await store.claim(wish(a), signal);
    const before = peer.clock.now();
    await watcher.next();
    assert.ok(peer.clock.now() - before <= 240, `${peer.clock.now() - before} ms`);
    await watcher.stop();
  });

  it('shows a node its own writes at once', async () => {
    const { world } = ground();
    const peer = world.open();
    const watcher = new Watcher(peer);
    await watcher.next();
    const { lease } = await peer.store.claim(wish(a), signal);
    const before = peer.clock.now();
    await watcher.next();
    await peer.store.renew(lease, attributes(a, 2), HOUR, signal);
    await watcher.next();
    assert.equal(peer.clock.now(), before);
    await watcher.stop();
  });
});
