import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import { enclosed } from '../lab/enclosed.ts';
import { NO_TUN } from '../lab/tun-access.ts';
import { becomes } from './becomes.ts';
import { closeLabs, CONFIG, never, reached, startLab } from './cluster.ts';
import { Stream } from './streams.ts';

enclosed(import.meta.url, () => {
  describe('three hosts with vxlan and udp', { skip: NO_TUN }, () => {
    let lab: Lab;
    let hosts: readonly LabHost[];
    let b1: LabHost;
    const streams: Stream[] = [];

    before(async () => {
      lab = await startLab();
      const Weft = { Paths: ['vxlan', 'udp'], Probe: { Interval: '500ms', Hold: '3s' } };
      await lab.writeConfig({ ...CONFIG, Weft });
      hosts = ['a1', 'a2', 'b1'].map((name) => lab.host(name));
      b1 = lab.host('b1');
      await startHosts(hosts, hosts, never);
      await b1.run([
        'nft',
        'table ip cuts { chain in { type filter hook prerouting priority -300; }; chain out { type filter hook output priority -300; }; }',
      ]);
      streams.push(
        await Stream.open(lab.host('a1').container.name, b1, 7001),
        await Stream.open(b1.name, lab.host('a2'), 7002),
      );
    });
    after(async () => {
      for (const each of streams) each.kill();
      await closeLabs();
    });

    /** The paths of all pairs, those with b1 by this one. */
    const paths = (withB1: 'vxlan' | 'udp'): readonly string[] =>
      ['a1>a2', 'a1>b1', 'a2>a1', 'a2>b1', 'b1>a1', 'b1>a2'].map(
        (pair) => `${pair} ${pair.includes('b1') ? withB1 : 'vxlan'}`,
      );

    it('reach each other by vxlan', async () => {
      await becomes('all pairs', paths('vxlan'), () => reached(lab));
    });

    it('advertise both', async () => {
      const told = await lab.host('a1').weftd(['lease', 'list', '--json']);
      assert.equal(told.match(/"udp":\{"port":8285\}/g)?.length, 3, told);
    });

    it('fall to udp with the host whose port 8472 is blocked, and with no other', async () => {
      for (const chain of ['in', 'out']) await b1.run(['nft', `add rule ip cuts ${chain} udp dport 8472 drop`]);
      await becomes('all pairs', paths('udp'), () => reached(lab), 30_000);
    });

    it('come back when it is open again', async () => {
      for (const chain of ['in', 'out']) await b1.run(['nft', `flush chain ip cuts ${chain}`]);
      await becomes('all pairs', paths('vxlan'), () => reached(lab), 30_000);
    });

    it('have carried each TCP stream through all of it, from container to container and from a host', async () => {
      for (const each of streams) await each.whole();
    });

    it('keep device and routes while a daemon is killed and started anew', async () => {
      const before = await b1.run(['ip', 'route', 'show', 'proto', '87']);
      await b1.killDaemon();
      const during = await b1.run(['ip', 'route', 'show', 'proto', '87']);
      assert.equal(during.replaceAll(' linkdown', ''), before);
      b1.startDaemon();
      await becomes('all pairs', paths('vxlan'), () => reached(lab), 30_000);
      // The device has its carrier when the new daemon holds it, and the kernel marks routes when its link watch comes round.
      await becomes('the routes', before, () => b1.run(['ip', 'route', 'show', 'proto', '87']));
    });

    it('have nothing to change, by the word of a program beside the daemon', async () => {
      assert.match(await b1.weftd(['plan', '--iface', 'eth0', '--subnet-file', b1.subnetFile]), /Nothing to change/);
    });

    it('end when they are told to, and leave nothing of the tunnel when they are cleaned up', async () => {
      const a2 = lab.host('a2');
      a2.daemon?.kill('SIGTERM');
      assert.equal(await a2.daemon?.ended, 'exit code 0');
      assert.match(await a2.run(['ip', 'link', 'show']), /flannel0/);
      assert.match(await a2.weftd(['cleanup', '--subnet-file', a2.subnetFile]), /^- link flannel0 tun /m);
      assert.doesNotMatch(await a2.run(['ip', 'link', 'show']), /flannel0|weft/);
    });

    it('leave nothing of the tunnel when they are drained', async () => {
      await b1.weftd(['drain']);
      await b1.daemon?.ended;
      assert.doesNotMatch(await b1.run(['ip', 'link', 'show']), /flannel0|weft/);
    });
  });
});
