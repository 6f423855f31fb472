import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { CONFIG, three } from './cluster.ts';

test('of a changed config the live keys are taken over, the others refused with reasons, and a deleted or broken one changes nothing', async () => {
  const { cluster, a } = await three();
  await cluster.writeConfig({
    Network: '10.42.0.0/16',
    Backend: { Type: 'vxlan', DirectRouting: true, VNI: 7 },
    Weft: { Paths: ['vxlan'], LeaseTTL: '1h' },
  });
  await cluster.pass(1000);
  assert.equal(a.paths, '10.42.2.0/24 vxlan\n10.42.3.0/24 vxlan');
  assert.deepEqual(a.agent?.status().findings, [
    {
      code: 'CONFIG_NOT_LIVE',
      message:
        'network config key "VXLAN.VNI": the device would be made anew and peers send to the old one; it takes effect when the daemon restarts',
    },
  ]);
  const before = a.host.text;
  await cluster.writeConfig('{');
  await cluster.pass(1000);
  assert.deepEqual([a.host.text, a.findings], [before, ['CONFIG_NOT_JSON']]);
  cluster.network.config = undefined;
  cluster.network.changed();
  await cluster.pass(1000);
  assert.deepEqual([a.host.text, a.findings], [before, ['CONFIG_MISSING']]);
  await cluster.writeConfig(CONFIG);
  await cluster.pass(5000);
  assert.deepEqual(a.findings, []);
  assert.equal(a.paths, '10.42.2.0/24 direct\n10.42.3.0/24 vxlan');
  await cluster.stop();
});

test('another address of the uplink moves the tunnel, the lease, and the peers with it', async () => {
  const { cluster, a, b, c } = await three();
  a.host.addDevice({
    name: 'eth0',
    addresses: [{ address: parseAddress('192.168.5.1'), prefixLength: 24 }],
    mtuBytes: 1500,
    gateway: parseAddress('192.168.5.254'),
  });
  a.host.hint('addresses');
  await cluster.pass(2000);
  assert.match(a.host.text, /link flannel\.1 vxlan id 1 local 192\.168\.5\.1 /);
  assert.match(cluster.leases, /^10\.42\.1\.0-24 epoch 1 \{"PublicIP":"192\.168\.5\.1"/);
  assert.equal(a.paths, '10.42.2.0/24 vxlan\n10.42.3.0/24 vxlan');
  assert.equal(b.paths, '10.42.1.0/24 vxlan\n10.42.3.0/24 vxlan');
  assert.match(c.host.text, /fdb \S+ dst 192\.168\.5\.1 /);
  await cluster.stop();
});

test('the default route moves the uplink to another device, and back', async () => {
  const { cluster, a } = await three();
  const addresses = [{ address: parseAddress('192.168.5.1'), prefixLength: 24 }];
  const eth1 = { name: 'eth1', addresses, mtuBytes: 1500 };
  a.host.kernel.devices.set('eth1', { ...eth1, gateway: parseAddress('192.168.5.254'), metric: -1 });
  a.host.hint('routes');
  await cluster.pass(2000);
  assert.match(a.host.text, /link flannel\.1 vxlan id 1 local 192\.168\.5\.1 /);
  a.host.kernel.devices.set('eth1', eth1);
  a.host.hint('routes');
  await cluster.pass(2000);
  assert.match(a.host.text, /link flannel\.1 vxlan id 1 local 192\.168\.0\.1 /);
  await cluster.stop();
});

test('an address that comes to the uplink beside the one in use moves nothing', async () => {
  const { cluster, a } = await three();
  const before = a.host.text;
  const [own, extra] = ['192.168.0.1', '192.168.0.200'].map((text) => ({
    address: parseAddress(text),
    prefixLength: 24,
  }));
  assert.ok(own && extra);
  a.host.addDevice({ name: 'eth0', addresses: [extra, own], mtuBytes: 1500, gateway: parseAddress('192.168.0.254') });
  a.host.hint('addresses');
  await cluster.pass(2000);
  assert.equal(a.host.text, before);
  assert.match(cluster.leases, /^10\.42\.1\.0-24 epoch 1 \{"PublicIP":"192\.168\.0\.1"/);
  await cluster.stop();
});

test('while the uplink is gone the last one stays in force', async () => {
  const { cluster, a } = await three();
  const eth0 = a.host.kernel.devices.get('eth0');
  assert.ok(eth0);
  a.host.removeDevice('eth0');
  await cluster.pass(60_000);
  assert.deepEqual(a.findings, ['UPLINK_NOT_FOUND']);
  assert.match(cluster.leases, /^10\.42\.1\.0-24 epoch 1 \{"PublicIP":"192\.168\.0\.1"/);
  a.host.addDevice(eth0);
  await cluster.pass(60_000);
  assert.deepEqual(a.findings, []);
  assert.equal(a.paths, '10.42.2.0/24 direct\n10.42.3.0/24 vxlan');
  assert.equal(a.unready, '');
  await cluster.stop();
});
