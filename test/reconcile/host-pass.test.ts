import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { hostEntryKey, hostEntryOrder, type Route } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { Choose } from '../../src/datapath/plan.ts';
import { lease, selfAt, uplinkAt, vxlanAt } from '../datapath/cluster.ts';
import { freshHost, inputOf, MINE, passes, SELF, SEVERAL } from './pass-world.ts';

test('one pass makes a bare host ready, another finds nothing to do', async () => {
  const { pass, host } = await passes();
  const first = await pass(inputOf(SEVERAL));
  assert.deepEqual(first.failed, []);
  assert.deepEqual(first.receives, ['direct', 'vxlan']);
  const before = host.text;
  const second = await pass(inputOf(SEVERAL));
  assert.deepEqual([second.planned, second.moved, host.text], [[], [], before]);
});

test('puts come before removals, and nothing is put before what it stands on', async () => {
  const { pass } = await passes();
  await pass(inputOf(SEVERAL));
  const moved = [
    MINE,
    lease('10.42.2.0/24', '192.168.7.2', { weft: vxlanAt('two'), epoch: 2 }),
    lease('10.42.9.0/24', '192.168.7.9', { weft: vxlanAt('nine') }),
  ];
  const { applied } = await pass(inputOf(moved));
  const kinds = applied.map(({ op }) => op);
  assert.deepEqual(kinds, kinds.toSorted());
  const orders = applied.flatMap((change) => (change.op === 'put' ? hostEntryOrder(change.want) : []));
  assert.deepEqual(
    orders,
    orders.toSorted((a, b) => a - b),
  );
  assert.equal(
    applied.filter((change) => change.op === 'remove' && change.was.kind === 'route' && change.was.metric === undefined)
      .length,
    1,
    'the route that changed is replaced',
  );
});

test('a dry run tells the changes and makes none', async () => {
  const { pass, host } = await passes();
  const { planned, applied } = await pass({ ...inputOf(SEVERAL), dryRun: true });
  assert.deepEqual([applied, host.text], [[], '']);
  assert.ok(planned.length > 10);
});

test('one change that fails, whichever it is, leaves the others done, and the next pass makes it', async () => {
  const all = await (await passes()).pass(inputOf(SEVERAL));
  for (const failing of all.applied) {
    const { pass, host } = await passes();
    const key = failing.op === 'put' ? hostEntryKey(failing.want) : '';
    host.failChange = (change) =>
      change.op === 'put' && hostEntryKey(change.want) === key ? new WeftError('KERNEL_REFUSED', 'ENOMEM') : undefined;
    const report = await pass(inputOf(SEVERAL));
    assert.ok(report.failed.length >= 1, key);
    assert.equal(
      report.receives.includes('vxlan'),
      !/^(link|address) /.test(key),
      `${key}: what does not stand is not offered`,
    );
    host.failChange = undefined;
    const next = await pass(inputOf(SEVERAL));
    assert.deepEqual(next.failed, []);
    // With its device a path is back, and peers are planned by it in one more pass, at once.
    if (key.startsWith('link ')) {
      assert.equal(next.heldForMs, 0);
      await pass(inputOf(SEVERAL));
    }
    assert.deepEqual((await pass(inputOf(SEVERAL))).planned, [], key);
  }
});

test('without its own lease in the view it puts but removes nothing', async () => {
  const { pass, host } = await passes();
  await pass(inputOf(SEVERAL));
  const before = host.text.split('\n');
  const added = lease('10.42.9.0/24', '192.168.0.9', { weft: vxlanAt('nine') });
  const { held } = await pass(inputOf([added]));
  assert.ok(before.every((line) => host.text.includes(line)));
  assert.match(host.text, /route 10\.42\.9\.0\/24 /);
  assert.ok(held.length > 0 && held.every(({ why }) => /own lease is missing/.test(why)));
});

test('a peer that claims its subnet again keeps the path that stands, whether it is looked at alone or with all', async () => {
  const standing: Choose = (_, __, stands) => ({ path: stands ?? 'vxlan', why: '', trouble: false, refused: [] });
  const again = lease('10.42.2.0/24', '192.168.0.2', { weft: vxlanAt('two'), epoch: 9 });
  for (const changed of ['all', new Set([again.key])] as const) {
    const { pass, host } = await passes();
    await pass(inputOf(SEVERAL));
    const before = host.text;
    assert.match(before, /route 10\.42\.2\.0\/24 via 192\.168\.0\.2 /);
    await pass({ ...inputOf([MINE, again, ...SEVERAL.slice(2)], changed), choose: standing });
    assert.equal(host.text, before);
  }
});

