/** The user-space tunnel of a real LinuxHost, with a plain flanneld's udp host at its other end. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '../../src/core/address.ts';
import { describeHostEntry, type HostEntry } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { loadKoffi } from '../../src/native/koffi.ts';
import { openTun } from '../../src/native/tun.ts';
import { make, never, outcomes, puts, removes, replaces } from '../contract/host-world.ts';
import { udpEntries } from '../contract/udp-entries.ts';
import { NO_TUN } from '../lab/tun-access.ts';
import { packetOf } from '../core/ipv4.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';

const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });

/** We are host 1 and the peer is host 2: 192.168.7.n on eth0, containers in 10.42.n.0/24. */
const NAME = 'flannel0';
const BASE = parseAddress('10.42.1.0');
const NETWORK = parseSubnet('10.42.0.0/16');
const { device, address, socket, peer: tunnel, route } = udpEntries(NAME, 8285, BASE);
const SCOPE = { networks: [NETWORK], base: BASE, links: [NAME], sysctls: [], files: [], accepts: [] };
const GROUND = [device, address, socket];

/** What `ping` says, whatever comes of it. */
const ping = (words: string, namespace?: string): string => {
  const command = ['ping', ...words.split(' ')];
  const [program = '', ...args] = namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];
  return spawnSync(program, args, { encoding: 'utf8' }).stdout;
};

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') {
  describe('the user-space tunnel', { skip: skip || NO_TUN }, () => {
    let host: LinuxHost;
    let peer: ChildProcess | undefined;

    const seen = async (on: LinuxHost = host): Promise<string[]> => {
      const { entries } = await on.observe(SCOPE, never());
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

    it('carries packets both ways, each end taking one from the TTL', async () => {
      // 64 less one at each end.
      assert.match(ping('-c 2 -i 0.1 -W 5 10.42.2.0'), /2 received.*/);
      assert.match(ping('-c 1 -W 5 10.42.2.0'), /ttl=62/);
      assert.match(ping('-c 1 -W 5 10.42.1.0', 'two'), /ttl=62/);
      // A packet is counted when it has been delivered.
      await eventually(
        'each is counted',
        5000,
        () => {
          const { sentPackets, receivedPackets } = { ...host.tunnelCounters?.peers.get(parseSubnet('10.42.2.0/24')) };
          const missing = `${sentPackets} sent, ${receivedPackets} received`;
          return sentPackets === 4 && receivedPackets === 4 ? { found: true } : { missing };
        },
        never(),
      );
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

    it('tells a sender of its own host and of another what became of its packets, in the name of its base', async () => {
      ip('route add 10.42.9.0/24 dev flannel0');
      assert.match(ping('-c 1 -W 5 10.42.9.1'), /From 10\.42\.1\.0 .*Net Unreachable/i);
      assert.match(ping('-c 1 -W 5 -t 1 10.42.2.0'), /From 10\.42\.1\.0 .*Time to live exceeded/i);
      assert.match(ping('-c 1 -W 5 -t 2 10.42.1.0', 'two'), /From 10\.42\.1\.0 .*Time to live exceeded/i);
      await make(host, replaces(tunnel(2), { ...tunnel(2), mtuBytes: 1300 }));
      assert.match(ping('-M do -c 1 -W 5 -s 1400 10.42.2.0'), /From 10\.42\.1\.0 .*Frag needed.*mtu = 1300/i);
      await make(host, replaces({ ...tunnel(2), mtuBytes: 1300 }, tunnel(2)));
      ip('route flush cache');
      const dropped = host.tunnelCounters?.dropped;
      assert.deepEqual([dropped?.['no-peer'], dropped?.ttl, dropped?.['too-big']], [1, 2, 1]);
    });

    it('tells so no more than so often', () => {
      const before = host.tunnelCounters?.errorsSent ?? 0;
      const startMs = performance.now();
      ping('-f -c 300 -W 1 10.42.9.1');
      const told = (host.tunnelCounters?.errorsSent ?? 0) - before;
      const most = 50 + (100 * (performance.now() - startMs)) / 1000;
      assert.ok(told >= 50 && told <= most, `${told} errors, at most ${most}`);
      ip('route delete 10.42.9.0/24 dev flannel0');
    });

    it('takes nothing from strangers, and from a peer nothing in the name of another', async () => {
      const send = (from: string, inner: Uint8Array): void => {
        const code = `const s = require('node:dgram').createSocket('udp4');
          s.bind(0, '${from}', () => s.send(Buffer.from('${Buffer.from(inner).toString('hex')}', 'hex'), 8285, '192.168.7.1', () => s.close()));`;
        execFileSync('ip', ['netns', 'exec', 'two', process.execPath, '-e', code]);
      };
      ip('-n two address add 192.168.7.3/24 dev eth0');
      const [own, two, three] = [0x0a2a_0100, 0x0a2a_0200, 0x0a2a_0300];
      const before = host.tunnelCounters?.total.receivedPackets;
      send('192.168.7.3', packetOf({ source: two, destination: own }));
      // From a port that is not the peer's, like all here: that is another program's.
      send('192.168.7.2', packetOf({ source: two, destination: own }));
      send('192.168.7.2', packetOf({ source: three, destination: own }));
      send('192.168.7.2', packetOf({ source: own, destination: own }));
      send('192.168.7.2', new Uint8Array(7));
      const wanted = { stranger: 1, spoofed: 3, malformed: 1 };
      await eventually(
        'the counters tell of them',
        5000,
        () => {
          const { stranger, spoofed, malformed = 0 } = { ...host.tunnelCounters?.dropped };
          const ofPeer = host.tunnelCounters?.peers.get(tunnel(2).subnet)?.dropped;
          const seenNow = JSON.stringify({ stranger, spoofed, malformed, ofPeer });
          // IPv6 that the kernel sends into the device is counted as malformed too, so the peer's own count says when the last has come: three of before, and four of these.
          return stranger === wanted.stranger &&
            spoofed === wanted.spoofed &&
            malformed >= wanted.malformed &&
            ofPeer === 7
            ? { found: true }
            : { missing: seenNow };
        },
        never(),
      );
      assert.equal(host.tunnelCounters?.total.receivedPackets, before);
    });

    it('loses nothing while its table changes under traffic', async () => {
      const flood = spawn('ping', ['-c', '400', '-i', '0.002', '-W', '5', '-q', '10.42.2.0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const told = text(flood.stdout);
      const ended = once(flood, 'exit');
      let running = true;
      void ended.then(() => (running = false));
      let changes = 0;
      for (; running; changes += 2) {
        await make(host, puts(tunnel(3), tunnel(4)));
        await make(host, removes(tunnel(3), tunnel(4)));
      }
      assert.match(await told, /400 packets transmitted, 400 received, 0% packet loss/);
      assert.ok(changes > 20, `${changes} changes`);
    });

    it('goes on when its worker has failed, as soon as what was wrong is over', async () => {
      const koffi = loadKoffi();
      const dup2 = koffi.load(null).func('int dup2(int from, int to)');
      const fd = readdirSync('/proc/self/fd').find((name) => linkOf(name) === '/dev/net/tun') ?? assert.fail();
      const folder = openSync('/', 'r');
      const isSocket = (text: string): boolean => text.startsWith('socket ');
      dup2(folder, Number(fd));
      const findings = async (): Promise<string> =>
        (await host.observe({ ...SCOPE, only: new Set() }, never())).findings.map(({ message }) => message).join();
      await eventually(
        'a finding tells of it, and there is no socket that peers could be told of',
        10_000,
        async () => {
          ping('-c 1 -W 0.1 10.42.2.0');
          const said = await findings();
          const told = /packet engine of flannel0 has ended .*EISDIR/.test(said) && !(await seen()).some(isSocket);
          return told ? { found: true } : { missing: said };
        },
        never(),
      );
      const { sentPackets } = host.tunnelCounters?.total ?? assert.fail();
      assert.ok(sentPackets > 400);
      const device2 = openTun(NAME);
      dup2(device2, Number(fd));
      for (const each of [folder, device2]) closeSync(each);
      await eventually(
        'it carries again',
        30_000,
        async () =>
          /1 received/.test(ping('-c 1 -W 0.2 10.42.2.0')) && (await seen()).some(isSocket)
            ? { found: true }
            : { missing: await findings() },
        never(),
      );
      assert.match(await findings(), /it is started again/, 'who looks later hears of it too');
    });

    it('is put back with all that was on it when another hand removes its device', async () => {
      ip('link delete flannel0');
      assert.deepEqual(await seen(), []);
      await make(host, puts(...GROUND, tunnel(2), route(2)));
      assert.deepEqual(await seen(), texts(...GROUND, tunnel(2), route(2)));
      assert.match(ping('-c 1 -W 5 10.42.2.0'), /1 received/);
    });

    it('goes with all that is its own', async () => {
      await make(host, removes(route(2), tunnel(2), socket, address, device));
      assert.deepEqual(await seen(), []);
      assert.throws(() => ip('link show flannel0'));
    });

    it('says whose its device or its port is, when they are another’s', async () => {
      const refusal = async (...entries: readonly HostEntry[]): Promise<string> => {
        const made = await host.apply(puts(...entries), never());
        const { error } = made.find((outcome) => outcome.error !== undefined) ?? assert.fail('nothing was refused');
        return `${error?.code}: ${error?.message}`;
      };
      ip('link add flannel0 type bridge');
      assert.match(await refusal(device), /^LINK_FOREIGN: .*no TUN device but of kind bridge/);
      await make(host, removes(device));
      ip('link delete flannel0');
      ip('tuntap add dev flannel0 mode tap');
      assert.match(await refusal(device), /^LINK_FOREIGN: .*no TUN device but of kind tun/);
      ip('link delete flannel0');
      await make(host, puts(device));
      const taken = openTun(NAME);
      assert.match(await refusal(socket), /^LINK_FOREIGN: .*another process has the device flannel0 open/);
      closeSync(taken);
      const other = createSocket('udp4').bind(8285, '192.168.7.1');
      await once(other, 'listening');
      assert.match(await refusal(socket), /^KERNEL_REFUSED: .*another program has that UDP port/);
      other.close();
      await make(host, puts(socket));
      await make(host, removes(socket, device));
    });
  });
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
