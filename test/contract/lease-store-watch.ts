/** Views: complete, conflated, never short of anything. */
import assert from 'node:assert/strict';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { Case } from './lease-store.ts';
import {
  attributes,
  flanneldValue,
  freshView,
  HOUR,
  MINUTE,
  never,
  node,
  publicIP,
  rejectsWith,
  viewText,
  Watcher,
  wish,
} from './store-world.ts';

const signal = never();
const [a, b, c] = [node('a'), node('b'), node('c')];
const subnet = (third: number) => parseSubnet(`10.42.${third}.0/24`);
const key = (third: number) => leaseKeyOf({ v4: subnet(third) });
const CONFIG = '{ "Network": "10.42.0.0/16",\n  "Backend": {"Type": "vxlan"} }\n';

export function watchContract(test: Case): void {
  test('has no config until one is written, then that one, byte for byte', async (world) => {
    const { store } = world.open();
    assert.equal(await store.config(signal), undefined);
    assert.equal((await freshView(world)).config, undefined);
    const stored = await store.writeConfig(CONFIG, undefined, signal);
    assert.equal(stored.text, CONFIG);
    assert.deepEqual(await world.open().store.config(signal), stored);
    assert.deepEqual((await freshView(world)).config, stored);
  });

  test('writes a config only over the one that was read', async (world) => {
    const { store } = world.open();
    const first = await store.writeConfig(CONFIG, 'absent', signal);
    await rejectsWith('RECORD_CHANGED', store.writeConfig('{}', 'absent', signal));
    const second = await store.writeConfig('{"Network":"10.1.0.0/16"}', first.version, signal);
    await rejectsWith('RECORD_CHANGED', store.writeConfig('{}', first.version, signal));
    assert.deepEqual(await store.config(signal), second);
  });

  test('begins with everything', async (world) => {
    const { store } = world.open();
    await store.writeConfig(CONFIG, undefined, signal);
    await store.claim(wish(a, { previous: subnet(1) }), signal);
    const watcher = new Watcher(world.open());
    const { view, changed } = await watcher.next();
    assert.equal(changed, 'all');
    assert.equal(view.config?.text, CONFIG);
    assert.deepEqual(viewText(view), ['10.42.1.0-24 node-a']);
    await watcher.stop();
  });

  test('begins with the last renewal of each lease where it is asked for', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const versions = new Set<string | undefined>([lease.version]);
    for (let renewals = 1; renewals <= 3; renewals++) {
      const renewed = await store.renew(lease, lease.attributes, HOUR, signal);
      const watcher = new Watcher(world.open(), 'exact');
      const { view } = await watcher.next();
      assert.equal(view.leases.get(key(1))?.version, renewed.version);
      versions.add(renewed.version);
      await watcher.stop();
    }
    assert.equal(versions.size, 4);
  });

  test('shows what others claim, change and release, and names it', async (world) => {
    const { store } = world.open();
    const watcher = new Watcher(world.open());
    await watcher.next();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    // On a slow machine the watcher's own time goes on for hours meanwhile, and a view comes in which the lease is expired.
    const claimed = await watcher.until(({ leases }) => leases.size === 1);
    assert.deepEqual([viewText(claimed.view), claimed.changed], [['10.42.1.0-24 node-a'], new Set([key(1)])]);

    const renewed = await store.renew(lease, attributes(a, 2), HOUR, signal);
    const changed = await watcher.until(({ leases }) => leases.get(key(1))?.attributes.weft?.incarnation === 2);
    assert.deepEqual(changed.changed, new Set([key(1)]));

    await store.release(renewed, signal);
    const released = await watcher.until(({ leases }) => leases.size === 0);
    assert.deepEqual([viewText(released.view), released.changed], [[], new Set([key(1)])]);
    await watcher.stop();
  });

  test('shows a new owner of a subnet as a change', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const watcher = new Watcher(world.open());
    await watcher.next();
    await store.release(lease, signal);
    await world.pass(17 * MINUTE);
    const other = await store.claim(wish(b, { previous: subnet(1) }), signal);
    const { view, changed } = await watcher.until(({ leases }) => leases.get(key(1))?.epoch === other.lease.epoch);
    assert.deepEqual(changed, new Set([key(1)]));
    assert.deepEqual(viewText(view), ['10.42.1.0-24 node-b']);
    await watcher.stop();
  });

  test('is quiet about renewals that change nothing', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const watcher = new Watcher(world.open());
    await watcher.next();
    await store.renew(lease, attributes(a), HOUR, signal);
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    const { changed } = await watcher.until(({ leases }) => leases.size === 2);
    assert.deepEqual(changed, new Set([key(2)]));
    await watcher.stop();
  });

  test('shows a changed config', async (world) => {
    const { store } = world.open();
    await store.writeConfig(CONFIG, undefined, signal);
    const watcher = new Watcher(world.open());
    await watcher.next();
    const stored = await store.writeConfig('{"Network":"10.1.0.0/16"}', undefined, signal);
    const { view, changed } = await watcher.until(({ config }) => config?.version === stored.version);
    assert.deepEqual([view.config, changed], [stored, new Set()]);
    await watcher.stop();
  });

  test('shows the latest to a slow reader, with all that changed since he looked', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const watcher = new Watcher(world.open());
    await watcher.next();
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    await store.release(lease, signal);
    await store.claim(wish(c, { previous: subnet(3) }), signal);
    const { view, changed } = await watcher.until(({ leases }) => leases.size === 2);
    assert.deepEqual(viewText(view), ['10.42.2.0-24 node-b', '10.42.3.0-24 node-c']);
    assert.deepEqual(changed, new Set([key(1), key(2), key(3)]));
    await watcher.stop();
  });

  test('keeps a lease one object for as long as it does not change', async (world) => {
    const { store } = world.open();
    await store.claim(wish(a, { previous: subnet(1) }), signal);
    const watcher = new Watcher(world.open());
    const before = await watcher.next();
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    const after = await watcher.until(({ leases }) => leases.size === 2);
    assert.equal(after.view.leases.get(key(1)), before.view.leases.get(key(1)));
    assert.deepEqual(
      [before.view.leases.size, after.view.leases.size],
      [1, 2],
      'a view that was given does not change',
    );
    await watcher.stop();
  });

  test('skips and reports what cannot be read, and drops nothing for it', async (world) => {
    const { store } = world.open();
    await store.claim(wish(a, { previous: subnet(1) }), signal);
    await world.writeForeign('garbage', 'x');
    await world.writeForeign('10.42.2.0-24', '{"PublicIP":null}');
    await world.writeForeign('10.42.3.0-24', flanneldValue(publicIP(3)));
    const view = await freshView(world);
    assert.deepEqual(viewText(view), ['10.42.1.0-24 node-a', '10.42.3.0-24 192.0.2.3']);
    assert.deepEqual(view.skipped.map((skipped) => skipped.key).toSorted(), ['10.42.2.0-24', 'garbage']);
    assert.ok(view.skipped.every(({ why }) => why.length > 10));
  });

  test('reports garbage that comes while watching, and drops nothing for it', async (world) => {
    const { store } = world.open();
    await store.claim(wish(a, { previous: subnet(1), ttlMs: 10 * MINUTE }), signal);
    const watcher = new Watcher(world.open());
    await watcher.next();
    await world.writeForeign('10.42.2.0-24', 'x');
    const { view } = await watcher.until(({ skipped }) => skipped.length > 0);
    assert.deepEqual(viewText(view), ['10.42.1.0-24 node-a']);
    await watcher.stop();
  });

  test('ends when it is told to, without an error', async (world) => {
    const stop = new AbortController();
    const { store } = world.open();
    let views = 0;
    for await (const { view } of store.watch(stop.signal)) {
      views += 1;
      assert.equal(view.leases.size, 0);
      stop.abort();
    }
    assert.equal(views, 1);
    for await (const _ of store.watch(stop.signal)) assert.fail('a view after the end');
  });

  test('gives up with ABORTED where the caller does', async (world) => {
    const { store } = world.open();
    const { lease } = await store.claim(wish(a), signal);
    const gone = AbortSignal.abort();
    await rejectsWith('ABORTED', store.config(gone));
    await rejectsWith('ABORTED', store.writeConfig(CONFIG, undefined, gone));
    await rejectsWith('ABORTED', store.claim(wish(b), gone));
    await rejectsWith('ABORTED', store.renew(lease, attributes(a, 2), HOUR, gone));
    await rejectsWith('ABORTED', store.release(lease, gone));
    assert.deepEqual(viewText(await freshView(world)), [`${lease.key} node-a`]);
  });
}
