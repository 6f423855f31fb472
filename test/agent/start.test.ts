import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { away, Cluster, CONFIG, withSubnet } from './cluster.ts';

test('the tunnel device stands before the claim, subnet.env before any list, and the endpoint is offered when all of it stands', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1', withSubnet(7));
  const worlds = new Map<string, string>();
  cluster.network.before = (call) => {
    const lease = [...cluster.network.leases.values()]
      .map((held) => JSON.stringify(held.lease.attributes.weft?.vxlan ?? null))
      .join();
    if (!worlds.has(call)) worlds.set(call, `${a.host.text}\nlease ${lease}`);
  };
  a.start();
  await cluster.settle();
  assert.equal(worlds.get('config'), '\nlease ');
  assert.match(worlds.get('claim') ?? '', /^link flannel\.1 vxlan id 1 local 192\.168\.0\.1 .* up\nlease $/);
  assert.match(worlds.get('watch') ?? '', /^file \/run\/flannel\/subnet\.env .*\nlink flannel\.1 .*\nlease null$/);
  assert.match(worlds.get('renew') ?? '', /^address 10\.42\.7\.0\/32 dev flannel\.1\n/);
  assert.match(
    cluster.leases,
    /"vxlan":\{"vni":1,"mac":"[0-9a-f:]{17}","port":8472\},"probe":\{"key":"key of a","port":8286\}\}\}$/,
  );
  assert.deepEqual(a.agent?.status().unready, []);
  await cluster.stop();
});

test('waits for a store that is away, says so once, and goes on by itself', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  a.storeFails = away;
  a.start();
  await cluster.pass(600_000);
  const { store, state, unready, ready } = a.agent?.status() ?? {};
  assert.deepEqual(
    [state, ready, store],
    ['starting', false, { kind: 'memory', reachable: false, error: 'the store is away' }],
  );
  assert.deepEqual(unready, [
    'no lease yet',
    'the subnet file is not written',
    'no pass has been made yet',
    'STORE_UNREACHABLE: the store is away',
  ]);
  a.storeFails = undefined;
  await cluster.pass(10_000);
  assert.equal(a.agent?.status().ready, true);
  assert.deepEqual(a.log.text.slice(0, 3), [
    'warn something needs attention {code why}',
    'info no longer so {code why}',
    'info lease is held {epoch node subnet}',
  ]);
  await cluster.stop();
});

test('waits for a network config that is missing or wrong, and takes it as soon as it is right', async () => {
  const cluster = new Cluster('not yet');
  cluster.network.config = undefined;
  const a = cluster.member('a', '192.168.0.1').start();
  await cluster.pass(60_000);
  assert.deepEqual(a.findings, ['CONFIG_MISSING']);
  await cluster.writeConfig('{"Network":');
  await cluster.pass(10_000);
  assert.deepEqual(a.findings, ['CONFIG_NOT_JSON']);
  await cluster.writeConfig({ Network: '10.42.0.0/16', Weft: { Pahts: ['vxlan'] } });
  await cluster.pass(10_000);
  assert.deepEqual(a.findings, ['CONFIG_UNKNOWN_KEY']);
  assert.equal(a.host.text, '');
  await cluster.writeConfig(CONFIG);
  await cluster.pass(10_000);
  assert.deepEqual(a.findings, []);
  assert.equal(a.agent?.status().ready, true);
  await cluster.stop();
});

test('what no time heals ends the start: the wrong table', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  a.storeFails = () => {
    throw new WeftError('STORE_TABLE_WRONG', 'the table has other keys');
  };
  a.start();
  await cluster.settle();
  assert.equal(a.endCode, 'STORE_TABLE_WRONG');
});

test('a Network that overlaps a network of this host is refused before anything is touched', async () => {
  const cluster = new Cluster({ Network: '192.168.0.0/16' });
  const a = cluster.member('a', '192.168.0.1').start();
  await cluster.settle();
  assert.equal(a.endCode, 'NETWORK_OVERLAP');
  assert.match(
    a.end instanceof WeftError ? a.end.message : '',
    /Network 192\.168\.0\.0\/16 overlaps 192\.168\.0\.0\/24, which this host has on eth0/,
  );
  assert.equal(a.host.text + cluster.leases, '');
});

