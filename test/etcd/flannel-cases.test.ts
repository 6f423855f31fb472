/** flannel's own cases of its etcd registry (FLANNEL.md 8.3), put to ours: the same fixture, the same steps, a real etcd. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import type { LeaseAttributes } from '../../src/core/lease.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { contains, parseSubnet } from '../../src/core/subnet.ts';
import { attributes, HOUR, never, node, viewText, wish } from '../contract/store-world.ts';
import { describeOnEtcd } from './ground.ts';
import { Observer, until } from './observer.ts';

const signal = never();
const me = node('me');
const CONFIG = '{ "Network": "10.3.0.0/16", "SubnetMin": "10.3.1.0", "SubnetMax": "10.3.25.0" }';
const LEASED = ['10.3.1.0-24', '10.3.2.0-24', '10.3.4.0-24', '10.3.5.0-24', '10.3.31.0-24'];
const THEIRS = '{"PublicIP":"1.1.1.1","PublicIPv6":null}';
const publicIP = parseAddress('1.2.3.4');
const acquire = (config = CONFIG) => wish(me, { range: parseNetworkConfig(config).v4, publicIP });

describeOnEtcd('flannel’s cases of its registry', (ground) => {
  const foreign = (key: string, value = THEIRS): Promise<void> => ground().world.writeForeign(key, value);
  const remove = async (key: string): Promise<void> => {
    const { raw, prefix } = ground().world;
    await raw.delete().key(`${prefix}/subnets/${key}`);
  };

  /** What happens while the watcher has no connection; then the history of it is gone. */
  async function compactedAway(observer: Observer, work: () => Promise<unknown>): Promise<void> {
    const { proxy } = ground();
    const troubles = observer.troubles.length;
    proxy.closed = true;
    proxy.cut();
    await until('the watcher to be away', () => observer.troubles.length > troubles);
    await work();
    await compact();
    proxy.closed = false;
  }

  /** Five puts elsewhere, and all history before them forgotten. */
  async function compact(): Promise<void> {
    const { raw, prefix } = ground().world;
    for (let bump = 0; bump < 5; bump++) await raw.put(`${prefix}-bump`).value(String(bump));
    const { header } = await raw.kv.range({ key: Buffer.from('x') });
    await raw.kv.compact({ revision: header.revision, physical: true });
  }

  it('ET-1, ET-2: a lease is acquired in the range beside those of others, and again it is the same', async () => {
    for (const key of LEASED) await foreign(key);
    const { store } = ground().direct();
    const { lease, how } = await store.claim(acquire(), signal);
    assert.equal(how, 'created');
    assert.match(lease.key, /^10\.3\.(3|[6-9]|1\d|2[0-5])\.0-24$/);
    const again = await store.claim(acquire(), signal);
    assert.deepEqual([again.how, again.lease.key], ['adopted', lease.key]);
  });

  it('ET-5: after the config was changed the next lease lies in the new range', async () => {
    const { store } = ground().direct();
    const first = await store.claim(acquire(), signal);
    const { lease } = await store.claim(acquire('{ "Network": "10.4.0.0/16" }'), signal);
    assert.ok(contains(parseSubnet('10.4.0.0/16'), lease.subnet.v4));
    assert.ok(!(await ground().world.keys()).includes(`subnets/${first.lease.key}`));
  });

  it('ET-6: a lease that comes is told once, by its key alone', async () => {
    for (const key of LEASED) await foreign(key);
    const { store } = ground().direct();
    await store.claim(acquire(), signal);
    const observer = new Observer(store);
    await observer.until('the first view', ({ leases }) => leases.size === LEASED.length + 1);
    await foreign('10.3.30.0-24');
    await observer.until('the new one', ({ leases }) => leases.size === LEASED.length + 2);
    assert.deepEqual(
      observer.changes.slice(1).map(({ changed }) => changed),
      [new Set(['10.3.30.0-24'])],
    );
  });

  it('ET-7: a lease whose TTL ends is told to be gone', async () => {
    const { store } = ground().direct();
    const observer = new Observer(store);
    await observer.until('the first view', ({ leases }) => leases.size === 0);
    const { raw, prefix } = ground().world;
    await foreign('10.3.31.0-24');
    await observer.until('the new one', ({ leases }) => leases.size === 1);
    // Renewed for a moment, now that it was seen.
    await raw.lease(1, { autoKeepAlive: false }).put(`${prefix}/subnets/10.3.31.0-24`).value(THEIRS);
    await observer.until('its end', ({ leases }) => leases.size === 0);
    assert.deepEqual(observer.changes.at(-1)?.changed, new Set(['10.3.31.0-24']));
  });

  it('ET-8: the own lease is told as it stands, as it is rewritten, and when another hand deletes it', async () => {
    const { store } = ground().direct();
    const { lease } = await store.claim(acquire(), signal);
    const observer = new Observer(store);
    await observer.until('the own lease', ({ leases }) => leases.has(lease.key));
    await store.renew(lease, attributes(me, 2, publicIP), HOUR, signal);
    await observer.until('the renewal', ({ leases }) => leases.get(lease.key)?.attributes.weft?.incarnation === 2);
    await remove(lease.key);
    await observer.until('the revocation', ({ leases }) => !leases.has(lease.key));
  });

  it('ET-9: a renewal puts the TTL back to a whole day and leaves the attributes as they were', async () => {
    const { store } = ground().direct();
    const mine: LeaseAttributes = {
      ...attributes(me, 1, publicIP),
      backendData: { Dummy: 'test string' },
    };
    const day = { ...acquire(), attributes: () => mine, ttlMs: 24 * HOUR };
    const { lease } = await store.claim(day, signal);
    const renewed = await store.renew(lease, mine, 24 * HOUR, signal);
    assert.deepEqual(renewed.attributes, mine);
    const { raw, prefix } = ground().world;
    const [kv] = (await raw.get(`${prefix}/subnets/${lease.key}`).exec()).kvs;
    const { grantedTTL } = await raw.leaseClient.leaseTimeToLive({ ID: kv?.lease ?? '' });
    assert.equal(Number(grantedTTL), 86_400);
    assert.match(kv?.value.toString() ?? '', /"BackendType":"vxlan","BackendData":\{"Dummy":"test string"\}/);
  });

  it('ET-10: config and lease are what stands below the prefix, byte for byte, and a watcher sees one come and go', async () => {
    const { store } = ground().direct();
    assert.equal(await store.config(signal), undefined);
    const { raw, prefix } = ground().world;
    await raw.put(`${prefix}/config`).value(CONFIG);
    assert.equal((await store.config(signal))?.text, CONFIG);
    const observer = new Observer(store);
    await observer.until('the first view', ({ config }) => config?.text === CONFIG);
    await foreign('10.1.5.0-24', '{"PublicIP":"1.2.3.4","PublicIPv6":null}');
    const view = await observer.until('the lease', ({ leases }) => leases.size === 1);
    assert.deepEqual(
      [...view.leases.values()].map(({ key, attributes: read }) => [key, read]),
      [['10.1.5.0-24', { publicIP: '1.2.3.4' }]],
    );
    await remove('10.1.5.0-24');
    await observer.until('its end', ({ leases }) => leases.size === 0);
    assert.equal(observer.changes.length, 3);
    assert.ok(!(await ground().world.keys()).some((key) => key.startsWith('subnets/')));
  });

  it('ET-11: a watch whose history is compacted begins anew with everything, and goes on', async () => {
    await foreign('10.1.5.0-24');
    const observer = new Observer(ground().proxied().store);
    await observer.until('the first view', ({ leases }) => leases.size === 1);
    await compactedAway(observer, () => foreign('10.1.4.0-24'));
    await observer.until('everything', ({ leases }) => leases.size === 2);
    await foreign('10.1.6.0-24');
    const view = await observer.until('what came then', ({ leases }) => leases.size === 3);
    assert.deepEqual(
      viewText(view).map((line) => line.split(' ')[0]),
      ['10.1.4.0-24', '10.1.5.0-24', '10.1.6.0-24'],
    );
  });

  it('ET-12, ET-13: so is the own lease: what was written to it meanwhile is told, and its removal', async () => {
    const { store } = ground().direct();
    const { lease } = await store.claim(acquire(), signal);
    const observer = new Observer(ground().proxied().store);
    const incarnation = (): number | undefined => observer.view?.leases.get(lease.key)?.attributes.weft?.incarnation;
    await observer.until('the own lease', ({ leases }) => leases.has(lease.key));
    await compactedAway(observer, () => store.renew(lease, attributes(me, 2, publicIP), HOUR, signal));
    await until('what was written meanwhile', () => incarnation() === 2);
    await store.renew(lease, attributes(me, 3, publicIP), HOUR, signal);
    await until('what is written then', () => incarnation() === 3);
    await compactedAway(observer, () => remove(lease.key));
    await observer.until('the removal', ({ leases }) => leases.size === 0);
  });

  it('ET-14: a watch that nobody reads ends when it is told to', async () => {
    const stop = new AbortController();
    const views = ground().direct().store.watch(stop.signal)[Symbol.asyncIterator]();
    assert.equal((await views.next()).done, false);
    for (const key of LEASED) await foreign(key);
    stop.abort();
    await views.return?.();
  });

  it('ET-15: a watch goes on when its history is compacted and the server is started again', async () => {
    const { server } = ground();
    await foreign('10.1.5.0-24');
    const observer = new Observer(ground().direct().store);
    await observer.until('the first view', ({ leases }) => leases.size === 1);
    await foreign('10.1.6.0-24');
    await observer.until('an event', ({ leases }) => leases.size === 2);
    await compact();
    await server.kill();
    await until('the watcher to hear of it', () => observer.troubles.length > 0);
    await server.run();
    await foreign('10.1.7.0-24');
    await observer.until('live events', ({ leases }) => leases.size === 3);
    await remove('10.1.5.0-24');
    await observer.until('and more', ({ leases }) => leases.size === 2);
  });
});
