import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { ip } from '../../src/lab/namespaces.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { becomes } from './becomes.ts';
import { closeLabs, CONFIG, never, reached, startLab } from './cluster.ts';
import { onEachStore } from './on-each-store.ts';

/** Of the same Network, in the same tables, on the same devices; by another hand. */
const FOREIGN = [
  'route add 10.42.251.0/24 via 172.30.1.1 dev eth0 proto static',
  'route add 10.42.252.0/24 via 172.30.1.1 dev eth0 proto 42',
  'route add 10.60.0.0/16 via 172.30.1.1 dev eth0 proto 87',
  'route add 10.42.253.0/24 via 172.30.1.1 dev eth0 table 87',
  'rule add to 10.42.0.0/16 lookup 87 priority 8650',
  'rule add from 10.60.0.0/16 lookup 87 priority 9100',
  'link add vxlan7 type vxlan id 7 dev eth0 dstport 4789',
  'link set vxlan7 up',
  'neighbour add 172.30.1.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent',
] as const;

onEachStore(import.meta.url, (store) => {
  describe('a host that leaves', () => {
    let lab: Lab;
    let a1: LabHost;
    /** The host's kernel before weftd was there, and what else is on it. */
    let bare: readonly string[];
    let subnet: string;

    before(async () => {
      lab = await startLab({ store });
      await lab.writeConfig(CONFIG);
      a1 = lab.host('a1');
      await ip(FOREIGN, 'a1');
      bare = await everything(a1);
      const hosts = ['a1', 'a2', 'b1'].map((name) => lab.host(name));
      await startHosts(hosts, hosts, never);
      subnet = a1.container.subnet;
    });
    after(closeLabs);

    it('has nothing of ours any more after drain, and all that is another’s', async () => {
      await a1.removeContainers();
      const drained = await a1.tryWeftd(['drain']);
      assert.equal(drained.code, 0, drained.stderr);
      assert.equal(await a1.daemon?.ended, 'exit code 0');
      assert.deepEqual(difference(bare, await everything(a1)), []);
      assert.doesNotMatch(await a1.weftd(['lease', 'list']), new RegExp(subnet));
      const others = ['a2', 'b1'].map((name) => lab.host(name));
      await becomes('the others forget it', [1, 1], () =>
        Promise.all(others.map(async (host) => (await host.status())?.peers.length)),
      );
      assert.deepEqual(await reached(lab, others), ['a2>b1 vxlan', 'b1>a2 vxlan']);
    });

    it('has the same subnet when it comes back soon', async () => {
      a1.startDaemon();
      assert.equal(await a1.await('has a lease', (status) => status.subnet ?? undefined, never), subnet);
      // What comes next compares kernels: its pairs have to be where they stay.
      await a1.await(
        'is ready, and on its paths',
        ({ ready, peers }) =>
          ready && peers.length === 2 && peers.every(({ path, settled }) => path !== 'none' && settled)
            ? true
            : undefined,
        never,
      );
      assert.notDeepEqual(difference(bare, await everything(a1)), []);
    });

    it('is not cleaned up while its daemon runs', async () => {
      const state = await everything(a1);
      const refused = await a1.tryWeftd(['cleanup', '--subnet-file', a1.subnetFile]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /INSTANCE_RUNNING/);
      assert.deepEqual(await everything(a1), state);
    });

    it('has nothing of ours any more after kill -9 and cleanup, and all that is another’s', async () => {
      await a1.killDaemon();
      const cleaned = await a1.tryWeftd(['cleanup', '--all', '--subnet-file', a1.subnetFile]);
      assert.equal(cleaned.code, 0, cleaned.stderr);
      assert.match(cleaned.stdout, /^- link weft\.1 /m);
      assert.deepEqual(difference(bare, await everything(a1)), []);
      assert.equal(existsSync(a1.subnetFile), false);
      // What all daemons of a host share stays, and says nothing of this one.
      assert.deepEqual(readdirSync(a1.stateFolder).toSorted(), ['claims.json', 'claims.lock']);
      assert.equal(readFileSync(path.join(a1.stateFolder, 'claims.json'), 'utf8'), '{}\n');
      assert.match((await a1.tryWeftd(['cleanup'])).stdout, /^Nothing to remove/);
    });
  });
});

/** Also what `kernelState` leaves out: every route and device, and the firewall. */
async function everything(host: LabHost): Promise<readonly string[]> {
  const [routes, links, rules] = await Promise.all([
    host.run(['ip', '-4', 'route', 'show', 'table', 'all']),
    host.run(['ip', '-br', 'link', 'show']),
    host.run(['iptables', '-S']),
  ]);
  const others = [routes, links, rules].flatMap((text) => text.trim().split('\n')).map((line) => line.trim());
  return [...(await kernelState(host)), ...others].toSorted();
}
