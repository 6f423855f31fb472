import assert from 'node:assert/strict';
import { test } from 'node:test';
import { macFrom } from '../../src/core/mac.ts';
import { away, Cluster, HOUR_MS, three, withSubnet } from './cluster.ts';

/** Leases of other nodes, written into the store as they would be. */
function crowd(cluster: Cluster, count: number, from = 100): void {
  for (let n = 0; n < count; n++) {
    const address = `192.168.9.${(n % 250) + 1}`;
    const mac = macFrom(`crowd ${n}`);
    const weft = `{"v":1,"node":"crowd-${n}","incarnation":1,"mtu":1500,"vxlan":{"vni":1,"mac":"${mac}","port":8472}}`;
    const third = from + n;
    cluster.store.writeForeign(
      `10.${third >> 8 === 0 ? 42 : 43}.${third & 255}.0-24`,
      `{"PublicIP":"${address}","PublicIPv6":null,"Weft":${weft}}`,
    );
  }
}

test('removing most peers at once is held for a minute, and then done', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1', withSubnet(1)).start();
  crowd(cluster, 30);
  await cluster.pass(1000);
  assert.equal(a.routes.length, 30);
  for (const key of cluster.network.leases.keys()) if (key !== '10.42.1.0-24') cluster.network.leases.delete(key);
  cluster.network.changed();
  await cluster.pass(50_000);
  assert.equal(a.routes.length, 30);
  assert.equal(a.agent?.status().pass?.held.length, 90);
  await cluster.pass(15_000);
  assert.equal(a.routes.length, 0);
  assert.equal(a.agent?.status().pass?.held.length, 0);
  await cluster.stop();
});

test('held removals are dropped when the leases come back', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1', withSubnet(1)).start();
  crowd(cluster, 30);
  await cluster.pass(1000);
  const before = { text: a.host.text, writes: a.host.kernel.writes };
  const leases = [...cluster.network.leases];
  for (const [key] of leases) if (key !== '10.42.1.0-24') cluster.network.leases.delete(key);
  cluster.network.changed();
  await cluster.pass(30_000);
  for (const [key, lease] of leases) cluster.network.leases.set(key, lease);
  cluster.network.changed();
  await cluster.pass(10 * 60_000);
  assert.deepEqual({ text: a.host.text, writes: a.host.kernel.writes }, before);
  await cluster.stop();
});

test('a store that has lost everything costs no route: the own subnet is claimed again, then peers come back', async () => {
  const { cluster, a, b, c } = await three();
  const before = a.routes;
  cluster.network.leases.clear();
  cluster.network.changed();
  await cluster.pass(10_000);
  assert.deepEqual(a.routes, before);
  assert.deepEqual([a.subnet, b.subnet, c.subnet], ['10.42.1.0/24', '10.42.2.0/24', '10.42.3.0/24']);
  assert.equal(a.unready, '');
  await cluster.stop();
});

test('a lease whose owner has fallen silent is freed by the others, after its TTL and five minutes', async () => {
  const { cluster, a, b } = await three();
  await b.powerOff();
  await cluster.clock.advance(24 * HOUR_MS + 4 * 60_000);
  assert.match(a.paths, /10\.42\.2\.0\/24 vxlan/);
  await cluster.pass(10 * 60_000);
  assert.equal(a.paths, '10.42.3.0/24 vxlan');
  await cluster.stop();
});

test('after an outage of the store longer than the TTL no lease is freed before its owner could renew it', async () => {
  const cluster = new Cluster({ Network: '10.42.0.0/16', Backend: { Type: 'vxlan' }, Weft: { LeaseTTL: '1m' } });
  const members = Array.from({ length: 12 }, (_, i) =>
    cluster.member(`n${i}`, `192.168.7.${i + 1}`, withSubnet(i + 1)).start(),
  );
  await cluster.pass(1000);
  for (const member of members) member.storeFails = away;
  await cluster.clock.advance(10 * 60_000);
  for (const member of members) member.storeFails = undefined;
  await cluster.pass(15 * 60_000);
  const freed = members.flatMap(({ log }) => log.text.filter((line) => line.includes('silent peer is freed')));
  assert.deepEqual([freed, members.map(({ unready }) => unready).join('')], [[], '']);
  await cluster.stop();
});
