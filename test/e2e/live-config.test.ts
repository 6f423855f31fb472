import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { anotherHand } from './another-hand.ts';
import { becomes, restored, statusOf } from './becomes.ts';
import { A1_A2_B1, closeLabs, CONFIG, reached, startCluster } from './cluster.ts';
import { onEachStore } from './on-each-store.ts';

onEachStore(import.meta.url, (store) => {
  describe('a network config that changes while daemons run', () => {
    let lab: Lab;
    let a1: LabHost;
    let state: readonly string[];

    before(async () => {
      lab = await startCluster(['a1', 'a2', 'b1'], { store });
      a1 = lab.host('a1');
      state = await kernelState(a1);
    });
    after(closeLabs);

    it('moves all pairs to another path and back, and no ping is lost', async () => {
      const flows = new SteadyFlows(lab, [
        ['a1', 'a2'],
        ['a2', 'a1'],
        ['a1', 'b1'],
        ['b1', 'a1'],
      ]);
      await set({ ...CONFIG, Weft: { Paths: ['vxlan'] } });
      await becomes(
        'all pairs use vxlan',
        A1_A2_B1.map((pair) => pair.replace('direct', 'vxlan')),
        () => reached(lab),
      );
      await set(CONFIG);
      await becomes('pairs of one segment are direct', A1_A2_B1, () => reached(lab));
      const { lostPings, losers } = await flows.stop();
      assert.equal(lostPings, 0, losers.join());
      await restored(a1, state);
    });

    it('is refused by config set when the cluster cannot take it over, and by daemons when it is written all the same', async () => {
      const other = { Network: '10.99.0.0/16', Weft: CONFIG['Weft'] };
      const refused = await a1.tryWeftd(['config', 'set', '-f', '-'], JSON.stringify(other));
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /CONFIG_NOT_LIVE: nothing was written.*Network/);
      await set(other);
      const findings = (): Promise<readonly string[]> => codesOf(a1, /"Network"/);
      await becomes('the daemon says so', ['CONFIG_NOT_LIVE'], findings);
      assert.deepEqual(await reached(lab), A1_A2_B1);
      assert.deepEqual(await kernelState(a1), state);
      await set(CONFIG);
      await becomes('nothing is amiss', [], findings);
    });

    it('is left aside when another hand has spoiled it, and taken again when it is put right', async () => {
      const text = '{"Network": "10.42.0.0/16", "Weft": {"Paths": ["vxlna"]}}';
      await anotherHand(a1, { deed: 'write config', text });
      await a1.killDaemon();
      a1.startDaemon();
      await becomes('the daemon waits', ['CONFIG_INVALID'], () => codesOf(a1, /vxlna/));
      // The other daemons follow DynamoDB's feed, which tells of no such change; or see it in etcd, and keep the last.
      assert.deepEqual(await kernelState(a1), state);
      await set(CONFIG);
      await becomes('nothing is amiss', [], () => codesOf(a1, /./));
      await becomes('all is as it was', A1_A2_B1, () => reached(lab));
    });

    it('is reported when it is deleted, and the last one stays in force', async () => {
      await anotherHand(a1, { deed: 'delete config' });
      await becomes('the daemon says so', ['CONFIG_MISSING'], () => codesOf(a1, /./));
      assert.deepEqual(await reached(lab), A1_A2_B1);
      assert.deepEqual(await kernelState(a1), state);
      await set(CONFIG);
      await becomes('nothing is amiss', [], () => codesOf(a1, /./));
    });

    it('loses nothing for a lease that another hand has spoiled: it is skipped and reported', async () => {
      await anotherHand(a1, { deed: 'write lease', key: '10.42.250.0-24', value: '{"PublicIP":17}' });
      await a1.killDaemon();
      a1.startDaemon();
      await becomes('it is reported', ['10.42.250.0-24'], async () =>
        (await statusOf(a1)).skipped.map(({ key }) => key),
      );
      await becomes('all is as it was', A1_A2_B1, () => reached(lab));
      assert.deepEqual(await kernelState(a1), state);
      assert.match(await a1.weftd(['lease', 'list']), /10\.42\.250\.0-24: PublicIP/);
    });

    const set = (config: object): Promise<string> =>
      a1.weftd(['config', 'set', '--yes', '-f', '-'], JSON.stringify(config));
  });
});

const codesOf = async (host: LabHost, about: RegExp): Promise<readonly string[]> =>
  (await statusOf(host)).findings.flatMap(({ code, message }) => (about.test(message) ? [code] : []));
