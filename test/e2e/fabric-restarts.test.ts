import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AwsInLab } from '../../src/lab/aws/aws-site.ts';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { SteadyFlows } from '../../src/lab/steady-flows.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, never } from './cluster.ts';
import { mutatingCalls, startCloud, startInCloud } from './cloud-cluster.ts';
import { monitor, type Monitor } from './netlink-monitor.ts';
import { settledOn, turnsOf } from './turns.ts';

const RESTARTS = 10;
const BY_TABLE = {
  'a1>a2': 'direct',
  'a1>b1': 'fabric',
  'a2>a1': 'direct',
  'a2>b1': 'fabric',
  'b1>a1': 'fabric',
  'b1>a2': 'fabric',
};
const FALLEN_BACK = { ...BY_TABLE, 'a1>b1': 'vxlan', 'a2>b1': 'vxlan', 'b1>a1': 'vxlan', 'b1>a2': 'vxlan' };

enclosed(import.meta.url, () => {
  describe(`${RESTARTS} of ${RESTARTS} restarts by kill -9 during traffic`, () => {
    let lab: Lab;
    let aws: AwsInLab;
    let hosts: readonly LabHost[];
    let monitors: readonly Monitor[];

    before(async () => {
      ({ lab, aws } = await startCloud());
      hosts = await startInCloud(lab, ['a1', 'a2', 'b1']);
      await settledOn(BY_TABLE, hosts);
      monitors = await Promise.all(hosts.map((host) => monitor(lab, host)));
    });
    after(closeLabs);

    /** What must be as before, besides what peers and kernels were told. */
    const world = async (): Promise<readonly string[]> => [
      `${mutatingCalls(aws)} calls that change something`,
      ...(
        await Promise.all(hosts.map(async (host) => (await kernelState(host)).map((it) => `${host.name} ${it}`)))
      ).flat(),
    ];

    const restart = async (host: LabHost): Promise<void> => {
      await host.killDaemon();
      host.startDaemon();
      await host.await('is ready', ({ ready }) => (ready ? true : undefined), never);
    };

    /** Each host in turn, so that each is also a peer of those who restart. */
    const restartAll = async (paths: Readonly<Record<string, string>>): Promise<void> => {
      await settledOn(paths, hosts);
      const before = await world();
      for (const each of monitors) each.mark();
      const flows = new SteadyFlows(
        lab,
        Object.keys(paths).map((direction) => direction.split('>') as [string, string]),
      );
      for (let count = 0; count < RESTARTS; count++) {
        const host = hosts[count % hosts.length];
        if (host !== undefined) await restart(host);
      }
      await settledOn(paths, hosts);
      const { losers, sentPings } = await flows.stop();
      assert.deepEqual(losers, [], `of ${sentPings} pings`);
      // The kernel's link watch may be a moment behind a tunnel that is held again; what changed meanwhile the monitors know.
      await becomes('the world is as it was', [], async () => difference(before, await world()));
      for (const each of monitors) assert.deepEqual(await each.changes(), []);
      // Whoever has been restarted knows one turn: to what it found.
      const found = Object.fromEntries(Object.entries(paths).map(([direction, path]) => [direction, [path]]));
      assert.deepEqual(await turnsOf(hosts), found);
    };

    it('lose no ping, change no path and no kernel, and write nothing to the cloud, where route tables carry the pairs', async () => {
      await restartAll(BY_TABLE);
    });

    it('nor where the pairs have fallen back to the tunnel', async () => {
      for (const { name } of hosts) await aws.do('kill-routes', { instance: name });
      await restartAll(FALLEN_BACK);
    });
  });
});
