import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { Cluster, withSubnet, type Member } from './cluster.ts';

const CONFIG: JsonValue = { Network: '10.42.0.0/16', Weft: { Paths: ['vxlan', 'udp'], Probe: { IdleBudget: 2 } } };

/** Hosts of two segments: no path but the tunnels. */
function two(): { readonly cluster: Cluster; readonly a: Member; readonly b: Member } {
  const cluster = new Cluster(CONFIG);
  const a = cluster.member('a', '192.168.0.1', withSubnet(1));
  const b = cluster.member('b', '192.168.7.2', withSubnet(2));
  return { cluster, a, b };
}

const bare = (name: string) => ({
  name,
  addresses: [{ address: parseAddress('172.16.0.1'), prefixLength: 24 }],
  mtuBytes: 1500,
});

test('a host whose kernel has no vxlan is reached by udp, reaches others by udp, and is ready', async () => {
  const { cluster, a, b } = two();
  a.host.failChange = ({ op, ...change }) =>
    op === 'put' && 'want' in change && change.want.kind === 'link'
      ? new WeftError('KERNEL_UNSUPPORTED', 'no such device type')
      : undefined;
  a.start();
  b.start();
  await cluster.pass(1000);
  assert.equal(a.paths, '10.42.2.0/24 udp');
  assert.equal(b.paths, '10.42.1.0/24 udp');
  assert.equal(a.unready, '');
  assert.match(JSON.stringify(a.agent?.status().peers[0]?.refused), /vxlan.*own end of it could not be made: no such/);
  assert.deepEqual(
    a.agent?.status().pass?.failed.map(({ entry }) => entry.replace(/ .*/, '')),
    ['link'],
    'the device is the trouble, not what it does not carry',
  );
  const number = a.agent?.status().pass?.number;
  await cluster.pass(1_200_000);
  assert.equal(a.agent?.status().pass?.number, number, 'no pass is made for its sake alone');
  a.host.failChange = undefined;
  a.agent?.wake();
  await cluster.pass(1000);
  await cluster.prove();
  assert.equal(a.paths, '10.42.2.0/24 vxlan', 'and goes over to vxlan when its kernel has it');
  assert.equal(b.paths, '10.42.1.0/24 vxlan');
  await cluster.stop();
});

test('a host on which the name of the tunnel’s device is another’s does without that tunnel', async () => {
  const { cluster, a, b } = two();
  a.host.addDevice(bare('flannel0'));
  a.start();
  b.start();
  await cluster.pass(1000);
  assert.equal(a.paths, '10.42.2.0/24 vxlan');
  assert.equal(a.unready, '');
  assert.match(cluster.leases, /10\.42\.1\.0-24 .*"vxlan":/);
  assert.doesNotMatch(cluster.leases, /10\.42\.1\.0-24 .*"udp":/);
  assert.match(cluster.leases, /10\.42\.2\.0-24 .*"udp":\{"port":8285\}/);
  await cluster.stop();
});

test('a host that can have no tunnel at all does not start', async () => {
  const { cluster, a } = two();
  for (const name of ['flannel0', 'weft.1']) a.host.addDevice(bare(name));
  a.start();
  await cluster.pass(1000);
  assert.ok(a.end instanceof WeftError);
  assert.equal(a.end.code, 'LINK_FOREIGN');
});

test('a lease keeps its udp endpoint through a restart, whose engine has yet to begin', async () => {
  const { cluster, a, b } = two();
  a.start();
  b.start();
  await cluster.pass(1000);
  const before = cluster.leases.replaceAll(/"incarnation":\d+/g, '');
  await a.stop();
  // With its process the engine is gone, and what it knew.
  a.host.remove('socket flannel0', 'tunnel flannel0 10.42.2.0/24');
  const seen: string[] = [];
  cluster.network.before = (call) => {
    if (call === 'claim') seen.push(cluster.leases);
  };
  a.start();
  await cluster.pass(1000);
  assert.equal(cluster.leases.replaceAll(/"incarnation":\d+/g, ''), before);
  assert.ok(seen.every((leases) => leases.match(/"udp":/g)?.length === 2));
  assert.match(a.host.text, /socket 192\.168\.0\.1:8285 udp dev flannel0/);
  assert.match(a.host.text, /tunnel 10\.42\.2\.0\/24 to 192\.168\.7\.2:8285/);
  await cluster.stop();
});
