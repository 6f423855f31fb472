import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { macFrom, tryMac } from '../../src/core/mac.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { away, Cluster, HOUR_MS, three, withSubnet } from './cluster.ts';

test('peers on the same segment are reached directly, the others by vxlan', async () => {
  const { cluster, a, b, c } = await three();
  assert.equal(a.paths, '10.42.2.0/24 direct\n10.42.3.0/24 vxlan');
  assert.equal(b.paths, '10.42.1.0/24 direct\n10.42.3.0/24 vxlan');
  assert.equal(c.paths, '10.42.1.0/24 vxlan\n10.42.2.0/24 vxlan');
  assert.deepEqual(a.routes, [
    'route 10.42.2.0/24 via 192.168.0.2 dev eth0 src 10.42.1.0 mtu 1500',
    'route 10.42.3.0/24 via 10.42.3.0 dev flannel.1 src 10.42.1.0 mtu 1450 onlink',
  ]);
  await cluster.stop();
  assert.deepEqual(a.end, { how: 'stopped' });
  assert.equal(a.routes.length, 2, 'stopping leaves the data path as it is');
});

test('an idle agent writes nothing: no log line, no change, no store write but its renewals', async () => {
  const { cluster, a } = await three();
  const before = { lines: a.log.lines.length, writes: a.host.kernel.writes };
  a.calls.length = 0;
  await cluster.clock.advance(7 * HOUR_MS);
  assert.deepEqual({ lines: a.log.lines.length, writes: a.host.kernel.writes }, before);
  assert.deepEqual(new Set(a.calls.filter((call) => call !== 'watch')), new Set([]));
  await cluster.clock.advance(17 * HOUR_MS);
  assert.deepEqual(
    a.calls.filter((call) => call !== 'watch'),
    ['renew', 'renew', 'renew'],
  );
  assert.equal(a.log.lines.length, before.lines);
  await cluster.stop();
});

test('while the store is away the data path stands, and what another hand breaks is put right', async () => {
  const { cluster, a } = await three();
  const before = a.host.text;
  cluster.network.before = away;
  a.host.remove('route 254 10.42.2.0/24', 'fdb flannel.1 nothing', 'sysctl net/ipv4/ip_forward');
  await cluster.pass(1000);
  assert.equal(a.host.text, before);
  a.host.remove('link flannel.1');
  await cluster.pass(1000);
  assert.equal(a.host.text, before);
  cluster.network.changed();
  await cluster.pass(10 * 60_000);
  assert.equal(a.agent?.status().store.reachable, false);
  assert.equal(a.unready, '');
  cluster.network.before = () => undefined;
  await cluster.pass(60_000);
  assert.equal(a.agent?.status().store.reachable, true);
  assert.equal(a.host.text, before);
  await cluster.stop();
});

test('a VTEP MAC that somebody rewrites, and entries that somebody flushes, are put back within one pass', async () => {
  const { cluster, a, b } = await three();
  const before = a.host.text;
  b.log.lines.length = 0;
  const link = a.host.kernel.standing.get('link flannel.1');
  const mac = tryMac('ae:ff:ff:ff:ff:ff');
  assert.ok(link?.kind === 'link' && mac !== undefined);
  a.host.set({ ...link, mac });
  await cluster.settle();
  assert.equal(a.host.text, before);
  a.host.remove(
    ...[...a.host.kernel.standing.keys()].filter((key) => /^(fdb|neighbour|route|unreachable|address) /.test(key)),
  );
  await cluster.settle();
  assert.equal(a.host.text, before);
  assert.deepEqual(b.log.lines, []);
  await cluster.stop();
});

test('a pass over the same world again changes nothing, whatever it is made from', async () => {
  const { cluster, a } = await three();
  const before = { text: a.host.text, writes: a.host.kernel.writes };
  a.agent?.wake();
  await cluster.settle();
  a.host.hint('everything');
  await cluster.pass(5 * HOUR_MS);
  assert.deepEqual({ text: a.host.text, writes: a.host.kernel.writes }, before);
  await cluster.stop();
});

