import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { anotherHand } from './another-hand.ts';
import { closeLabs, never, reached, startCluster } from './cluster.ts';
import { onEachStore } from './on-each-store.ts';
import { whilePaused } from './paused.ts';

const OTHERS = ['a2>b1 vxlan', 'a2>b2 vxlan', 'b1>a2 vxlan', 'b1>b2 direct', 'b2>a2 vxlan', 'b2>b1 direct'];

onEachStore(import.meta.url, (store) => {
  describe('a daemon that was paused while its lease went to another node', () => {
    let lab: Lab;
    let a1: LabHost;
    let others: readonly LabHost[];
    let subnet: string;

    before(async () => {
      lab = await startCluster(['a1', 'a2', 'b1'], { store });
      a1 = lab.host('a1');
      subnet = a1.container.subnet;
      others = ['a2', 'b1', 'b2'].map((name) => lab.host(name));
    });
    after(closeLabs);

    it('removes its ways to peers and its tunnels, and ends with exit code 4', async () => {
      const b2 = lab.host('b2');
      await whilePaused(a1, async () => {
        await b2.weftd(['lease', 'release', '--yes', subnet]);
        await anotherHand(b2, { deed: 'give lease', subnet, node: b2.plan.node, publicIP: b2.plan.address });
        await startHosts([b2], others, never);
        assert.equal(b2.container.subnet, subnet);
      });
      assert.equal(await a1.daemon?.ended, 'exit code 4');
      assert.match(readFileSync(a1.logFile, 'utf8'), new RegExp(`FENCED: ${subnet} belongs to`));
      const left = (await kernelState(a1)).filter((line) => /^(link|route \d|neighbour|fdb)/.test(line));
      assert.deepEqual(left, []);
    });

    it('leaves the leak guard, so that no packet of its containers goes out in the clear', async () => {
      const left = (await kernelState(a1)).filter((line) => line.startsWith('route '));
      assert.deepEqual(left, ['route unreachable 10.42.0.0/16']);
      const ping = lab.host('a2').container.address;
      assert.equal((await lab.pinger.ping(a1.container.name, ping, 3)).answered, 0);
    });

    it('does not disturb the new owner', async () => {
      assert.deepEqual(await reached(lab, others), OTHERS);
    });

    it('started again, waits while something of the old subnet lives on its host, and says what; then takes another', async () => {
      a1.startDaemon();
      const found = await a1.await(
        'says what is in its way',
        ({ findings }) => findings.find(({ code }) => code === 'SUBNET_IN_USE'),
        never,
      );
      assert.match(found.message, /cni0/);
      assert.deepEqual(await reached(lab, others), OTHERS);
      await a1.removeContainers();
      const own = await a1.await(
        'has a lease',
        ({ ready, subnet: now }) => (ready && now !== null ? now : undefined),
        never,
      );
      assert.notEqual(own, subnet);
      assert.deepEqual(await reached(lab, others), OTHERS);
    });
  });
});
