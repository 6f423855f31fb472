import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PathName } from '../../src/core/path.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { closeLabs, CONFIG, never, startLab } from './cluster.ts';
import { Stream } from './streams.ts';

const HOLD_S = 3;

enclosed(import.meta.url, () => {
  describe('two hosts on one layer 2', () => {
    let lab: Lab;
    let a1: LabHost;
    let a2: LabHost;
    const streams: Stream[] = [];
    /** The direction that is never touched. */
    let back: readonly string[];

    before(async () => {
      lab = await startLab();
      await lab.writeConfig({
        ...CONFIG,
        Weft: { Paths: ['direct', 'vxlan'], Probe: { Interval: '500ms', Hold: `${HOLD_S}s` } },
      });
      [a1, a2] = [lab.host('a1'), lab.host('a2')];
      await startHosts([a1, a2], [a1, a2], never);
      await a2.run(['nft', 'table ip cuts { chain before { type filter hook prerouting priority -300; }; }']);
      streams.push(await Stream.open(a1.container.name, a2, 7001), await Stream.open(a1.name, a2, 7002));
    });
    after(async () => {
      for (const each of streams) each.kill();
      await closeLabs();
    });

    const on = (host: LabHost, path: PathName): Promise<true> =>
      host.await(
        `its peer by ${path}`,
        ({ peers }) => (peers.every((peer) => peer.path === path) ? true : undefined),
        never,
      );
    const turns = async (host: LabHost, peer: LabHost): Promise<readonly string[]> => {
      const told = JSON.parse(await host.weftd(['explain', '--json', peer.plan.node])) as {
        readonly turns: readonly { readonly to: string; readonly why: string }[];
      };
      return told.turns.map(({ to }) => to);
    };
    const cut = (): Promise<string> =>
      a2.run(['nft', `add rule ip cuts before iifname eth0 ip saddr ${a1.container.subnet} drop`]);
    const mend = (): Promise<string> => a2.run(['nft', 'flush chain ip cuts before']);

    it('are on the direct path', async () => {
      await on(a1, 'direct');
      await on(a2, 'direct');
      back = await turns(a2, a1);
    });

    it('fall to the tunnel in the direction that is cut, and in no other', async () => {
      await cut();
      await on(a1, 'vxlan');
      assert.deepEqual(await turns(a2, a1), back);
    });

    it('stay where they are when a daemon is killed and started anew', async () => {
      await a1.killDaemon();
      a1.startDaemon();
      await a1.await('its peer again', ({ peers }) => (peers.some(({ settled }) => settled) ? true : undefined), never);
      assert.deepEqual(await turns(a1, a2), ['vxlan']);
      assert.deepEqual(await turns(a2, a1), back);
    });

    it('come back when the path is mended and has held, without a word from anybody', async () => {
      await mend();
      await on(a1, 'direct');
      assert.deepEqual(await turns(a1, a2), ['vxlan', 'direct']);
      assert.deepEqual(await turns(a2, a1), back);
    });

    it('have carried one TCP stream from container to container through all of it, and one from a host', async () => {
      for (const each of streams) await each.whole();
    });
  });
});