test('waits for an uplink that comes late', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  const eth0 = a.host.kernel.devices.get('eth0');
  assert.ok(eth0);
  a.host.kernel.devices.delete('eth0');
  a.start();
  await cluster.pass(60_000);
  assert.deepEqual(a.findings, ['UPLINK_NOT_FOUND']);
  a.host.addDevice(eth0);
  await cluster.pass(10_000);
  assert.equal(a.agent?.status().ready, true);
  await cluster.stop();
});

test('without the right to change the kernel it ends, and has leased nothing', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  a.host.failChange = () => new WeftError('NOT_PERMITTED', 'EPERM');
  a.start();
  await cluster.settle();
  assert.equal(a.endCode, 'NOT_PERMITTED');
  assert.equal(cluster.leases, '');

  const direct = new Cluster({ Network: '10.42.0.0/16', Backend: { Type: 'host-gw' } });
  const b = direct.member('b', '192.168.0.1');
  b.host.failChange = ({ op, ...change }) =>
    op === 'put' && 'want' in change && change.want.kind === 'unreachable'
      ? new WeftError('NOT_PERMITTED', 'EPERM')
      : undefined;
  b.start();
  await direct.settle();
  assert.equal(b.endCode, 'NOT_PERMITTED');
});

test('a setting that may not be changed leaves it running, not ready', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  a.host.failChange = (change) =>
    change.op === 'put' && change.want.kind === 'sysctl' && change.want.name === 'net/ipv4/ip_forward'
      ? new WeftError('NOT_PERMITTED', 'read-only')
      : undefined;
  a.start();
  await cluster.settle();
  assert.deepEqual(a.agent?.status().unready, ['sysctl net/ipv4/ip_forward=1: read-only']);
  assert.match(cluster.leases, /"vxlan":\{/);
  await cluster.stop();
});

test('a subnet file that cannot be written is tried again, and keeps the node from being ready', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  let full = true;
  a.host.failChange = (change) =>
    full && change.op === 'put' && change.want.kind === 'file'
      ? new WeftError('SUBNET_FILE_UNREADABLE', 'no space left')
      : undefined;
  a.start();
  await cluster.settle();
  assert.match(a.agent?.status().unready.join() ?? '', /^the subnet file is not written,file .*: no space left$/);
  full = false;
  await cluster.pass(60_000);
  assert.deepEqual(a.agent?.status().unready, []);
  await cluster.stop();
});

test('a full network is waited for, with the numbers', async () => {
  const cluster = new Cluster({
    Network: '10.42.0.0/16',
    SubnetMin: '10.42.1.0',
    SubnetMax: '10.42.1.0',
    Backend: { Type: 'vxlan' },
  });
  const a = cluster.member('a', '192.168.0.1').start();
  await cluster.settle();
  const b = cluster.member('b', '192.168.0.2').start();
  await cluster.pass(60_000);
  assert.deepEqual(b.findings, ['NO_SUBNET']);
  void a.agent?.drain();
  await cluster.pass(16 * 60_000);
  assert.equal(b.subnet, '10.42.1.0/24');
  await cluster.stop();
});

test('a state directory that cannot be written is reported and stops nothing', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  a.state.fail = new WeftError('STATE_UNREADABLE', 'read-only file system');
  a.start();
  await cluster.settle();
  assert.deepEqual(a.findings, ['STATE_UNREADABLE']);
  assert.equal(a.agent?.status().ready, true);
  await cluster.stop();
});

test("where flannel's health port is taken it ends with a failure, before anything is touched", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  assert.ok(typeof address === 'object' && address !== null);
  const cluster = new Cluster();
  const flannelHealth = { host: '127.0.0.1', port: address.port };
  const a = cluster.member('a', '192.168.0.1', { flannelHealth }).start();
  while (a.end === undefined) await cluster.pass(1000);
  assert.equal(a.endCode, 'CANNOT_LISTEN');
  assert.deepEqual([a.host.kernel.writes, cluster.leases], [0, '']);
  await new Promise((resolve) => taken.close(resolve));
  await cluster.stop();
});
