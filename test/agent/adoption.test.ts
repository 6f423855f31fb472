import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { Cluster, type Member, withSubnet } from './cluster.ts';

const BRIDGE = {
  name: 'docker0',
  addresses: [{ address: parseAddress('10.42.7.1'), prefixLength: 24 }],
  mtuBytes: 1450,
};

test('a restart with everything right changes nothing on the host and writes the store once', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1', withSubnet(7)).start();
  const b = cluster.member('b', '192.168.1.2').start();
  await cluster.settle();
  await a.stop();
  const before = { host: a.host.text, writes: a.host.kernel.writes, state: a.state.writes, seq: cluster.network.seq };
  assert.match(before.host, /route .* dev flannel\.1/);
  a.start();
  await cluster.pass(3_600_000 * 2);
  assert.equal(a.host.text, before.host);
  assert.equal(a.host.kernel.writes, before.writes);
  assert.equal(cluster.network.seq, before.seq + 1);
  assert.deepEqual(
    a.calls.filter((call) => !['config', 'watch'].includes(call)),
    ['claim'],
  );
  assert.equal(a.agent?.status().ready, true);
  assert.match(b.paths, /^10\.42\.7\.0\/24 vxlan$/);
  assert.deepEqual(a.log.text, ['info lease is held {epoch node subnet}', 'info peer joined {path peer subnet}']);
  await cluster.stop();
});

/** The subnet that `a` had is another's now, and a bridge of `a` is still in it. */
async function evicted(cluster: Cluster): Promise<Member> {
  const a = cluster.member('a', '192.168.0.1', withSubnet(7)).start();
  await cluster.settle();
  await a.stop();
  a.host.addDevice(BRIDGE);
  cluster.network.leases.clear();
  cluster.network.freed.clear();
  cluster.member('b', '192.168.1.2', withSubnet(7)).start();
  await cluster.settle();
  return a;
}

test('does not renumber a host whose old subnet is in use: it waits, and says why, until nothing uses it', async () => {
  const cluster = new Cluster();
  const a = (await evicted(cluster)).start();
  await cluster.pass(60_000);
  assert.deepEqual(a.findings, ['SUBNET_IN_USE']);
  assert.match(
    a.agent?.status().unready.join() ?? '',
    /10\.42\.7\.0\/24 belongs to another node now, and is in use here: docker0 \(10\.42\.7\.1\/24\)/,
  );
  a.host.removeDevice('docker0');
  await cluster.pass(20_000);
  assert.notEqual(a.subnet, null);
  assert.notEqual(a.subnet, '10.42.7.0/24');
  assert.equal(a.agent?.status().ready, true);
  await cluster.stop();
});

test('renumbers at once where it is allowed to', async () => {
  const cluster = new Cluster();
  const a = (await evicted(cluster)).start({ allowRenumber: true });
  await cluster.settle();
  assert.notEqual(a.subnet, '10.42.7.0/24');
  assert.equal(a.agent?.status().ready, true);
  await cluster.stop();
});

test('takes over from flanneld: its lease, its subnet and its VTEP MAC', async () => {
  const cluster = new Cluster();
  const value =
    '{"PublicIP":"192.168.0.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"ae:11:22:33:44:55"}}';
  cluster.store.writeForeign('10.42.7.0-24', value);
  const a = cluster.member('a', '192.168.0.1', withSubnet(7)).start();
  await cluster.settle();
  assert.equal(a.subnet, '10.42.7.0/24');
  assert.match(a.host.text, /link flannel\.1 .* address ae:11:22:33:44:55 /);
  assert.match(
    cluster.leases,
    /"BackendData":\{"VNI":1,"VtepMAC":"ae:11:22:33:44:55"\},"Weft":\{.*"mac":"ae:11:22:33:44:55"/,
  );
  await cluster.stop();
});

test('keeps subnet and MAC when it is started again without its state directory', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1').start();
  await cluster.settle();
  const [subnet, host] = [a.subnet, a.host.text];
  await a.stop();
  a.state.remembered = { node: a.state.remembered.node, incarnation: 0 };
  a.start();
  await cluster.settle();
  assert.equal(a.subnet, subnet);
  assert.equal(a.host.text, host);
  assert.match(cluster.leases, /"incarnation":2/);
  await cluster.stop();
});

