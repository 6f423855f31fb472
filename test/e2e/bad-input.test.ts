/** What others write below the prefix in etcd, by mistake or by malice: it is told, and costs no other peer a packet (FLANNEL.md 10; flanneld drops all peers for one bad key). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes, restored, statusOf } from './becomes.ts';
import { A1_A2_B1, closeLabs, CONFIG, never, reached, startCluster } from './cluster.ts';
import { EtcdHand } from './etcd-hand.ts';

const plain = (publicIP: string, mac: string): string =>
  `{"PublicIP":"${publicIP}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${mac}"}}`;
const GOOD = plain('172.30.2.77', 'ae:00:00:00:00:77');

/** Keys and values of which nothing can be read. */
const GARBAGE: Readonly<Record<string, string>> = {
  'subnets/garbage': 'x',
  'subnets/10.42.99.0-24': 'x',
  'subnets/10.42.98.0-24': '{"PublicIP":null}',
  'subnets/10.42.97.0-24': '{"PublicIP":"2001:db8::1"}',
  'subnets/10.42.96.7-24': GOOD,
  'subnets/a/10.42.95.0-24': GOOD,
  'subnets/10.42.94.0-32': GOOD,
  'subnets/10.42.93.0-24/': GOOD,
  'subnets/10.42.92.0-24': `{"PublicIP":"172.30.2.77","BackendData":${'['.repeat(40)}${']'.repeat(40)}}`,
  'subnets/10.42.91.0-24': '\u0000\uFFFD{',
  'subnets/': GOOD,
};

