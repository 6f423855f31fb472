import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, CONFIG, never, reached, startCluster } from './cluster.ts';

enclosed(
  import.meta.url,
  () => {
    describe('an etcd that has lost all its data', () => {
      let lab: Lab;

      before(async () => {
        lab = await startCluster(['a1', 'a2', 'b1'], { store: 'etcd' });
      });
      after(closeLabs);

      it('gets it again from the hosts: each claims the subnet that it has, and no ping is lost', async () => {
        const hosts = lab.running;
        const kernels = (): Promise<string[][]> =>
          Promise.all(hosts.map(async (host) => [...(await kernelState(host))]));
        const state = await kernels();
        const subnets = hosts.map(({ container }) => container.subnet).toSorted();
        const flows = new SteadyFlows(lab, [
          ['a1', 'a2'],
          ['a2', 'a1'],
          ['a1', 'b1'],
          ['b1', 'a1'],
        ]);
        await lab.store.kill();
        rmSync(path.join(lab.folder, 'etcd'), { recursive: true });
        await lab.store.startAgain(never);
        await becomes(
          'all leases stand again',
          subnets,
          async () => {
            const text = await lab.host('a1').weftd(['lease', 'list', '--json']);
            const { leases } = JSON.parse(text) as { readonly leases: readonly { readonly subnet: string }[] };
            return leases.map(({ subnet }) => subnet).toSorted();
          },
          60_000,
        );
        for (const host of hosts)
          await host.await(
            'says that the config is gone',
            ({ findings }) => findings.find(({ code }) => code === 'CONFIG_MISSING'),
            never,
          );
        await lab.writeConfig(CONFIG);
        const b2 = lab.host('b2');
        for (const host of hosts)
          await host.await(
            'all is well',
            ({ ready, findings }) => (ready && findings.length === 0 ? true : undefined),
            never,
          );
        const { lostPings, losers } = await flows.stop();
        assert.equal(lostPings, 0, losers.join());
        const now = await kernels();
        hosts.forEach((host, i) => assert.deepEqual(difference(state[i] ?? [], now[i] ?? []), [], host.name));
        await startHosts([b2], [...hosts, b2], never);
        assert.equal(
          (await reached(lab)).some((pair) => pair.includes('LOST')),
          false,
        );
      });
    });
  },
  'etcd',
);
