/** The user-space tunnel of a real LinuxHost, with a plain flanneld's udp host at its other end. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '../../src/core/address.ts';
import { describeHostEntry, type HostEntry } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { TunnelPeer } from '../../src/core/udp-entry.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { make, never, outcomes, puts, removes } from '../contract/host-world.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';

const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });

/** We are host 1 and the peer is host 2: 192.168.7.n on eth0, containers in 10.42.n.0/24. */
const NAME = 'flannel0';
const BASE = parseAddress('10.42.1.0');
const NETWORK = parseSubnet('10.42.0.0/16');
const device: HostEntry = { kind: 'tun', name: NAME, mtuBytes: 1472, up: true };
const address: HostEntry = { kind: 'address', link: NAME, address: BASE, prefixLength: 32 };
const socket: HostEntry = { kind: 'socket', link: NAME, local: parseAddress('192.168.7.1'), port: 8285 };
const tunnel = (n: number): TunnelPeer => ({
  kind: 'tunnel',
  link: NAME,
  subnet: parseSubnet(`10.42.${n}.0/24`),
  remote: parseAddress(`192.168.7.${n}`),
  port: 8285,
  mtuBytes: 1472,
});
const route = (n: number): HostEntry => ({
  kind: 'route',
  destination: parseSubnet(`10.42.${n}.0/24`),
  link: NAME,
  onlink: false,
  source: BASE,
  mtuBytes: 1472,
});
const GROUND = [device, address, socket];

/** What `ping` says, whatever comes of it. */
const ping = (words: string, namespace?: string): string => {
  const command = ['ping', ...words.split(' ')];
  const [program = '', ...args] = namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];
  return spawnSync(program, args, { encoding: 'utf8' }).stdout;
};

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') {
  describe('the user-space tunnel', { skip }, () => {
    let host: LinuxHost;
    let peer: ChildProcess | undefined;

    const seen = async (on: LinuxHost = host): Promise<string[]> => {
      const { entries } = await on.observe(
        { networks: [NETWORK], base: BASE, links: [NAME], sysctls: [], files: [], accepts: [] },
        never(),
      );
      return entries.map(describeHostEntry).toSorted();
    };
    const texts = (...entries: readonly HostEntry[]): string[] => entries.map(describeHostEntry).toSorted();

    before(async () => {
      enterOwnNetworkNamespace();
      execFileSync('mount', ['-t', 'tmpfs', 'none', '/run']);
      ip('netns add two');
      ip('link add eth0 type veth peer name eth0 netns two');
      ip('address add 192.168.7.1/24 dev eth0');
      ip('link set eth0 up');
      ip('-n two link set lo up');
      ip('-n two address add 192.168.7.2/24 dev eth0');
      ip('-n two link set eth0 up');
      const program = fileURLToPath(new URL('flannel-udp-program.js', import.meta.url));
      const words = ['192.168.7.2', '8285', '10.42.2.0', NETWORK, '10.42.1.0/24=192.168.7.1'];
      peer = spawn('ip', ['netns', 'exec', 'two', process.execPath, program, ...words], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      assert.ok(peer.stdout);
      await once(peer.stdout, 'data');
      host = new LinuxHost();
    });
    after(() => {
      host.close();
      peer?.kill();
    });

    it('stands as it was put, and its peers with it', async () => {
      await make(host, puts(...GROUND, tunnel(2), route(2)));
      assert.deepEqual(await seen(), texts(...GROUND, tunnel(2), route(2)));
    });

    it('carries packets both ways, each end taking one from the TTL', () => {
      // 64 less one at each end.
      assert.match(ping('-c 2 -i 0.1 -W 5 10.42.2.0'), /2 received.*/);
      assert.match(ping('-c 1 -W 5 10.42.2.0'), /ttl=62/);
      assert.match(ping('-c 1 -W 5 10.42.1.0', 'two'), /ttl=62/);
      const counters = host.tunnelCounters?.peers.get(parseSubnet('10.42.2.0/24'));
      assert.equal(counters?.sentPackets, 4);
      assert.equal(counters?.receivedPackets, 4);
    });

    it('carries packets of every size, and one that is larger than the way is told so', () => {
      for (const bytes of [0, 1, 7, 63, 1024, 1443, 1444])
        assert.match(ping(`-M do -c 1 -W 5 -s ${bytes} 10.42.2.0`), /1 received/, `${bytes} bytes`);
      assert.match(ping('-M dont -c 1 -W 5 -s 9000 10.42.2.0'), /1 received/);
    });

    it('keeps its device and its routes when its process ends, and another one goes on', async () => {
      const before = [ip('-d link show flannel0').replaceAll(/<.*?>|state \w+|NO-CARRIER,?/g, ''), ip('route show')];
      host.close();
      host = new LinuxHost();
      assert.deepEqual(await seen(), texts(device, address, route(2)));
      await eventually(
        'the device is free',
        5000,
        async () =>
          outcomes(await host.apply(puts(socket), never()))[0] === 'done'
            ? { found: true }
            : { missing: 'it is taken' },
        never(),
      );
      await make(host, puts(tunnel(2)));
      assert.match(ping('-c 1 -W 5 10.42.2.0'), /1 received/);
      const after = [ip('-d link show flannel0').replaceAll(/<.*?>|state \w+|NO-CARRIER,?/g, ''), ip('route show')];
      assert.deepEqual(
        after.map((text) => text.replaceAll(/ linkdown/g, '')),
        before,
      );
    });

    it('goes with all that is its own', async () => {
      await make(host, removes(route(2), tunnel(2), socket, address, device));
      assert.deepEqual(await seen(), []);
      assert.throws(() => ip('link show flannel0'));
    });
  });
}
