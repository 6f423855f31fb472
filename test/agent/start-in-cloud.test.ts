import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { parseAddress } from '../../src/core/address.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { CloudInstance, InstanceState } from '../../src/contracts/cloud-inventory.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { Cluster, type Member } from './cluster.ts';

const MINUTE = 60_000;

/** An instance at this address. */
function instance(cluster: Cluster, cloud: FakeCloud, name: string, last: number): Member {
  const address = `192.168.0.${last}`;
  const member = cluster.member(name, address);
  cloud.selves.set(parseAddress(address), {
    instance: name,
    region: 'r',
    identity: { provider: 'aws', network: 'vpc-1', subnet: 'subnet-a', target: `eni-${last}` },
    networkRanges: [parseSubnet('192.168.0.0/20'), parseSubnet('10.42.64.0/20')],
  });
  member.cloud = { network: cloud.open(), inventory: { instances: async () => new Map<string, CloudInstance>() } };
  return member;
}

function cloudOf(cluster: Cluster): FakeCloud {
  const cloud = new FakeCloud(cluster.clock);
  cloud.addTable('rtb-a', { subnets: ['subnet-a'] });
  return cloud;
}

test('a Network that overlaps a range of the VPC is refused with both named, before anything is touched', async () => {
  const cluster = new Cluster();
  const cloud = cloudOf(cluster);
  const a = instance(cluster, cloud, 'i-0000000000000001', 1).start();
  await cluster.settle();
  assert.equal(a.endCode, 'NETWORK_OVERLAP');
  assert.match(
    a.end instanceof WeftError ? `${a.end.message}. ${a.end.hint}` : '',
    /^Network 10\.42\.0\.0\/16 overlaps 10\.42\.64\.0\/20, a range of vpc-1, .*\. Choose a Network that lies outside/,
  );
  assert.deepEqual([a.host.text + cluster.leases, cloud.mutations], ['', []]);
});

test('a metadata server that is late is waited for, and status says so', async () => {
  const cluster = new Cluster({ Network: '10.50.0.0/16' });
  const cloud = cloudOf(cluster);
  const a = instance(cluster, cloud, 'i-0000000000000001', 1);
  let answer: () => void = () => undefined;
  cloud.before = (call) => (call === 'identify' ? new Promise<void>((resolve) => (answer = resolve)) : undefined);
  a.start();
  await cluster.pass(MINUTE);
  assert.deepEqual([a.findings, a.subnet, a.host.text], [['CLOUD_UNREACHABLE'], null, '']);
  assert.match(a.unready, /the start waits for the cloud's metadata server/);
  cloud.before = () => undefined;
  answer();
  await cluster.pass(MINUTE);
  assert.deepEqual([a.findings, a.unready], [[], '']);
  await cluster.stop();
});

test('an uplink that is no interface of the machine is told, and the tunnels go on', async () => {
  const cluster = new Cluster({ Network: '10.50.0.0/16' });
  const cloud = cloudOf(cluster);
  const a = instance(cluster, cloud, 'i-0000000000000001', 1);
  cloud.selves.clear();
  a.start();
  const b = cluster.member('elsewhere', '192.168.7.2').start();
  await cluster.pass(MINUTE);
  assert.deepEqual([a.findings, a.unready], [['CLOUD_NOT_FOUND'], '']);
  assert.equal(a.paths, `${b.subnet} vxlan`);
  await cluster.stop();
});

test('when no subnet is left, the lease of a machine that the cloud calls terminated is freed for the next', async () => {
  const cluster = new Cluster({ Network: '10.50.0.0/16', SubnetMin: '10.50.1.0', SubnetMax: '10.50.1.0' });
  const cloud = cloudOf(cluster);
  const [gone, next] = ['i-0000000000000001', 'i-0000000000000002'] as const;
  const a = instance(cluster, cloud, gone, 1).start();
  await cluster.settle();
  assert.equal(a.subnet, '10.50.1.0/24');
  await a.powerOff();
  const b = instance(cluster, cloud, next, 2);
  let state: InstanceState = 'running';
  b.cloud = {
    network: cloud.open(),
    inventory: {
      instances: async (ids) =>
        new Map(ids.map((id) => [id, { state: id === gone ? state : 'running', network: undefined, tags: new Map() }])),
    },
  };
  b.start();
  await cluster.pass(30 * MINUTE);
  assert.deepEqual([b.findings, b.subnet], [['NO_SUBNET'], null]);
  state = 'terminated';
  // Seen to be so for five minutes; then quarantine keeps a freed subnet from others for a while.
  for (let minutes = 0; minutes < 40; minutes++) await cluster.pass(MINUTE);
  assert.equal(b.subnet, '10.50.1.0/24');
  await cluster.stop();
});