test('after a change of the Network the routes of the old one go, and then it is nobody of ours any more', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1').start();
  const b = cluster.member('b', '192.168.0.2').start();
  await cluster.settle();
  await Promise.all([a.stop(), b.stop()]);
  assert.match(a.host.text, /route 10\.42\./);
  await cluster.writeConfig({ Network: '10.99.0.0/16', Backend: { Type: 'vxlan', DirectRouting: true } });
  a.start();
  b.start();
  await cluster.pass(70_000);
  assert.doesNotMatch(a.host.text, /10\.42\./);
  assert.match(a.host.text, /route 10\.99\./);
  assert.deepEqual(a.state.remembered.previousNetworks, []);
  await cluster.stop();
});

test('an old Network is nobody’s any more although a path fails that this host cannot have', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1').start();
  await cluster.pass(1000);
  await a.stop();
  await cluster.writeConfig({ Network: '10.99.0.0/16', Backend: { Type: 'vxlan' }, Weft: { Paths: ['vxlan', 'udp'] } });
  a.host.failChange = (change) =>
    change.op === 'put' && change.want.kind === 'tun' ? new WeftError('KERNEL_UNSUPPORTED', 'no TUN here') : undefined;
  a.start();
  await cluster.pass(70_000);
  assert.doesNotMatch(a.host.text, /10\.42\./);
  assert.deepEqual(a.state.remembered.previousNetworks, []);
  await cluster.stop();
});

test('of an old Network that another daemon of this host has now, nothing is removed', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1').start();
  await cluster.pass(1000);
  await a.stop();
  await cluster.writeConfig({ Network: '10.99.0.0/16', Backend: { Type: 'vxlan' } });
  const network = parseSubnet('10.42.0.0/16');
  a.others = [{ folder: '/state/other', network, previousNetworks: [] }];
  a.start();
  await cluster.pass(70_000);
  assert.match(a.host.text, /^unreachable 10\.42\.0\.0\/16/m);
  assert.match(a.host.text, /^unreachable 10\.99\.0\.0\/16/m);
  assert.deepEqual(a.state.remembered.previousNetworks, []);
  await cluster.stop();
});

test('a start waits while another daemon of this host has yet to remove its routes of the same Network', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  const other = { folder: '/state/other', network: parseSubnet('10.43.0.0/16') };
  a.others = [{ ...other, previousNetworks: [parseSubnet('10.42.0.0/16')] }];
  a.start();
  await cluster.pass(1000);
  assert.match(a.unready, /overlaps 10\.42\.0\.0\/16, which was the Network of another weftd/);
  assert.equal(a.host.text, '');
  a.others = [{ ...other, previousNetworks: [] }];
  await cluster.pass(20_000);
  assert.equal(a.unready, '');
  await cluster.stop();
});

test('a second change of the Network before the first is tidied up leaves nothing of either', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1').start();
  await cluster.pass(1000);
  assert.match(a.host.text, /^unreachable 10\.42\./m);
  for (const network of ['10.99.0.0/16', '10.98.0.0/16']) {
    await a.stop();
    await cluster.writeConfig({ Network: network, Backend: { Type: 'vxlan' } });
    a.host.failChange = ({ op }) => (op === 'remove' ? new WeftError('KERNEL_REFUSED', 'not now') : undefined);
    a.start();
    await cluster.pass(1000);
  }
  assert.deepEqual(a.state.remembered.previousNetworks, ['10.99.0.0/16', '10.42.0.0/16']);
  a.host.failChange = undefined;
  await cluster.pass(70_000);
  assert.doesNotMatch(a.host.text, /10\.(42|99)\./);
  assert.match(a.host.text, /^unreachable 10\.98\.0\.0\/16/m);
  assert.deepEqual(a.state.remembered.previousNetworks, []);
  await cluster.stop();
});
