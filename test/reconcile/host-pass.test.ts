import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import { describeHostEntry, hostEntryKey, hostEntryOrder, type Route } from '../../src/core/host-entry.ts';
import type { Lease, LeaseKey, LeaseView } from '../../src/core/lease.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { Self } from '../../src/datapath/datapath.ts';
import type { Choose } from '../../src/datapath/plan.ts';
import { HostPasses, type PassInput } from '../../src/reconcile/host-pass.ts';
import type { PassReport } from '../../src/reconcile/pass-report.ts';
import { FakeHost } from '../fakes/fake-host.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { lease, selfAt, uplinkAt, vxlanAt } from '../datapath/cluster.ts';
import { chooseFirst } from '../datapath/choose-first.ts';

const MINE = lease('10.42.1.0/24', '192.168.0.1', { weft: vxlanAt('me'), epoch: 1 });
const SELF: Self = selfAt(
  { Network: '10.42.0.0/16', Backend: { Type: 'vxlan', DirectRouting: true } },
  MINE,
  uplinkAt('192.168.0.1'),
);
const SIGNAL = new AbortController().signal;

const freshHost = (): FakeHost =>
  new FakeHost({
    name: 'eth0',
    addresses: [{ address: parseAddress('192.168.0.1'), prefixLength: 24 }],
    mtuBytes: 1500,
  });

const viewOf = (leases: Iterable<Lease>): LeaseView => ({
  revision: '1',
  config: undefined,
  leases: new Map([...leases].map((one) => [one.key, one])),
  expired: new Set(),
  skipped: [],
  findings: [],
});

function inputOf(leases: Iterable<Lease>, changed: PassInput['changed'] = 'all', self = SELF): PassInput {
  return {
    self,
    view: viewOf(leases),
    changed,
    files: [],
    previousNetworks: [],
    answering: new Set(),
    choose: chooseFirst,
    dryRun: false,
  };
}

const SEVERAL = [
  MINE,
  lease('10.42.2.0/24', '192.168.0.2', { weft: vxlanAt('two'), epoch: 2 }),
  lease('10.42.3.0/24', '192.168.7.3', { weft: vxlanAt('three'), epoch: 3 }),
];

async function passes(
  host = freshHost(),
  clock = new ManualClock(),
): Promise<{ host: FakeHost; pass: (input: PassInput) => Promise<PassReport> }> {
  const made = new HostPasses({ host, clock });
  return { host, pass: (input) => made.pass(input, SIGNAL) };
}

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

/** Leases that other nodes might write, clashing often: few subnets, few MACs, lengths that do not fit. */
const someLease: fc.Arbitrary<Lease> = fc
  .record({
    third: fc.integer({ min: 1, max: 9 }),
    length: fc.constantFrom(24, 24, 24, 24, 25, 23, 16),
    segment: fc.constantFrom(0, 7),
    host: fc.integer({ min: 1, max: 5 }),
    mac: fc.integer({ min: 0, max: 5 }),
    epoch: fc.integer({ min: 2, max: 6 }),
    kind: fc.constantFrom('weft', 'weft', 'weft', 'flanneld', 'bare', 'host-gw'),
  })
  .map(({ third, length, segment, host, mac, epoch, kind }) => {
    const name = mac === 0 ? 'me' : `mac ${mac}`;
    const more = {
      weft: { weft: vxlanAt(name) },
      flanneld: { backend: ['vxlan', { VNI: 1, VtepMAC: macFrom(name) }] as const },
      bare: {},
      'host-gw': { backend: ['host-gw'] as const },
    }[kind];
    return lease(`10.42.${third}.0/${length}`, `192.168.${segment}.${host}`, { ...more, epoch });
  })
  .filter(({ key }) => key !== MINE.key);

const someLeases = fc.uniqueArray(someLease, { maxLength: 12, selector: ({ key }) => key });

test('after a pass over any leases another pass finds nothing to do, whatever stood before', async () => {
  await fc.assert(
    fc.asyncProperty(someLeases, someLeases, fc.infiniteStream(fc.nat(3)), async (before, leases, dice) => {
      const { pass, host } = await passes();
      await pass(inputOf([MINE, ...before]));
      for (const key of host.kernel.standing.keys()) if (dice.next().value === 0) host.remove(key);
      const report = await pass(inputOf([MINE, ...leases]));
      assert.deepEqual(
        report.failed.map(({ change }) => (change.op === 'put' ? describeHostEntry(change.want) : '')),
        [],
      );
      const again = await pass(inputOf([MINE, ...leases]));
      assert.deepEqual(again.planned, []);
    }),
    { numRuns: 150 },
  );
});

test('passes over the leases that changed end in the same world as passes over all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someLeases, { minLength: 1, maxLength: 6 }), async (steps) => {
      const few = await passes();
      const all = await passes();
      let before: ReadonlyMap<LeaseKey, Lease> = new Map();
      for (const step of steps) {
        const leases = [MINE, ...step];
        const now = viewOf(leases).leases;
        const changed = new Set(
          [...before.keys(), ...now.keys()].filter((key) => before.get(key) !== now.get(key) && key !== MINE.key),
        );
        const report = await few.pass(inputOf(leases, changed));
        await all.pass(inputOf(leases));
        assert.equal(few.host.text, all.host.text, `scope ${report.scope}`);
        before = now;
      }
    }),
    { numRuns: 150 },
  );
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