enclosed(import.meta.url, () => {
  describe('bad input in etcd', () => {
    let lab: Lab;
    let hand: EtcdHand;
    let a1: LabHost;
    let state: readonly string[];
    let flows: SteadyFlows;

    before(async () => {
      lab = await startCluster(['a1', 'a2', 'b1'], { store: 'etcd' });
      hand = new EtcdHand(lab);
      a1 = lab.host('a1');
      state = await kernelState(a1);
      flows = new SteadyFlows(lab, [
        ['a1', 'a2'],
        ['a2', 'a1'],
        ['a1', 'b1'],
        ['b1', 'a1'],
      ]);
    });
    after(closeLabs);

    const skipped = async (): Promise<readonly string[]> =>
      (await statusOf(a1)).skipped.map(({ key }) => key).toSorted();
    const peer = (subnet: string) =>
      a1.await(`sees ${subnet}`, ({ peers }) => peers.find((one) => one.subnet === subnet), never);
    const keyOf = ({ container }: LabHost): string => `subnets/${container.subnet.replace('/', '-')}`;
    const findings = async (): Promise<readonly string[]> => (await statusOf(a1)).findings.map(({ code }) => code);

    async function restart(): Promise<void> {
      await a1.killDaemon();
      a1.startDaemon();
      await a1.await('is ready', ({ ready, peers }) => (ready && peers.length >= 2 ? true : undefined), never);
    }

    it('keys and values that cannot be read: each is told, and no route changes, while watching and at a start', async () => {
      await hand.putAll({ ...GARBAGE, 'subnets-x/10.42.90.0-24': GOOD });
      const all = Object.keys(GARBAGE)
        .map((key) => key.slice('subnets/'.length))
        .toSorted();
      await becomes('all are told', all, skipped);
      assert.deepEqual(difference(state, await kernelState(a1)), []);
      await restart();
      await becomes('all are told again', all, skipped);
      assert.deepEqual(difference(state, await kernelState(a1)), []);
      await hand.delete(...Object.keys(GARBAGE));
      await becomes('they are forgotten', [], skipped);
    });

    it('garbage over the lease of a peer: its owner writes it anew, and meanwhile it is reached', async () => {
      const key = keyOf(lab.host('b1'));
      const { created } = (await hand.get(key)) ?? { created: 0 };
      await hand.put(key, 'garbage');
      await becomes('it is written anew', true, async () =>
        /"node":"node-b1"/.test((await hand.get(key))?.value ?? ''),
      );
      assert.ok(((await hand.get(key))?.created ?? 0) >= created);
      await becomes('nothing is skipped', [], skipped);
      await restored(a1, state);
    });

    it('a lease outside the Network, around it, or over another’s: told, and given no route', async () => {
      const own = a1.container.subnet.replace('.0/24', '.128/25');
      const bad = ['192.168.7.0/24', '10.0.0.0/8', '10.42.0.0/16', '10.43.1.0/24', own];
      const keys = bad.map((subnet) => `subnets/${subnet.replace('/', '-')}`);
      await hand.putAll(Object.fromEntries(keys.map((key) => [key, GOOD])));
      for (const subnet of bad) {
        const { path, refused } = await peer(subnet);
        assert.equal(path, 'none', subnet);
        assert.ok(refused.length > 0, subnet);
      }
      assert.deepEqual(difference(state, await kernelState(a1)), []);
      await hand.delete(...keys);
      await a1.await('forgets them', ({ peers }) => (peers.length === 2 ? true : undefined), never);
    });

    it('two plain leases of one public IP: both are reached there, and of two with one MAC the first', async () => {
      const leases = {
        'subnets/10.42.61.0-24': plain('172.30.2.61', 'ae:00:00:00:00:61'),
        'subnets/10.42.62.0-24': plain('172.30.2.61', 'ae:00:00:00:00:62'),
        'subnets/10.42.63.0-24': plain('172.30.2.61', 'ae:00:00:00:00:61'),
      };
      await hand.putAll(leases);
      const paths: string[] = [];
      for (const third of [61, 62, 63]) paths.push((await peer(`10.42.${third}.0/24`)).path);
      assert.deepEqual(paths, ['vxlan', 'vxlan', 'none']);
      await hand.delete(...Object.keys(leases));
      await restored(a1, state);
    });

    it('a plain lease with the public IP of a weftd host: both stay, also when that host is started again', async () => {
      for (const host of ['a1', 'b1'].map((name) => lab.host(name))) {
        const { value, created } = (await hand.get(keyOf(host))) ?? { value: '', created: 0 };
        await hand.put('subnets/10.42.64.0-24', plain(host.plan.address, 'ae:00:00:00:00:64'));
        await peer('10.42.64.0/24');
        await restart();
        assert.deepEqual(await reached(lab), A1_A2_B1);
        const after = await hand.get(keyOf(host));
        assert.equal(after?.created, created, value);
        assert.ok((await hand.get('subnets/10.42.64.0-24')) !== undefined);
        await hand.delete('subnets/10.42.64.0-24');
        await restored(a1, state);
      }
    });

    for (const [what, text, code] of [
      ['of another Network', JSON.stringify({ Network: '10.99.0.0/16', Weft: CONFIG['Weft'] }), 'CONFIG_NOT_LIVE'],
      ['that is no JSON', '{"Network": ', 'CONFIG_NOT_JSON'],
      ['that is wrong', '{"Network":"10.42.0.0/29"}', 'CONFIG_INVALID'],
      ['that is deleted', undefined, 'CONFIG_MISSING'],
    ] as const) {
      it(`a config ${what}, while running: told, and the last one stays in force`, async () => {
        if (text === undefined) await hand.delete('config');
        else await hand.put('config', text);
        await becomes('it is told', true, async () => (await findings()).includes(code));
        assert.deepEqual(difference(state, await kernelState(a1)), []);
        await hand.put('config', JSON.stringify(CONFIG));
        await becomes('nothing is amiss', [], findings);
      });
    }

    it('has cost no ping', async () => {
      assert.deepEqual(await reached(lab), A1_A2_B1);
      const { lostPings, losers } = await flows.stop();
      assert.equal(lostPings, 0, losers.join());
    });
  });
});