test('another machine that has the subnet starts anew, whether it is looked at alone or with all', async () => {
  const seen: (string | undefined)[] = [];
  const standing: Choose = (_, __, stands) => {
    seen.push(stands);
    return { path: 'vxlan', why: '', trouble: false, refused: [] };
  };
  const other = lease('10.42.2.0/24', '192.168.0.8', { weft: vxlanAt('eight'), epoch: 9 });
  for (const changed of ['all', new Set([other.key])] as const) {
    const { pass, host } = await passes();
    await pass(inputOf([MINE, ...SEVERAL.slice(1, 2)]));
    assert.match(host.text, /route 10\.42\.2\.0\/24 via 192\.168\.0\.2 /);
    await pass({ ...inputOf([MINE, other], changed), choose: standing });
    assert.doesNotMatch(host.text, /via 192\.168\.0\.2 /);
  }
  assert.deepEqual(new Set(seen), new Set([undefined]));
});

test('another epoch of its own lease in the view counts as missing', async () => {
  const { pass, host } = await passes();
  await pass(inputOf(SEVERAL));
  const before = host.text;
  await pass(inputOf([{ ...MINE, epoch: 9 }]));
  assert.equal(host.text, before);
});

test('a peer that answers probes is not removed', async () => {
  const { pass, host } = await passes();
  await pass(inputOf(SEVERAL));
  const { held, peers } = await pass({ ...inputOf([MINE]), answering: new Set([parseSubnet('10.42.3.0/24')]) });
  assert.match(host.text, /route 10\.42\.3\.0\/24 /);
  assert.doesNotMatch(host.text, /route 10\.42\.2\.0\/24 /);
  assert.deepEqual([...peers.keys()], ['10.42.3.0-24']);
  assert.ok(held.every(({ why }) => /still answers/.test(why)));
});

test('what is not ours stays: routes of others, devices of others, and what lies outside the Network', async () => {
  const host = freshHost();
  const route = (destination: string): Route => ({
    kind: 'route',
    destination: parseSubnet(destination),
    link: 'eth0',
    onlink: false,
  });
  host.setForeign(route('10.42.77.0/24'));
  host.set(route('10.99.0.0/24'));
  host.set({ kind: 'unreachable', destination: parseSubnet('10.0.0.0/8') });
  const { pass } = await passes(host);
  await pass(inputOf(SEVERAL));
  await pass(inputOf([MINE]));
  for (const line of [
    /route 10\.42\.77\.0\/24 dev eth0 \(foreign\)/,
    /route 10\.99\.0\.0\/24 dev eth0$/m,
    /unreachable 10\.0\.0\.0\/8$/m,
  ])
    assert.match(host.text, line);
});

test('a device that has to be made anew takes its entries with it, and all of them are made again in the same pass', async () => {
  const { pass, host } = await passes();
  await pass(inputOf(SEVERAL));
  const uplink = uplinkAt('192.168.0.8', { onLink: SELF.uplink.onLink });
  const self = { ...SELF, uplink };
  const report = await pass(inputOf(SEVERAL, 'all', self));
  assert.deepEqual(report.failed, []);
  assert.match(host.text, /link flannel\.1 vxlan id 1 local 192\.168\.0\.8 /);
  assert.deepEqual((await pass(inputOf(SEVERAL, 'all', self))).planned, []);
});

test('after a change of the Network the accept rules of the old one go with its routes', async () => {
  const { pass, host } = await passes();
  host.dropsForwarded = true;
  await pass(inputOf(SEVERAL));
  assert.match(host.text, /^accept forwarded 10\.42\.0\.0\/16$/m);
  const mine = lease('10.99.1.0/24', '192.168.0.1', { weft: vxlanAt('me') });
  const config = { Network: '10.99.0.0/16', Backend: { Type: 'vxlan', DirectRouting: true } };
  const self = selfAt(config, mine, uplinkAt('192.168.0.1'));
  await pass({ ...inputOf([mine], 'all', self), previousNetworks: [SELF.config.v4.network] });
  assert.doesNotMatch(host.text, /10\.42\./);
});

test('a peer that moves to another path and back, looked at alone, leaves no route of the way before', async () => {
  const { pass } = await passes();
  await pass(inputOf(SEVERAL));
  const two = SEVERAL[1]?.key ?? assert.fail();
  for (const path of ['vxlan', 'direct'] as const) {
    const choose: Choose = (_peer, usable) => ({
      path: usable.includes(path) ? path : usable[0],
      why: '',
      trouble: false,
      refused: [],
    });
    const few = await pass({ ...inputOf(SEVERAL, new Set([two])), choose });
    assert.equal(few.scope, 1);
    const steps = few.applied.map((change) => {
      const entry = change.op === 'put' ? change.want : change.was;
      return `${change.op} ${change.op === 'put' && change.was !== undefined ? 'over another ' : ''}${hostEntryKey(entry)}`;
    });
    const [comes, goes] = path === 'vxlan' ? [8700, 8702] : [8702, 8700];
    assert.deepEqual(steps, [
      'put over another route 10.42.2.0/24',
      `put route ${comes} 10.42.2.0/24`,
      `remove route ${goes} 10.42.2.0/24`,
    ]);
    assert.deepEqual((await pass({ ...inputOf(SEVERAL), choose })).planned, []);
  }
});
