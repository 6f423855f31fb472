/** A cluster whose hosts reach each other by the commands of its config, as flannel's page on the backend `extension` does: other backends, cloned. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, DRAWN, never, reached, startLab } from './cluster.ts';

export interface Clone {
  readonly of: string;
  readonly backend: JsonObject;
  readonly store: 'etcd' | 'dynamodb';
  /** Two hosts. */
  readonly hosts: readonly [string, string];
  /** Does ShutdownCommand take the ways to peers with it? */
  readonly shutsDown: boolean;
}

const PINGS = 50;

export function carriesByCommands(url: string, { of, store, backend, hosts: [one, two], shutsDown }: Clone): void {
  enclosed(url, () => {
    describe(`extension's clone of ${of}`, () => {
      let lab: Lab;
      let first: LabHost;
      let second: LabHost;
      let far: string;

      before(async () => {
        // flannel's own store needs no word of permission.
        lab = await startLab(store === 'etcd' ? { store } : { flags: ['--allow-extension'] });
        await lab.writeConfig({ ...DRAWN, Backend: { Type: 'extension', ...backend } });
        [first, second] = [lab.host(one), lab.host(two)];
        await startHosts([first, second], [first, second], never);
        far = second.container.subnet;
      });
      after(closeLabs);

      const pings = async (): Promise<void> => {
        const pairs = await reached(lab, [first, second]);
        assert.deepEqual(
          pairs.filter((pair) => pair.endsWith(' LOST')),
          [],
        );
      };
      const routes = async (): Promise<string> => (await first.run(['ip', 'route', 'show', far])).trim();
      /** With its index, which tells one device from the next of that name. */
      const device = async (): Promise<string | undefined> =>
        (await first.run(['ip', '-o', 'link', 'show'])).split('\n').find((line) => line.includes(' flannel-vxlan: '));
      const seesPeer = (): Promise<true> =>
        first.await(
          'sees its peer',
          ({ ready, peers, pass }) =>
            ready && peers.some(({ path }) => path === 'extension') && pass?.failed.length === 0 ? true : undefined,
          never,
        );

      it('carries pings both ways, and says by what', async () => {
        await pings();
        assert.match(await first.weftd(['status']), new RegExp(` ${second.container.subnet} .* extension `));
        assert.match(await first.weftd(['explain', second.plan.node]), /extension/);
        assert.match(
          await first.weftd(['plan', '--subnet-file', first.subnetFile]),
          /^Nothing to change: this host is as it should be\.$/m,
        );
      });

      it('loses nothing when the daemon is killed and started again: what stands is not made again', async () => {
        const before = [await routes(), await device()];
        const flows = new SteadyFlows(lab, [
          [one, two],
          [two, one],
        ]);
        await flows.more(PINGS, never);
        await first.killDaemon();
        first.startDaemon();
        await seesPeer();
        await flows.more(PINGS, never);
        const { lostPings, losers } = await flows.stop();
        assert.equal(lostPings, 0, losers.join());
        assert.deepEqual([await routes(), await device()], before);
      });

      it(
        shutsDown ? 'is shut down with the daemon, and comes back with it' : 'stands while the daemon is stopped',
        async () => {
          first.daemon?.kill('SIGTERM');
          await first.daemon?.ended;
          assert.equal((await routes()) === '', shutsDown);
          first.startDaemon();
          await seesPeer();
          await becomes('all pairs', [], async () =>
            (await reached(lab, [first, second])).filter((pair) => pair.endsWith(' LOST')),
          );
        },
      );

      it('removes the way to a peer that leaves', async () => {
        await second.removeContainers();
        await second.weftd(['drain']);
        await second.daemon?.ended;
        await becomes('no route', '', routes);
      });

      it('is cleaned up with the rest of a host', async () => {
        first.daemon?.kill('SIGKILL');
        await first.daemon?.ended;
        await first.weftd(['cleanup', '--all', '--subnet-file', first.subnetFile]);
        assert.equal(await device(), undefined);
      });
    });
  });
}
