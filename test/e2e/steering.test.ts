/** What leads packets on a host: routes of the main table alone, on real packets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { PathName } from '../../src/core/path.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { tryIn } from '../../src/lab/namespaces.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, CONFIG, never, startLab } from './cluster.ts';
import { monitor } from './netlink-monitor.ts';

/** In the Network, and nobody's: leases begin with its second subnet. */
const NOBODY = '10.42.0.5';

/** What comes in by each device, before anything drops it; and where traffic of the direct path is cut. */
const COUNTS = `table ip counts {
  chain before {
    type filter hook prerouting priority -301;
    iifname "eth0" udp dport 8286 counter comment "probes direct"
    iifname "weft.1" udp dport 8286 counter comment "probes vxlan"
    iifname "eth0" icmp type echo-request ip daddr 10.42.0.0/16 counter comment "traffic direct"
    iifname "weft.1" icmp type echo-request counter comment "traffic vxlan"
  }
  chain cut { type filter hook prerouting priority -300; }
}`;

enclosed(import.meta.url, () => {
  describe('a host', () => {
    let lab: Lab;
    let a1: LabHost;
    let a2: LabHost;
    let rules: string;

    before(async () => {
      lab = await startLab();
      await lab.writeConfig({
        ...CONFIG,
        Weft: { Paths: ['direct', 'vxlan'], Probe: { Interval: '500ms', Hold: '3s' } },
      });
      [a1, a2] = [lab.host('a1'), lab.host('a2')];
      rules = path.join(a1.folder, 'rule-monitor.txt');
      lab.start({ name: 'rules', namespace: 'a1', command: ['ip', 'monitor', 'rule'], logFile: rules });
      // One of our own, to see that it listens: in IPv6's list, which does not cost IPv4's packets anything.
      await becomes('the monitor listens', true, async () => {
        await a1.run(['ip', '-6', 'rule', 'add', 'priority', '99', 'to', '2001:db8::/64', 'lookup', 'main']);
        await a1.run(['ip', '-6', 'rule', 'delete', 'priority', '99']);
        return readFileSync(rules, 'utf8').includes('2001:db8::');
      });
      await startHosts([a1, a2], [a1, a2], never);
      await a2.run(['nft', COUNTS]);
      // Peers without traffic are asked seldom.
      const { container } = a1;
      const command = ['ping', '-i', '0.2', '-q', a2.container.address];
      lab.start({ name: 'traffic', namespace: container.name, command, logFile: path.join(a1.folder, 'traffic.txt') });
    });
    after(closeLabs);

    const on = (host: LabHost, by: PathName): Promise<true> =>
      host.await(
        `its peer by ${by}`,
        ({ peers }) => (peers.every((peer) => peer.path === by) ? true : undefined),
        never,
      );
    const count = async (what: string): Promise<number> => {
      const text = await a2.run(['nft', 'list', 'chain', 'ip', 'counts', 'before']);
      return Number(new RegExp(`packets (\\d+) bytes \\d+ comment "${what}"`).exec(text)?.[1]);
    };
    /** What is under way goes by this path, and none of it by the other. */
    const carries = async (by: PathName, other: PathName): Promise<void> => {
      const already = { [by]: await count(`traffic ${by}`), [other]: await count(`traffic ${other}`) };
      await becomes(`traffic by ${by}`, true, async () => (await count(`traffic ${by}`)) > (already[by] ?? 0) + 3);
      assert.equal(await count(`traffic ${other}`), already[other]);
    };
    const isProbed = async (by: PathName): Promise<void> => {
      const already = await count(`probes ${by}`);
      await becomes(`probes by ${by}`, true, async () => (await count(`probes ${by}`)) > already + 2);
    };

    it('refuses what has no route at once, its own packets and those of containers, and sends none out', async () => {
      const out = 'chain out { type filter hook postrouting priority 0; ip daddr 10.42.0.0/24 counter; }';
      await a1.run(['nft', `table ip leaks { ${out}; }`]);
      // As long as it would wait for an answer, if it were not told.
      const told = await tryIn(a1.container.name, ['ping', '-c', '1', '-W', '60', NOBODY]);
      assert.match(told.stdout, /Destination Host Unreachable/);
      const own = await tryIn('a1', ['ping', '-c', '1', '-W', '60', NOBODY]);
      assert.match(own.stdout + own.stderr, /No route to host|Host Unreachable/i);
      assert.match(await a1.run(['nft', 'list', 'table', 'ip', 'leaks']), /counter packets 0 bytes 0/);
    });

    it('asks about each path by its own device, whichever way traffic goes', async () => {
      await on(a1, 'direct');
      await isProbed('direct');
      await isProbed('vxlan');
      await carries('direct', 'vxlan');
    });

    it('fails over by one replace of traffic’s route, and the others follow', async () => {
      const watch = await monitor(lab, a1);
      await a2.run(['nft', `add rule ip counts cut iifname eth0 ip saddr ${a1.container.subnet} drop`]);
      await on(a1, 'vxlan');
      await becomes('the routes that stand by follow', 3, async () => routesIn(await watch.changes()).length);
      const to = a2.container.subnet;
      const via = to.replace('/24', '');
      assert.deepEqual(routesIn(await watch.changes()), [
        `${to} via ${via} dev weft.1`,
        `${to} via ${a2.plan.address} dev eth0 metric 8700`,
        `Deleted ${to} via ${via} dev weft.1 metric 8702`,
      ]);
      await isProbed('direct');
      await isProbed('vxlan');
      await carries('vxlan', 'direct');
      await a2.run(['nft', 'flush chain ip counts cut']);
      await on(a1, 'direct');
    });

    it('never has a rule of ours, from the first start to the end', async () => {
      await a1.killDaemon();
      a1.startDaemon();
      await on(a1, 'direct');
      const listed = JSON.parse(await a1.run(['ip', '-j', 'rule'])) as readonly { readonly priority: number }[];
      assert.deepEqual(
        listed.map(({ priority }) => priority),
        [0, 32_766, 32_767],
      );
      await a1.removeContainers();
      await a1.weftd(['drain']);
      await a1.daemon?.ended;
      const told = readFileSync(rules, 'utf8').split('\n');
      assert.deepEqual(
        told.filter((line) => line.trim() !== '' && !line.includes('2001:db8::')),
        [],
      );
    });
  });
});

/** Changes of routes of ours, without what does not tell them apart. */
const routesIn = (changes: readonly string[]): readonly string[] =>
  changes
    .filter((line) => line.includes(' proto 87 '))
    .map((line) =>
      line
        .replaceAll('\\', ' ')
        .replace(/ proto 87| src \S+| mtu \S+| onlink/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    );
