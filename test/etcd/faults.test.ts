/** An etcd that dies and comes back, connections that break, hang and lie: whatever happens, nothing is missed and nothing is done twice. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Lease } from '../../src/core/lease.ts';
import {
  attributes,
  flanneldValue,
  HOUR,
  never,
  node,
  publicIP,
  rejectsWith,
  viewText,
  wish,
} from '../contract/store-world.ts';
import { describeOnEtcd, subnet } from './ground.ts';
import { Observer, until } from './observer.ts';

const signal = never();
const [a, b, c] = [node('a'), node('b'), node('c')];

describeOnEtcd('an etcd that fails', (ground) => {
  const standing = (): Promise<string[]> => ground().world.keys();

  it('is watched on where the watch was, after it was killed and restarted with its data', async () => {
    const { server } = ground();
    const { store } = ground().direct();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const observer = new Observer(store);
    await observer.until('the first view', ({ leases }) => leases.size === 1);
    await server.kill();
    await until('the observer to hear of it', () => observer.told.includes('STORE_UNREACHABLE'));
    await rejectsWith('STORE_UNREACHABLE', ground().direct().store.config(signal));
    await server.run();
    await ground()
      .direct()
      .store.claim(wish(b, { previous: subnet(2) }), signal);
    const view = await observer.until('what came after', ({ leases }) => leases.size === 2);
    assert.equal(view.leases.get(lease.key)?.epoch, lease.epoch, 'no lease changed hands');
    assert.equal(observer.told.at(-1), 'ok');
    assert.ok(
      observer.changes.every(({ view: { leases } }) => leases.has(lease.key)),
      'nothing was dropped meanwhile',
    );
    await observer.stop();
  });

  it('is waited for when it hangs, and then all is as it should be', async () => {
    const { server } = ground();
    const { store } = ground().direct();
    await store.claim(wish(a, { previous: subnet(1) }), signal);
    const observer = new Observer(store);
    await observer.until('the first view', ({ leases }) => leases.size === 1);
    server.suspend(true);
    try {
      const error = await rejectsWith('STORE_UNREACHABLE', ground().direct().store.config(signal));
      assert.match(error.message, /cannot read .*config in etcd at 127\.0\.0\.1:\d+: no connection came about/);
      await until('the observer to hear of it', () => observer.troubles.length > 0);
    } finally {
      server.suspend(false);
    }
    await ground()
      .direct()
      .store.claim(wish(b, { previous: subnet(2) }), signal);
    await observer.until('what came after', ({ leases }) => leases.size === 2);
    await observer.stop();
  });

  it('is found again when the connection is half open: the other side is gone, and nobody says so', async () => {
    const { proxy } = ground();
    const observer = new Observer(ground().proxied().store);
    await observer.until('the first view', ({ leases }) => leases.size === 0);
    proxy.halfOpen();
    await ground()
      .direct()
      .store.claim(wish(a, { previous: subnet(1) }), signal);
    const view = await observer.until('what came meanwhile', ({ leases }) => leases.size === 1);
    assert.deepEqual(viewText(view), ['10.42.1.0-24 node-a']);
    await observer.stop();
  });

  it('catches up when a connection that stood still goes on', async () => {
    const { proxy } = ground();
    const observer = new Observer(ground().proxied({ keepaliveMs: 60_000 }).store);
    await observer.until('the first view', ({ leases }) => leases.size === 0);
    proxy.suspend(true);
    await ground()
      .direct()
      .store.claim(wish(a, { previous: subnet(1) }), signal);
    assert.equal(observer.view?.leases.size, 0);
    proxy.suspend(false);
    await observer.until('what came meanwhile', ({ leases }) => leases.size === 1);
    assert.deepEqual(observer.told, [], 'nothing broke');
    await observer.stop();
  });

  it('loses no event when the connection breaks again and again while the watch catches up', async () => {
    const { proxy, world } = ground();
    const observer = new Observer(ground().proxied().store);
    await observer.until('the first view', ({ leases }) => leases.size === 0);
    proxy.closed = true;
    proxy.cut();
    const last = 3000;
    for (let round = 0; round < last; round += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => round + index).map((number) =>
          world.writeForeign(`10.${number >> 8}.${number & 255}.0-24`, flanneldValue(publicIP(number & 127))),
        ),
      );
    // etcd tells a thousand revisions at a time, here some 200 kB: each connection breaks behind the first answer that it brings.
    proxy.cutAfterBytes = 300_000;
    proxy.closed = false;
    await until('some broken connections', () => proxy.accepted > 2);
    proxy.cutAfterBytes = Infinity;
    const view = await observer.until('all of them', ({ leases }) => leases.size === last);
    assert.equal(view.skipped.length, 0);
    await observer.stop();
  });

  it('tells what was removed and changed while away, though the history is compacted', async () => {
    const { proxy, world } = ground();
    const direct = ground().direct().store;
    const { lease } = await direct.claim(wish(a, { previous: subnet(1) }), signal);
    const kept = await direct.claim(wish(c, { previous: subnet(3) }), signal);
    await world.writeForeign('10.42.4.0-24', flanneldValue(publicIP(4)));
    const observer = new Observer(ground().proxied().store);
    await observer.until('the first view', ({ leases }) => leases.size === 3);
    proxy.closed = true;
    proxy.cut();
    await until('the observer to be away', () => observer.troubles.length > 0);
    await direct.release(lease, signal);
    await direct.claim(wish(b, { previous: subnet(2) }), signal);
    await world.writeForeign('10.42.4.0-24', flanneldValue(publicIP(5)));
    const { header } = await world.raw.kv.range({ key: Buffer.from('x') });
    await world.raw.kv.compact({ revision: header.revision, physical: true });
    const before = observer.changes.length;
    proxy.closed = false;
    const view = await observer.until('the new world', ({ leases }) => !leases.has(lease.key));
    assert.deepEqual(viewText(view), ['10.42.2.0-24 node-b', '10.42.3.0-24 node-c', '10.42.4.0-24 192.0.2.5']);
    assert.equal(observer.changes.length, before + 1, 'in one view');
    assert.deepEqual(
      observer.changes.at(-1)?.changed,
      new Set([lease.key, '10.42.2.0-24', '10.42.4.0-24']),
      `${kept.lease.key} has not changed`,
    );
    await observer.stop();
  });

  it('tells of a lease that expired while away', async () => {
    const { proxy } = ground();
    const { store } = ground().direct();
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    await store.claim(wish(b, { previous: subnet(2) }), signal);
    const observer = new Observer(ground().proxied().store);
    await observer.until('the first view', ({ leases }) => leases.size === 2);
    proxy.closed = true;
    proxy.cut();
    // So short only now: it cannot have ended before it was seen.
    await store.renew(lease, attributes(a), 2000, signal);
    await until('etcd to end the lease', async () => !(await standing()).includes('subnets/10.42.1.0-24'));
    assert.equal(observer.view?.leases.size, 2);
    proxy.closed = false;
    const view = await observer.until('the end of the lease', ({ leases }) => leases.size === 1);
    assert.deepEqual(viewText(view), ['10.42.2.0-24 node-b']);
    assert.ok((await standing()).includes('weft/held/10.42.1.0-24'), 'its subnet is in quarantine');
    await observer.stop();
  });

  it('is listed anew when it was made anew, with fewer revisions than were seen', async () => {
    const { server } = ground();
    const { store } = ground().direct();
    for (const third of [1, 2, 3]) await store.claim(wish(node(third), { previous: subnet(third) }), signal);
    const observer = new Observer(store);
    await observer.until('the first view', ({ leases }) => leases.size === 3);
    await server.kill();
    server.forget();
    await server.run();
    await ground().direct().store.writeConfig('{}', 'absent', signal);
    const view = await observer.until(
      'the new store',
      ({ leases, config }) => leases.size === 0 && config?.text === '{}',
    );
    assert.equal(view.revision, (await store.config(signal))?.version);
    await observer.stop();
  });

  /** The call that says these bytes is done at the store, and its answer never comes. */
  async function withoutItsAnswer<T>(bytes: string, work: () => Promise<T>, done: () => Promise<boolean>): Promise<T> {
    const { proxy } = ground();
    proxy.deafAfter = bytes;
    const coming = work();
    coming.catch(() => undefined);
    await until('the store to have done it', done);
    assert.ok(proxy.deaf);
    proxy.heal();
    return coming;
  }
  const has = async (key: string): Promise<boolean> => (await standing()).includes(key);

  it('makes one lease of a claim whose answer was lost, and says that it was created', async () => {
    const { store } = ground().proxied({ callTimeoutMs: 20_000 });
    const { how, lease } = await withoutItsAnswer(
      'weft/last/10.42.1.0-24',
      () => store.claim(wish(a, { previous: subnet(1) }), signal),
      () => has('subnets/10.42.1.0-24'),
    );
    assert.deepEqual([how, lease.key], ['created', '10.42.1.0-24']);
    assert.equal((await store.renew(lease, attributes(a), HOUR, signal)).epoch, lease.epoch);
    assert.equal((await standing()).filter((key) => key.startsWith('subnets/')).length, 1);
  });

  it('knows its own renewal again when the answer was lost', async () => {
    const { store } = ground().proxied({ callTimeoutMs: 20_000 });
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    const { raw, prefix } = ground().world;
    const version = async (): Promise<string | undefined> =>
      (await raw.get(`${prefix}/subnets/${lease.key}`).exec()).kvs[0]?.mod_revision;
    const renewed = await withoutItsAnswer(
      'weft/held/10.42.1.0-24',
      () => store.renew(lease, attributes(a, 2), HOUR, signal),
      async () => (await version()) !== lease.version,
    );
    assert.equal(renewed.version, await version());
    await store.release(renewed, signal);
  });

  it('knows its own release again when the answer was lost', async () => {
    const { store } = ground().proxied({ callTimeoutMs: 20_000 });
    const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
    await withoutItsAnswer(
      'weft/last/10.42.1.0-24',
      () => store.release(lease, signal),
      async () => !(await has('subnets/10.42.1.0-24')),
    );
    assert.ok(await has('weft/held/10.42.1.0-24'));
  });

  it('knows that it won a lock although the answer was lost, and that another did who wrote the same words', async () => {
    const { records } = ground().proxied({ callTimeoutMs: 20_000 });
    const won = await withoutItsAnswer(
      'weft/lock/run',
      () => records.put('lock', 'run', 'mine', 'absent', signal),
      () => has('weft/lock/run'),
    );
    const [stands] = [...(await records.list('lock', signal)).records.values()];
    assert.deepEqual(won, stands);
    await rejectsWith('RECORD_CHANGED', records.put('lock', 'run', 'mine', 'absent', signal));
    await rejectsWith('RECORD_CHANGED', ground().direct().records.put('lock', 'run', 'mine', 'absent', signal));
    await until('no mark to be left', async () => (await standing()).every((key) => !key.startsWith('weft/mark/')));
  });

  it('knows its own writing again when another has written since', async () => {
    const { records } = ground().proxied({ callTimeoutMs: 20_000 });
    const other = ground().direct().records;
    const first = await records.put('ledger', 'row', 1, 'absent', signal);
    const second = await withoutItsAnswer(
      'weft/ledger/row',
      () => records.put('ledger', 'row', 2, first.version, signal),
      async () => {
        const row = (await other.list('ledger', signal)).records.get('row');
        if (row?.value !== 2) return false;
        await other.put('ledger', 'row', 3, row.version, signal);
        return true;
      },
    );
    assert.equal(second.value, 2);
    await rejectsWith('RECORD_CHANGED', records.put('ledger', 'row', 4, second.version, signal));
  });

  it('adds once when the answer was lost, and tells the sum', async () => {
    const { records } = ground().proxied({ callTimeoutMs: 20_000 });
    assert.equal(await records.add('calls', 1, signal), 1);
    const { raw, prefix } = ground().world;
    // How the put of a 2 looks on the wire: the key, then field 2 of one byte.
    const adding = withoutItsAnswer(
      'count/calls\x12\x012',
      () => records.add('calls', 1, signal),
      async () => (await raw.get(`${prefix}/weft/count/calls`).string()) === '2',
    );
    assert.equal(await adding, 2);
    assert.equal(await records.add('calls', 0, signal), 2);
  });

  const renewals: readonly (readonly [string, (lease: Lease) => ReturnType<typeof attributes>])[] = [
    ['that changes nothing', () => attributes(a)],
    ['that changes what is advertised', () => attributes(a, 2)],
  ];
  for (const [what, changed] of renewals) {
    it(`a renewal ${what} goes through broken connections`, async () => {
      const { store } = ground().proxied();
      const { lease } = await store.claim(wish(a, { previous: subnet(1) }), signal);
      ground().proxy.cut();
      const renewed = await store.renew(lease, changed(lease), HOUR, signal);
      assert.equal(renewed.epoch, lease.epoch);
      assert.deepEqual(renewed.attributes, changed(lease));
    });
  }
});
