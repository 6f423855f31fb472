import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { describeHostEntry } from '../../src/core/host-entry.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { FirewallWish, Self } from '../../src/datapath/datapath.ts';
import { FIREWALL, HostPasses, type PassInput } from '../../src/reconcile/host-pass.ts';
import type { PassReport } from '../../src/reconcile/pass-report.ts';
import { chooseFirst } from '../datapath/choose-first.ts';
import { lease, selfAt, uplinkAt, vxlanAt } from '../datapath/cluster.ts';
import { FakeHost } from '../fakes/fake-host.ts';
import { ManualClock } from '../fakes/manual-clock.ts';

const MINE = lease('10.42.1.0/24', '192.168.0.1', { weft: vxlanAt('me'), epoch: 1 });
const PEER = lease('10.42.2.0/24', '192.168.7.2', { weft: vxlanAt('two'), epoch: 2 });
const ID = '0123abcd';
const MASQUERADE = 'masquerade 10.42.0.0/16 own 10.42.1.0/24 fully-random';
const ACCEPT = 'accept forwarded 10.42.0.0/16';
const ALONE = new Set([FIREWALL] as const);

function begin(Backend: JsonValue = { Type: 'vxlan' }) {
  const host = new FakeHost({
    name: 'eth0',
    addresses: [{ address: parseAddress('192.168.0.1'), prefixLength: 24 }],
    mtuBytes: 1500,
  });
  host.dropsForwarded = true;
  const passes = new HostPasses({ host, clock: new ManualClock() });
  const pass = (firewall: Partial<FirewallWish>, changed: PassInput['changed'] = 'all'): Promise<PassReport> => {
    const plain = selfAt({ Network: '10.42.0.0/16', Backend }, MINE, uplinkAt('192.168.0.1'));
    const self: Self = { ...plain, firewall: { ...plain.firewall, instance: ID, ...firewall } };
    const leases = new Map([MINE, PEER].map((one) => [one.key, one]));
    const view = { revision: '1', config: undefined, leases, expired: new Set<never>(), skipped: [], findings: [] };
    const rest = { files: [], previousNetworks: [], answering: new Set<never>(), choose: chooseFirst };
    return passes.pass({ self, view, changed, ...rest, dryRun: false }, new AbortController().signal);
  };
  const filter = (): string[] => host.text.split('\n').filter((line) => /^(accept|masquerade)/.test(line));
  return { host, pass, filter };
}

const linesOf = ({ applied }: PassReport): string[] =>
  applied.map((change) => `${change.op} ${describeHostEntry(change.op === 'put' ? change.want : change.was)}`);

test('the packet filter holds what is asked for, and what is not asked for any more goes', async () => {
  const { pass, filter } = begin();
  await pass({ masquerade: 'fully-random' });
  assert.deepEqual(filter(), [ACCEPT, MASQUERADE]);
  await pass({ masquerade: 'plain' });
  assert.deepEqual(filter(), [ACCEPT, 'masquerade 10.42.0.0/16 own 10.42.1.0/24']);
  await pass({ masquerade: 'off', acceptForwarded: false });
  assert.deepEqual(filter(), []);
  assert.deepEqual(linesOf(await pass({ acceptForwarded: false })), []);
});

test('a backend without paths asks the same of the packet filter, in a pass over all and in one over that alone', async () => {
  for (const Backend of [{ Type: 'alloc' }, { Type: 'extension', SubnetAddCommand: 'add' }]) {
    const { pass, filter } = begin(Backend);
    const wish: Partial<FirewallWish> = { masquerade: 'plain', acceptForwarded: false };
    await pass(wish);
    assert.deepEqual(filter(), ['masquerade 10.42.0.0/16 own 10.42.1.0/24'], Backend.Type);
    assert.deepEqual(linesOf(await pass(wish, ALONE)), [], Backend.Type);
    assert.deepEqual(linesOf(await pass(wish)), [], Backend.Type);
  }
});

test('a pass over the packet filter alone puts it right, and looks at nothing else', async () => {
  const { host, pass, filter } = begin();
  await pass({ masquerade: 'fully-random' });
  host.remove(`masquerade ${ID}`, 'accept 10.42.0.0/16', 'route 10.42.2.0/24');
  const report = await pass({ masquerade: 'fully-random' }, ALONE);
  assert.deepEqual(linesOf(report), [`put ${ACCEPT}`, `put ${MASQUERADE}`]);
  assert.deepEqual(filter(), [ACCEPT, MASQUERADE]);
  assert.deepEqual([report.scope, report.moved], [0, []]);
  assert.equal((await pass({ masquerade: 'fully-random' })).applied.length, 1, 'the route is seen by a pass over all');
});

test('a pass over the packet filter and some leases is one', async () => {
  const { host, pass } = begin();
  await pass({ masquerade: 'plain' });
  host.remove(`masquerade ${ID}`, 'route 10.42.2.0/24');
  const report = await pass({ masquerade: 'plain' }, new Set([FIREWALL, PEER.key] as const));
  assert.equal(report.scope, 1);
  assert.equal(report.applied.length, 2);
});

test('rules of ours that another hand has changed are replaced; those of another daemon are not looked at', async () => {
  const { host, pass } = begin();
  const altered = { network: undefined, subnet: undefined, fullyRandom: false } as const;
  host.set({ kind: 'masquerade', instance: ID, ...altered }, { kind: 'masquerade', instance: '89abcdef', ...altered });
  await pass({ masquerade: 'fully-random' }, ALONE);
  assert.match(host.text, new RegExp(`^${MASQUERADE}$`, 'm'));
  assert.match(host.text, /^masquerade of 89abcdef, changed by another hand$/m);
});

test('a pass tells whether it looked at the packet filter, and whether all of it tells of changes', async () => {
  const { host, pass } = begin();
  assert.equal((await pass({})).firewall, 'tells of changes');
  host.firewallIsSilent = true;
  assert.equal((await pass({}, ALONE)).firewall, 'is silent');
  assert.equal((await pass({}, new Set([PEER.key]))).firewall, undefined);
});
