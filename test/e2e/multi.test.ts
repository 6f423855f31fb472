/** FU-8: flannel's `multi`: two daemons on each host, with two networks of one etcd and two files. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import type { PeerStatus } from '../../src/core/status.ts';
import { parseSubnetFile } from '../../src/core/subnet-file.ts';
import { firstHostOf } from '../../src/core/subnet.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { ip } from '../../src/lab/namespaces.ts';
import { enclosed } from '../lab/enclosed.ts';
import { closeLabs, never, startLab } from './cluster.ts';
import { runAs } from './run-as.ts';

const NETWORKS: Readonly<Record<'vxlan' | 'hostgw', JsonObject>> = {
  vxlan: { Network: '10.11.0.0/16', Backend: { Type: 'vxlan' } },
  hostgw: { Network: '10.12.0.0/16', Backend: { Type: 'host-gw' } },
};
type Name = keyof typeof NETWORKS;
/** host-gw reaches its neighbours on the same layer 2 alone. */
const HOSTS: Readonly<Record<Name, readonly string[]>> = { vxlan: ['a1', 'a2', 'b1'], hostgw: ['a1', 'a2'] };
const NAMES: readonly Name[] = ['vxlan', 'hostgw'];

const settled = ({ path: by, settled: stays }: PeerStatus): boolean => by !== 'none' && stays;

enclosed(import.meta.url, () => {
  describe('FU-8: two daemons on each host, one by vxlan and one by host-gw', () => {
    let lab: Lab;
    /** By network and host. */
    const daemons = new Map<string, LabHost>();
    const addresses = new Map<string, string>();

    before(async () => {
      lab = await startLab({ store: 'etcd' });
      for (const name of NAMES) {
        for (const host of HOSTS[name]) daemons.set(`${name} ${host}`, daemonOf(name, host));
        const [any] = daemons.values();
        const store = uriOf(name);
        await any?.weftd(['config', 'set', '--store', store, '-f', '-'], JSON.stringify(NETWORKS[name]));
      }
      for (const name of NAMES) for (const host of HOSTS[name]) run(name, host);
      for (const name of NAMES) {
        for (const host of HOSTS[name]) {
          await daemons
            .get(`${name} ${host}`)
            ?.await(
              'reaches its peers',
              ({ ready, peers }) =>
                ready && peers.length === HOSTS[name].length - 1 && peers.every(settled) ? true : undefined,
              never,
            );
          addresses.set(`${name} ${host}`, await giveAddress(name, host));
        }
      }
    });
    after(closeLabs);

    const uriOf = (name: Name): string => lab.store.uri.replace('/coreos.com/network', `/${name}/network`);
    const fileOf = (name: Name, host: string): string => path.join(lab.host(host).folder, `${name}.env`);

    const daemonOf = (name: Name, host: string): LabHost =>
      lab.addDaemon(lab.host(host).plan, {
        folder: name,
        store: uriOf(name),
      });

    /** By flannel's own words. */
    function run(name: Name, host: string): void {
      const daemon = daemons.get(`${name} ${host}`);
      assert.ok(daemon);
      const [, endpoint = ''] = /^etcd:\/\/([^/]+)/.exec(lab.store.uri) ?? [];
      const words = [
        ['-etcd-endpoints', `http://${endpoint}`],
        ['-etcd-prefix', `/${name}/network`],
        ['-subnet-file', fileOf(name, host)],
        ['-health-listen', 'off'],
      ];
      runAs(lab, daemon, words.flat());
    }

    /** As the suite of flannel does: a device that does nothing gets the address of the file. */
    async function giveAddress(name: Name, host: string): Promise<string> {
      const { subnet } = parseSubnetFile(readFileSync(fileOf(name, host), 'utf8'));
      assert.ok(subnet !== undefined);
      const address = firstHostOf(subnet);
      await ip(
        [`link add br-${name} type bridge`, `address add ${address}/24 dev br-${name}`, `link set br-${name} up`],
        host,
      );
      return address;
    }

    const ping = async (from: string, by: string, to: string): Promise<boolean> =>
      (await lab.host(from).tryProgram(['ping', '-I', by, '-c', '3', '-i', '0.2', '-W', '1', to])).code === 0;

    const address = (which: string): string => addresses.get(which) ?? 'nowhere';

    it('each writes the file that it was given, with its own network', () => {
      for (const host of ['a1', 'a2']) {
        assert.match(
          readFileSync(fileOf('vxlan', host), 'utf8'),
          /^FLANNEL_NETWORK=10\.11\.0\.0\/16\nFLANNEL_SUBNET=10\.11\.\d+\.1\/24\nFLANNEL_MTU=1450\n/,
        );
        assert.match(
          readFileSync(fileOf('hostgw', host), 'utf8'),
          /^FLANNEL_NETWORK=10\.12\.0\.0\/16\nFLANNEL_SUBNET=10\.12\.\d+\.1\/24\nFLANNEL_MTU=1500\n/,
        );
        assert.equal(existsSync(lab.host(host).subnetFile), false);
      }
    });

    it('pings go over both networks, both ways', async () => {
      for (const name of NAMES)
        for (const from of HOSTS[name])
          for (const to of HOSTS[name])
            assert.ok(await ping(from, address(`${name} ${from}`), address(`${name} ${to}`)), `${name} ${from} ${to}`);
    });

    // With a device asked for and no route over it the kernel takes the destination for on-link (docs/decisions/0017), where a2 would answer for itself.
    it('and by the device of the other network they do not', async () => {
      assert.equal(await ping('a1', 'flannel.1', address('hostgw a2')), false);
      assert.equal(await ping('a1', 'eth0', address('vxlan b1')), false);
    });

    it('one of them may end and come back while the other carries on', async () => {
      const daemon = daemons.get('vxlan a1');
      assert.ok(daemon);
      await daemon.killDaemon();
      assert.ok(await ping('a1', address('hostgw a1'), address('hostgw a2')));
      assert.ok(await ping('a2', address('vxlan a2'), address('vxlan a1')), 'the kernel goes on without a daemon');
      run('vxlan', 'a1');
      await daemon.await('is ready again', ({ ready }) => (ready ? true : undefined), never);
      assert.ok(await ping('a1', address('vxlan a1'), address('vxlan a2')));
    });
  });
});
