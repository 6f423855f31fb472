/** Several endpoints: one that dies is left for another, and nothing is missed on the way. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { SystemClock } from '../../src/system/system-clock.ts';
import { attributes, HOUR, never, node, rejectsWith, viewText, wish } from '../contract/store-world.ts';
import { EtcdServer, whyNoEtcd } from './etcd-server.ts';
import { EtcdWorld } from './etcd-world.ts';
import { subnet } from './ground.ts';
import { Observer } from './observer.ts';

const signal = never();
const [a, b, c] = [node('a'), node('b'), node('c')];
const QUICK = { callTimeoutMs: 1500, keepaliveMs: 500, keepaliveTimeoutMs: 500, clock: new SystemClock() };

describe('an etcd of three members', { skip: whyNoEtcd() ?? false }, () => {
  let members: EtcdServer[] = [];
  before(async () => {
    members = await EtcdServer.startCluster(3);
  });
  after(() => Promise.all(members.map((member) => member.stop())));

  it('serves on with one member killed, whichever it is, and the watches go over to another', async () => {
    const world = new EtcdWorld(members[0]?.endpoint ?? '');
    const endpoints = members.map(({ endpoint }) => endpoint).join();
    // Each begins with a member by chance.
    const nodes = Array.from({ length: 6 }, () => world.openStore(endpoints, QUICK));
    const observers = nodes.map(({ store }) => new Observer(store));
    const [first] = nodes;
    assert.ok(first !== undefined);
    const { lease } = await first.store.claim(wish(a, { previous: subnet(1) }), signal);
    let third = 1;
    for (const member of members) {
      await member.kill();
      third += 1;
      for (const { store } of nodes) await store.config(signal);
      await first.store.claim(wish(node(third), { previous: subnet(third) }), signal);
      for (const observer of observers)
        await observer.until(`lease ${third} with a member away`, ({ leases }) => leases.size === third);
      await member.run();
    }
    const renewed = await first.store.renew(lease, attributes(a), HOUR, signal);
    assert.equal(renewed.epoch, lease.epoch);
    for (const observer of observers) await observer.stop();
    await world.close();
  });

  it('says that it cannot be reached while most members are away, and serves again when they are back', async () => {
    const world = new EtcdWorld(members[0]?.endpoint ?? '');
    const { store } = world.openStore(members.map(({ endpoint }) => endpoint).join(), QUICK);
    await store.claim(wish(b, { previous: subnet(1) }), signal);
    const observer = new Observer(store);
    await observer.until('the first view', ({ leases }) => leases.size === 1);
    const away = members.slice(1);
    await Promise.all(away.map((member) => member.kill()));
    const error = await store.claim(wish(c, { previous: subnet(2) }), signal).then(
      () => undefined,
      (thrown: { code?: string }) => thrown.code,
    );
    assert.ok(error === 'STORE_UNREACHABLE' || error === 'STORE_TIMEOUT', error);
    await Promise.all(away.map((member) => member.run()));
    await store.claim(wish(c, { previous: subnet(2) }), signal);
    const view = await observer.until('what came after', ({ leases }) => leases.size === 2);
    assert.deepEqual(viewText(view), ['10.42.1.0-24 node-b', '10.42.2.0-24 node-c']);
    await observer.stop();
    await world.close();
  });

  it('is asked at another endpoint when one is not there at all', async () => {
    const world = new EtcdWorld(members[0]?.endpoint ?? '');
    const { store } = world.openStore(`127.0.0.1:1,${members[0]?.endpoint}`, QUICK);
    assert.equal(await store.config(signal), undefined);
    await world.close();
    await rejectsWith('STORE_UNREACHABLE', world.openStore('127.0.0.1:1', QUICK).store.config(signal));
  });
});
