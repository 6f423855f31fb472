/** What the user-space tunnel of a real LinuxHost does when something about it is wrong: a lease, a right, its own thread. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { parseAddress } from '../../src/core/address.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { HostEntry } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { applyChanges } from '../../src/host/apply-changes.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import type { PacketEngine } from '../../src/host/packet-engine.ts';
import { PacketThread } from '../../src/host/packet-thread.ts';
import { UdpTunnel } from '../../src/host/udp-tunnel.ts';
import { eventually, type Look } from '../../src/lab/eventually.ts';
import { RouteSocket } from '../../src/native/route-socket.ts';
import { make, never, outcomes, puts, removes } from '../contract/host-world.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';

const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });
const ping = (words: string): string => spawnSync('ping', words.split(' '), { encoding: 'utf8' }).stdout;

/** What no entry is asked about. */
const NOTHING = { networks: [], links: [], sysctls: [], files: [], accepts: [], only: new Set<string>() };

const NO_HINTS = { neighbour: () => undefined, forwarding: () => undefined, send: () => undefined };

const NAME = 'flannel0';
const GROUND: readonly HostEntry[] = [
  { kind: 'tun', name: NAME, mtuBytes: 1472, up: true },
  { kind: 'address', link: NAME, address: parseAddress('10.42.1.0'), prefixLength: 32 },
  { kind: 'socket', link: NAME, local: parseAddress('192.168.7.1'), port: 8285 },
];
/** Containers in 10.42.n.0/24, behind that address. */
const peerAt = (n: number, remote: string): HostEntry[] => [
  {
    kind: 'tunnel',
    link: NAME,
    subnet: parseSubnet(`10.42.${n}.0/24`),
    remote: parseAddress(remote),
    port: 8285,
    mtuBytes: 1472,
  },
  { kind: 'route', destination: parseSubnet(`10.42.${n}.0/24`), link: NAME, onlink: false, mtuBytes: 1472 },
];

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') {
  describe('the user-space tunnel', { skip }, () => {
    let host: LinuxHost;

    before(async () => {
      enterOwnNetworkNamespace();
      execFileSync('mount', ['-t', 'tmpfs', 'none', '/run']);
      ip('link set lo up');
      ip('link add eth0 type veth peer name eth1');
      ip('link set eth1 up');
      ip('address add 192.168.7.1/24 dev eth0');
      ip('link set eth0 up');
      host = new LinuxHost();
      await make(host, puts(...GROUND));
    });
    after(() => host.close());

    it('sends no packet into itself, when a peer says that it lives among its own containers', async () => {
      const looped = peerAt(2, '10.42.2.9');
      await make(host, puts(...looped));
      // Over when the last of them has come back as an error.
      assert.match(ping('-c 3 -i 0.1 -W 20 10.42.2.7'), /Net Unreachable/i);
      assert.equal(host.tunnelCounters?.total.sentPackets, 0);
      assert.equal(host.tunnelCounters.dropped['no-peer'], 3);
      await make(host, removes(...looped.toReversed()));
    });

    it('is what a closed /dev/net/tun costs, and no more: no word of rights to the kernel, which would end the daemon', async () => {
      execFileSync('mount', ['--bind', '/dev/net/tun', '/dev/net/tun']);
      execFileSync('mount', ['-o', 'remount,bind,nodev', '/dev/net/tun']);
      const second: HostEntry = { kind: 'tun', name: 'weft.udp8286', mtuBytes: 1472, up: true };
      const [outcome] = await host.apply(puts(second), never());
      assert.equal(outcome?.error?.code, 'KERNEL_UNSUPPORTED');
      assert.match(outcome.error.message, /open \/dev\/net\/tun: EACCES/);
      assert.match(outcome.error.hint ?? '', /DeviceAllow=\/dev\/net\/tun rw .* --device \/dev\/net\/tun/);
      execFileSync('umount', ['/dev/net/tun']);
      await make(host, puts(second));
      await make(host, removes(second));
    });

    it('says why the kernel does not send its datagrams', async () => {
      const findings = async (): Promise<readonly Finding[]> => (await host.observe(NOTHING, never())).findings;
      await make(host, puts(...peerAt(2, '192.168.7.2')));
      assert.deepEqual(await findings(), []);
      const chain = 'chain out { type filter hook output priority 0; udp dport 8285 drop; }';
      execFileSync('nft', [`table ip cuts { ${chain}; }`]);
      ping('-c 1 -W 0.1 10.42.2.7');
      const message =
        'the kernel does not send datagrams of the user-space tunnel: EPERM (a packet filter of this host drops them)';
      const told = async (): Promise<Look<readonly Finding[]>> => {
        const found = await findings();
        return found.length > 0 ? { found } : { missing: 'no finding' };
      };
      // Nobody answers the ping, so nothing says when the tunnel's own thread has had its turn.
      assert.deepEqual(await eventually('it says so', 20_000, told, never()), [{ code: 'KERNEL_REFUSED', message }]);
      assert.equal(host.tunnelCounters?.dropped.unsent, 1);
      execFileSync('nft', ['delete table ip cuts']);
      await make(host, removes(...peerAt(2, '192.168.7.2').toReversed()));
    });

    it('costs no other route, when its engine cannot be told of peers, or does not answer', async () => {
      const engine: PacketEngine = {
        config: undefined,
        trouble: undefined,
        isDown: false,
        open: () => Promise.resolve(),
        setPeers: () => new Promise(() => undefined),
        counters: () => assert.fail(),
        refusals: { count: 0, errno: 0 },
        close: () => Promise.resolve(),
      };
      const socket = new RouteSocket();
      const apply = async (tunnel: UdpTunnel, signal = never()): Promise<string[]> => {
        const parts = { socket, hints: NO_HINTS, tunnel, filter: () => assert.fail() };
        const beside: HostEntry = {
          kind: 'route',
          destination: parseSubnet('10.42.3.0/24'),
          link: 'eth0',
          via: parseAddress('192.168.7.3'),
          onlink: false,
        };
        return outcomes(await applyChanges(parts, puts(...peerAt(2, '192.168.7.2').slice(0, 1), beside), signal));
      };
      const cannot = new UdpTunnel(() => undefined, { load: () => Promise.reject(new Error('no such module')) });
      assert.deepEqual(await apply(cannot), ['INTERNAL', 'done']);
      const hangs = (mostMs: number): UdpTunnel =>
        new UdpTunnel(() => undefined, { load: () => Promise.resolve(engine), mostMs });
      assert.deepEqual(await apply(hangs(1)), ['INTERNAL', 'done']);
      const stop = new AbortController();
      const stopped = apply(hangs(3_600_000), stop.signal);
      stop.abort();
      await assert.rejects(stopped, { code: 'ABORTED' });
      socket.close();
      ip('route flush proto 87');
    });

    it('leaves no descriptor behind, when a thread cannot be made', () => {
      class NoThread extends Worker {
        constructor() {
          super('nowhere');
        }
      }
      const count = (): number => readdirSync('/proc/self/fd').length;
      const before = count();
      const nothing = { deviceFd: -1, device: NAME, datagramFd: -1, rawFd: -1, peers: new Uint32Array() };
      const start = { ...nothing, counters: new SharedArrayBuffer(8) };
      const user = { onDetached: () => assert.fail(), onFailure: () => assert.fail() };
      assert.throws(() => new PacketThread(NoThread, start, user), { code: 'ERR_WORKER_PATH' });
      assert.equal(count(), before);
    });
  });
}