test('a thousand leases in one burst take a few passes, and all are programmed', async () => {
  const cluster = new Cluster({ Network: '10.0.0.0/8', SubnetLen: 24, Backend: { Type: 'vxlan' } });
  const a = cluster.member('a', '192.168.0.1', { subnetFromFile: parseSubnet('10.1.1.0/24') }).start();
  await cluster.pass(1000);
  const number = a.agent?.status().pass?.number ?? 0;
  for (let n = 0; n < 1000; n++) {
    const weft = `{"v":1,"node":"n${n}","incarnation":1,"mtu":1500,"vxlan":{"vni":1,"mac":"${macFrom(`n${n}`)}","port":8472}}`;
    cluster.store.writeForeign(
      `10.${200 + (n >> 8)}.${n & 255}.0-24`,
      `{"PublicIP":"192.168.9.9","PublicIPv6":null,"Weft":${weft}}`,
    );
    if (n % 50 === 0) await cluster.clock.advance(2);
  }
  await cluster.pass(1000);
  assert.equal(a.routes.length, 1000);
  const passes = (a.agent?.status().pass?.number ?? 0) - number;
  assert.ok(passes <= 4, `${passes} passes`);
  await cluster.stop();
});

test('a change that fails is tried again, tells its reason, and holds up nobody', async () => {
  const { cluster, a } = await three();
  let broken = true;
  a.host.failChange = (change) =>
    broken && change.op === 'put' && change.want.kind === 'route' && change.want.destination === '10.42.9.0/24'
      ? new WeftError('KERNEL_REFUSED', 'EINVAL')
      : undefined;
  cluster.store.writeForeign('10.42.9.0-24', '{"PublicIP":"192.168.0.9","PublicIPv6":null,"BackendType":"host-gw"}');
  cluster.member('d', '192.168.0.4', withSubnet(4)).start();
  await cluster.pass(120_000);
  assert.match(a.routes.join('\n'), /10\.42\.4\.0/);
  assert.doesNotMatch(a.routes.join('\n'), /10\.42\.9\.0/);
  const { pass, ready } = a.agent?.status() ?? {};
  assert.deepEqual(pass?.failed, [
    {
      entry: 'route 10.42.9.0/24 via 192.168.0.9 dev eth0 src 10.42.1.0 mtu 1500',
      code: 'KERNEL_REFUSED',
      message: 'EINVAL',
    },
  ]);
  assert.equal(ready, true, 'one peer out of reach is not a reason to take this host out of service');
  broken = false;
  await cluster.pass(60_000);
  assert.match(a.routes.join('\n'), /10\.42\.9\.0/);
  const told = a.log.lines.filter(({ message }) => message.startsWith('change'));
  assert.deepEqual(
    told.map(({ message }) => message),
    ['change failed', 'change is made or needless now'],
  );
  await cluster.stop();
});

test('a host that cannot be looked at is left alone until it can be', async () => {
  const { cluster, a } = await three();
  const before = a.host.text;
  a.host.failObserve = () => new WeftError('KERNEL_REFUSED', 'ENOBUFS');
  cluster.network.leases.clear();
  cluster.network.changed();
  await cluster.pass(120_000);
  assert.equal(a.host.text, before);
  assert.match(a.unready, /the last pass could not be made: ENOBUFS/);
  a.host.failObserve = undefined;
  await cluster.pass(120_000);
  assert.equal(a.unready, '');
  assert.equal(a.log.lines.filter(({ message }) => message === 'pass could not be made').length, 1);
  await cluster.stop();
});

test('leases that cannot be read are told, once, and nothing else is dropped for them', async () => {
  const { cluster, a } = await three();
  const before = a.host.text;
  cluster.store.writeForeign('10.42.2.0-24hi', 'x');
  cluster.store.writeForeign('10.42.77.0-24', '{"PublicIP":null}');
  await cluster.pass(HOUR_MS);
  assert.equal(a.host.text, before);
  assert.deepEqual(
    a.agent?.status().skipped.map(({ key }) => key),
    ['10.42.2.0-24hi', '10.42.77.0-24'],
  );
  assert.equal(a.log.lines.filter(({ fields }) => fields['code'] === 'BAD_LEASE').length, 2);
  await cluster.stop();
});

test('what other programs of the host do all the same is told beside what the host itself shows', async () => {
  const cluster = new Cluster();
  const a = cluster.member('a', '192.168.0.1');
  a.guardFindings = [{ code: 'NETWORKD_RESTART', message: 'restart it' }];
  a.host.findings = [{ code: 'FORWARD_DROPS', message: 'a chain drops' }];
  a.start();
  await cluster.settle();
  assert.deepEqual(a.findings, ['FORWARD_DROPS', 'NETWORKD_RESTART']);
  await cluster.stop();
});
