/** What the user-space tunnel of a real LinuxHost does not do, whatever leases and containers want of it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import type { HostEntry } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { make, never, puts, removes } from '../contract/host-world.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';

const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });
const ping = (words: string): string => spawnSync('ping', words.split(' '), { encoding: 'utf8' }).stdout;

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
      assert.match(ping('-c 3 -i 0.1 -W 1 10.42.2.7'), /Net Unreachable/i);
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
  });
}
