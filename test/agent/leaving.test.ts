import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import { parseLeaseKey } from '../../src/core/lease-key.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { away, HOUR_MS, three, withSubnet } from './cluster.ts';

test('a lost lease fences: ways to peers and tunnels go, the leak guard and subnet.env stay', async () => {
  const { cluster, a } = await three();
  const key = parseLeaseKey('10.42.1.0-24');
  assert.ok(key);
  const node = parseNodeId('thief');
  cluster.network.leases.set(key.key, {
    lease: {
      ...key,
      attributes: { publicIP: parseAddress('192.168.0.66'), weft: { node, incarnation: 1, mtuBytes: 1500 } },
      epoch: 500,
      version: '500',
    },
    node,
    ttlMs: HOUR_MS,
  });
  cluster.network.changed();
  await cluster.pass(1000);
  assert.deepEqual(a.end, { how: 'fenced', why: '10.42.1.0/24 belongs to node thief now (epoch 500, ours was 1)' });
  assert.equal(
    a.host.text.replace(/^(file \S+) .*$/m, '$1'),
    [
      'file /run/flannel/subnet.env',
      'sysctl net/ipv4/conf/eth0/arp_announce=2',
      'sysctl net/ipv4/conf/eth0/rp_filter=2',
      'sysctl net/ipv4/ip_forward=1',
      'unreachable 10.42.0.0/16',
    ].join('\n'),
  );
  assert.equal(a.agent?.status().state, 'fenced');
  await cluster.stop();
});

test('drains: the lease goes, peers forget it, then all of ours goes from the host; nobody else gets the subnet for a while', async () => {
  const { cluster, a, b } = await three();
  let told = false;
  void a.agent?.drain().then(() => (told = true));
  // Its route is held until it answers no more.
  await cluster.pass(5000);
  assert.match(b.paths, /^10\.42\.3\.0\/24 vxlan$/);
  assert.equal(a.agent?.status().state, 'draining');
  assert.equal(a.routes.length, 2, 'it can still receive while others may not have seen it');
  await cluster.pass(12_000);
  assert.deepEqual(a.end, { how: 'drained' });
  assert.equal(told, true);
  assert.equal(a.state.remembered.subnet, undefined, 'it may come back under another node id');
  assert.doesNotMatch(a.host.text, /^(link|route|unreachable|neighbour|fdb|address) /m);
  const late = cluster.member('late', '192.168.0.9', withSubnet(1)).start();
  await cluster.settle();
  assert.notEqual(late.subnet, '10.42.1.0/24');
  a.start();
  await cluster.pass(1000);
  assert.equal(a.subnet, '10.42.1.0/24');
  await cluster.stop();
});

test('a drain waits for a store that is away, and takes a lease that another hand wrote since', async () => {
  const { cluster, a } = await three();
  cluster.network.before = away;
  void a.agent?.drain();
  await cluster.pass(60_000);
  assert.deepEqual([a.end, a.findings], [undefined, ['STORE_UNREACHABLE']]);
  const key = parseLeaseKey('10.42.1.0-24')?.key;
  const held = key === undefined ? undefined : cluster.network.leases.get(key);
  assert.ok(key !== undefined && held !== undefined);
  cluster.network.leases.set(key, { ...held, lease: { ...held.lease, version: 'another hand' } });
  cluster.network.before = () => undefined;
  await cluster.pass(60_000);
  assert.deepEqual(a.end, { how: 'drained' });
  assert.equal(cluster.network.leases.has(key), false);
  await cluster.stop();
});

test('of two hosts with one node id the newer stops, and the older keeps its lease', async () => {
  const { cluster, a, b } = await three();
  const clone = cluster.member('a', '192.168.0.77');
  clone.state.remembered = { ...a.state.remembered };
  clone.start();
  for (let seconds = 0; seconds < 40; seconds++) {
    await cluster.pass(1000);
    // A clone draws off nothing, not for a moment: peers send to the one that lives.
    assert.match(b.host.text, /route 10\.42\.1\.0\/24 via 192\.168\.0\.1 /);
  }
  assert.ok(clone.end instanceof WeftError);
  assert.equal(clone.end.code, 'DUPLICATE_NODE_ID');
  assert.doesNotMatch(clone.host.text, /^(link|route) /m);
  assert.match(cluster.leases, /^10\.42\.1\.0-24 epoch 1 \{"PublicIP":"192\.168\.0\.1"/);
  assert.equal(a.end, undefined);
  await cluster.stop();
});

test('a host that was replaced under its old name goes on when the old one is dead', async () => {
  const { cluster, a, b } = await three();
  await a.stop();
  const heir = cluster.member('a', '192.168.0.77').start();
  await cluster.pass(5000);
  // Nobody has had the time to answer yet.
  assert.match(cluster.leases, /^10\.42\.1\.0-24 epoch 1 \{"PublicIP":"192\.168\.0\.1"/);
  await cluster.pass(55_000);
  assert.match(cluster.leases, /^10\.42\.1\.0-24 epoch 1 \{"PublicIP":"192\.168\.0\.77"/);
  assert.match(b.host.text, /route 10\.42\.1\.0\/24 via 192\.168\.0\.77 /);
  assert.equal(heir.subnet, '10.42.1.0/24');
  assert.equal(heir.unready, '');
  assert.match(heir.log.text.join('\n'), /nobody else answers for this node id/);
  // The old one comes back to life: too late.
  a.start();
  await cluster.pass(60_000);
  assert.ok(a.end instanceof WeftError && a.end.code === 'DUPLICATE_NODE_ID', a.endCode);
  await cluster.stop();
});
