/** What flannel's other backends make of a daemon's life. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { Cluster, withSubnet, type Member } from './cluster.ts';

const EXTENSION: JsonObject = {
  Network: '10.42.0.0/16',
  Backend: { Type: 'extension', PreStartupCommand: 'pre', SubnetAddCommand: 'add', SubnetRemoveCommand: 'remove' },
};

const entries = ({ host }: Member): string[] => host.text.split('\n').filter((line) => line.startsWith('extension'));

async function two(): Promise<{ cluster: Cluster; a: Member; b: Member }> {
  const cluster = new Cluster(EXTENSION);
  const a = cluster.member('a', '192.168.0.1', withSubnet(1));
  const b = cluster.member('b', '192.168.7.2', withSubnet(2));
  a.extension.output = 'mac of a';
  a.start();
  b.start();
  await cluster.pass(1000);
  return { cluster, a, b };
}

test('extension runs its commands around the claim, and hands what the first printed to all others', async () => {
  const { cluster, a, b } = await two();
  assert.deepEqual(a.extension.ran, ['pre pre', 'post 10.42.0.0/16 10.42.1.0/24 192.168.0.1']);
  assert.match(
    cluster.leases,
    /"PublicIP":"192.168.0.1","PublicIPv6":null,"BackendType":"extension","BackendData":"mac of a","Weft"/,
  );
  assert.deepEqual(entries(b), ['extension 10.42.1.0/24 at 192.168.0.1 data "mac of a"']);
  assert.equal(b.paths, '10.42.1.0/24 extension');
  assert.equal(b.unready, '');
  const told = await b.agent?.explain('10.42.1.0/24', new AbortController().signal);
  assert.deepEqual(told?.paths, [{ path: 'extension', verdict: 'taken', why: null }]);
  assert.deepEqual(told?.entries, [{ entry: 'extension 10.42.1.0/24 at 192.168.0.1 data "mac of a"', stands: true }]);
  await cluster.stop();
  assert.equal(a.extension.ran.at(-1), 'shutdown');
});

test('extension removes a peer whose lease is gone, and changes one whose data changes', async () => {
  const { cluster, a, b } = await two();
  await a.stop();
  a.extension.output = 'another mac';
  a.start();
  await cluster.pass(1000);
  assert.deepEqual(entries(b), ['extension 10.42.1.0/24 at 192.168.0.1 data "another mac"']);
  void a.agent?.drain();
  await cluster.pass(20_000);
  assert.deepEqual(entries(b), []);
  assert.deepEqual(entries(a), []);
  assert.deepEqual(a.extension.ran.slice(-1), ['shutdown']);
  await cluster.stop();
});

test('many extension peers that vanish at once are held, as a mistake may have made them vanish', async () => {
  const cluster = new Cluster(EXTENSION);
  const a = cluster.member('a', '192.168.0.1', withSubnet(1)).start();
  const peer = (n: number): string => `{"PublicIP":"192.168.9.${n}","PublicIPv6":null,"BackendType":"extension"}`;
  for (let n = 10; n < 30; n++) cluster.store.writeForeign(`10.42.${n}.0-24`, peer(n));
  await cluster.pass(1000);
  assert.equal(entries(a).length, 20);
  for (const key of cluster.network.leases.keys()) if (key !== '10.42.1.0-24') cluster.network.leases.delete(key);
  cluster.network.changed();
  await cluster.pass(1000);
  assert.equal(entries(a).length, 20);
  assert.equal(a.agent?.status().pass?.held.length, 20);
  await cluster.pass(65_000);
  assert.deepEqual(entries(a), []);
  await cluster.stop();
});

test('commands of the config are not run where that is not allowed', async () => {
  const cluster = new Cluster(EXTENSION);
  const a = cluster.member('a', '192.168.0.1', { allowExtension: false }).start();
  await cluster.pass(1000);
  assert.equal(a.endCode, 'EXTENSION_REFUSED');
  assert.deepEqual(a.extension.ran, []);
  assert.equal(cluster.network.leases.size, 0);
});

test('a start command that fails ends the start with its words, before anything is claimed or written', async () => {
  for (const at of ['prepare', 'settle'] as const) {
    const cluster = new Cluster(EXTENSION);
    const a = cluster.member('a', '192.168.0.1');
    a.extension.failure = { at, error: new WeftError('EXTENSION_FAILED', 'PreStartupCommand ended with 2: no') };
    a.start();
    await cluster.pass(1000);
    assert.equal(a.endCode, 'EXTENSION_FAILED');
    assert.equal(cluster.network.leases.size, at === 'prepare' ? 0 : 1);
    assert.doesNotMatch(a.host.text, /subnet\.env/);
  }
});

test('host-gw refuses a host behind a NAT in flannel’s words; with another path beside it goes on', async () => {
  const nat = { uplink: { interfaces: [], patterns: [], publicIP: parseAddress('203.0.113.9') } };
  const cluster = new Cluster({ Network: '10.42.0.0/16', Backend: { Type: 'host-gw' } });
  const a = cluster.member('a', '192.168.0.1', nat).start();
  await cluster.pass(1000);
  assert.ok(a.end instanceof WeftError);
  assert.equal(a.end.code, 'UPLINK_BEHIND_NAT');
  assert.match(
    a.end.message,
    /^your PublicIP differs from interface IP, meaning that probably you're on a NAT, which is not supported by host-gw backend/,
  );
  assert.equal(cluster.network.leases.size, 0);

  const wide = { Network: '10.42.0.0/16', Backend: { Type: 'host-gw' }, Weft: { Paths: ['direct', 'vxlan'] } };
  const other = new Cluster(wide);
  const b = other.member('b', '192.168.0.2', nat).start();
  await other.pass(1000);
  assert.notEqual(b.subnet, null);
  await other.stop();
});

test('alloc takes a lease, writes subnet.env with the MTU of the link, and touches nothing else', async () => {
  const cluster = new Cluster({ Network: '10.42.0.0/16', Backend: { Type: 'alloc' } });
  const a = cluster.member('a', '192.168.0.1', withSubnet(1)).start();
  const b = cluster.member('b', '192.168.0.2', withSubnet(2)).start();
  await cluster.pass(70_000);
  assert.match(cluster.leases, /10\.42\.1\.0-24 epoch \d+ \{"PublicIP":"192\.168\.0\.1","PublicIPv6":null,"Weft"/);
  assert.match(
    a.host.text,
    /^file \/run\/flannel\/subnet\.env "FLANNEL_NETWORK=10\.42\.0\.0\/16\\nFLANNEL_SUBNET=10\.42\.1\.1\/24\\nFLANNEL_MTU=1500\\nFLANNEL_IPMASQ=false\\n"$/,
  );
  assert.equal(a.unready, '');
  assert.equal(b.paths, '10.42.1.0/24 none');
  assert.deepEqual(a.findings, []);
  await cluster.stop();
});
