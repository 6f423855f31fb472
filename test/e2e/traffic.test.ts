import assert from 'node:assert/strict';
import path from 'node:path';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import type { Lab } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { ip, listens, runIn, tryIn } from '../../src/lab/namespaces.ts';
import { enclosed } from '../lab/enclosed.ts';
import { becomes } from './becomes.ts';
import { closeLabs, startCluster } from './cluster.ts';

/** Outer IPv4 20, UDP 8, VXLAN 8, inner Ethernet 14. */
const VXLAN_BYTES = 50;
const UPLINK_MTU = 1500;
/** IPv4 header and ICMP header. */
const PING_BYTES = 28;
const PORT = 4242;
const TRANSFER = fileURLToPath(new URL('tcp-transfer.js', import.meta.url));
const MEGABYTES = 16;

enclosed(import.meta.url, () => {
  describe('traffic between hosts and containers', () => {
    let lab: Lab;
    let a1: LabHost;
    /** By path. */
    let peers: readonly (readonly [path: string, peer: LabHost, mtu: number])[];

    before(async () => {
      lab = await startCluster(['a1', 'a2', 'b1']);
      a1 = lab.host('a1');
      peers = [
        ['direct', lab.host('a2'), UPLINK_MTU],
        ['vxlan', lab.host('b1'), UPLINK_MTU - VXLAN_BYTES],
      ];
    });
    after(closeLabs);

    it('goes from host to container and from container to host, on each path', async () => {
      const lost: string[] = [];
      for (const [by, peer] of peers) {
        const base = (await peer.status())?.address;
        for (const [from, to] of [
          [a1.name, peer.container.address],
          [a1.name, base],
          [a1.container.name, base],
          [a1.container.name, peer.container.address],
        ] as const) {
          const { code } = await ping(from, to ?? '', 56);
          if (code !== 0) lost.push(`${by}: ${from} > ${to}`);
        }
      }
      assert.deepEqual(lost, []);
    });

    it('has the host’s base as its source, so that it survives a change of path', async () => {
      const base = (await a1.status())?.address;
      for (const [, peer] of peers) {
        const route = await a1.run(['ip', 'route', 'get', peer.container.address]);
        assert.match(route, new RegExp(` src ${base} `));
      }
    });

    it('fills each path to its MTU, and what is larger is told so at once instead of vanishing', async () => {
      for (const [by, peer, mtu] of peers) {
        const base = (await peer.status())?.address ?? '';
        const full = await ping(a1.name, base, mtu - PING_BYTES);
        assert.equal(full.code, 0, `${by}: ${full.stdout}${full.stderr}`);
        const over = await ping(a1.name, base, mtu - PING_BYTES + 1);
        assert.match(over.stdout + over.stderr, new RegExp(`message too long,? mtu[:=] ?${mtu}`, 'i'), by);
      }
    });

    it('gives containers the smallest MTU of the paths, which passes on each', async () => {
      const mtu = UPLINK_MTU - VXLAN_BYTES;
      assert.match(readFileSync(a1.subnetFile, 'utf8'), new RegExp(`^FLANNEL_MTU=${mtu}$`, 'm'));
      for (const [by, peer] of peers) {
        const full = await ping(a1.container.name, peer.container.address, mtu - PING_BYTES);
        assert.equal(full.code, 0, `${by}: ${full.stdout}${full.stderr}`);
      }
    });

    it('arrives as it was sent, by TCP in packets as large as they may be, and nothing is cut into fragments', async () => {
      for (const [by, peer] of peers) {
        const sums = await transfer(a1.container.name, peer.container.name, peer.container.address);
        assert.equal(sums.received, sums.sent, by);
      }
      for (const host of [a1, ...peers.map(([, peer]) => peer)]) {
        assert.deepEqual(await fragments(host.name), ['0', '0'], host.name);
      }
    });

    it('finds its way from a container with too large an MTU too', async () => {
      await ip([`link set cni0 mtu ${UPLINK_MTU}`, `link set veth1 mtu ${UPLINK_MTU}`], 'a1');
      await ip([`link set eth0 mtu ${UPLINK_MTU}`], a1.container.name);
      const far = lab.host('b1').container;
      const over = await ping(a1.container.name, far.address, UPLINK_MTU - PING_BYTES);
      assert.match(over.stdout, /Frag needed.*mtu = 1450/i);
      const sums = await transfer(a1.container.name, far.name, far.address);
      assert.equal(sums.received, sums.sent);
    });

    async function transfer(from: string, to: string, address: string): Promise<{ sent: string; received: string }> {
      const logFile = path.join(lab.folder, `received-by-${to}.txt`);
      const receiver = lab.start({
        name: 'receiver',
        namespace: to,
        command: [process.execPath, TRANSFER, 'receive', String(PORT)],
        logFile,
      });
      await becomes('the receiver listens', true, () => listens(to, PORT));
      const sent = await runIn(from, [process.execPath, TRANSFER, 'send', String(PORT), address, String(MEGABYTES)]);
      await receiver.ended;
      const received = readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? '';
      return { sent: sent.trim(), received };
    }
  });

  /** One that may not be cut into fragments. Each here is answered, or refused at once: only a stall makes it wait. */
  const ping = (from: string, to: string, bytes: number) =>
    tryIn(from, ['ping', '-M', 'do', '-c', '1', '-W', '20', '-s', String(bytes), to]);

  /** How many packets were cut, and how many pieces came, by the kernel's own count (proc_net_snmp). */
  async function fragments(namespace: string): Promise<readonly (string | undefined)[]> {
    const [names, values] = (await runIn(namespace, ['cat', '/proc/net/snmp']))
      .split('\n')
      .filter((line) => line.startsWith('Ip:'))
      .map((line) => line.split(' '));
    return ['FragCreates', 'ReasmReqds'].map((name) => values?.[names?.indexOf(name) ?? -1]);
  }
});
