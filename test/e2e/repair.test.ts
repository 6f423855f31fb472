import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { difference, kernelState } from '../../src/lab/kernel-state.ts';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { ip, readSysctl, writeSysctl } from '../../src/lab/namespaces.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes, fileBecomes, restored } from './becomes.ts';
import { A1_A2_B1, closeLabs, reached, startCluster } from './cluster.ts';
import { whilePaused } from './paused.ts';

enclosed(import.meta.url, () => {
  describe('what another hand does to a host is put right', () => {
    let lab: Lab;
    let a1: LabHost;
    /** The tunnel device, and the subnet of a peer behind it. */
    let tunnel: string;
    let far: string;
    /** The subnet of a peer that is reached directly, and could be by the tunnel. */
    let near: string;

    before(async () => {
      lab = await startCluster(['a1', 'a2', 'b1']);
      a1 = lab.host('a1');
      far = lab.host('b1').container.subnet;
      near = lab.host('a2').container.subnet;
      const links = await a1.run(['ip', '-o', 'link', 'show', 'type', 'vxlan']);
      tunnel = /^\d+: ([^:@]+)/.exec(links)?.[1] ?? '';
      assert.notEqual(tunnel, '', links);
    });
    after(closeLabs);

    const damages: readonly (readonly [name: string, damage: () => Promise<void>])[] = [
      ['all routes of ours are flushed', () => ip(['route flush proto 87'], 'a1')],
      ['a peer’s route is sent elsewhere', () => ip([`route replace ${far} via 172.30.1.1 dev eth0 proto 87`], 'a1')],
      ['the tunnel device is deleted', () => ip([`link delete ${tunnel}`], 'a1')],
      ['the tunnel device is set down', () => ip([`link set ${tunnel} down`], 'a1')],
      ['the tunnel’s MTU is changed', () => ip([`link set ${tunnel} mtu 1280`], 'a1')],
      ['the VTEP’s MAC is rewritten', () => ip([`link set ${tunnel} address 02:de:ad:be:ef:01`], 'a1')],
      ['the base address is removed', () => ip([`address flush dev ${tunnel}`], 'a1')],
      ['the neighbours are flushed', () => ip([`neighbour flush dev ${tunnel} nud permanent`], 'a1')],
      ['the forwarding table is flushed', flushForwarding],
      ['the leak guard is deleted', () => ip(['route delete unreachable 10.42.0.0/16'], 'a1')],
      ['a route that stands by for probes is deleted', () => ip([`route delete ${near} metric 8702`], 'a1')],
      [
        'a route that stands by for probes is sent elsewhere',
        () => ip([`route replace ${near} via 172.30.1.1 dev eth0 metric 8702 proto 87`], 'a1'),
      ],
    ];
    for (const [name, damage] of damages) {
      it(`${name}: at once, and by one pass`, async () => {
        const state = await kernelState(a1);
        const repairs = repairsOf(a1);
        await damage();
        await restored(a1, state);
        // The kernel is right before the log says so.
        await becomes('the log tells of a repair', true, () => repairsOf(a1) > repairs);
        assert.deepEqual(await reached(lab), A1_A2_B1);
        await byOnePass(state, damage);
      });
    }

    it('everything at once: by one pass', async () => {
      await byOnePass(await kernelState(a1), async () => {
        await ip(['route flush proto 87', `link delete ${tunnel}`], 'a1');
      });
    });

    for (const [key, wrong] of [
      ['net.ipv4.ip_forward', '0'],
      ['net.ipv4.conf.eth0.rp_filter', '1'],
      ['net.ipv4.conf.eth0.arp_announce', '0'],
    ] as const) {
      it(`${key} is set to ${wrong}: by the next pass`, async () => {
        const right = readSysctl('a1', key);
        assert.notEqual(right, wrong);
        writeSysctl('a1', key, wrong);
        a1.daemon?.kill('SIGHUP');
        await becomes(key, right, () => readSysctl('a1', key));
      });
    }

    for (const [what, damage] of [
      ['removed', (): void => rmSync(a1.subnetFile)],
      ['overwritten', (): void => writeFileSync(a1.subnetFile, 'FLANNEL_SUBNET=10.42.250.1/24\n')],
    ] as const) {
      it(`subnet.env is ${what}: by the next pass`, async () => {
        const right = readFileSync(a1.subnetFile, 'utf8');
        damage();
        a1.daemon?.kill('SIGHUP');
        await fileBecomes(a1.subnetFile, right);
      });
    }

    /** The daemon does not see the damage come about: when it wakes all of it is there. */
    async function byOnePass(state: readonly string[], damage: () => Promise<void>): Promise<void> {
      const repairs = repairsOf(a1);
      await whilePaused(a1, async () => {
        await damage();
        assert.notDeepEqual(difference(state, await kernelState(a1)), []);
      });
      await restored(a1, state);
      await becomes('the log tells of the repair', 1, () => repairsOf(a1) - repairs);
      assert.deepEqual(await reached(lab), A1_A2_B1);
      assert.equal(repairsOf(a1) - repairs, 1);
    }

    async function flushForwarding(): Promise<void> {
      const entries = (await a1.run(['bridge', 'fdb', 'show', 'dev', tunnel])).trim().split('\n');
      for (const entry of entries) {
        const [mac = ''] = entry.split(' ');
        await a1.run(['bridge', 'fdb', 'delete', mac, 'dev', tunnel]);
      }
    }
  });
});

/** How many passes had something to repair, by the daemon's own log. */
const repairsOf = (host: LabHost): number => readFileSync(host.logFile, 'utf8').split('"host put right"').length - 1;
