/** Real packets between two hosts whose kernels were set up through LinuxHost alone. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { text } from 'node:stream/consumers';
import { parseAddress } from '../../src/core/address.ts';
import type { HostEntry } from '../../src/core/host-entry.ts';
import { macFrom } from '../../src/core/mac.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { inNetworkNamespace } from '../../src/native/network-namespace.ts';
import { make, never, puts, replaces } from '../contract/host-world.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';

const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });

/** Of hosts 1 and 2: 192.168.7.n on eth0, containers in 10.42.n.0/24. */
function entries(
  self: number,
  peer: number,
): { readonly ground: HostEntry[]; readonly tunnel: HostEntry; readonly direct: HostEntry } {
  const name = 'weft.1';
  const base = parseAddress(`10.42.${self}.0`);
  const via = parseAddress(`10.42.${peer}.0`);
  const local = parseAddress(`192.168.7.${self}`);
  const remote = parseAddress(`192.168.7.${peer}`);
  const destination = parseSubnet(`10.42.${peer}.0/24`);
  const mac = macFrom(`host ${peer}`);
  return {
    ground: [
      {
        kind: 'link',
        name,
        vni: 1,
        port: 8472,
        local,
        uplink: 'eth0',
        mtuBytes: 1450,
        mac: macFrom(`host ${self}`),
        learning: false,
        gbp: false,
        up: true,
      },
      { kind: 'address', link: name, address: base, prefixLength: 32 },
      { kind: 'fdb', link: name, mac, remote },
      { kind: 'neighbour', link: name, address: via, mac },
    ],
    tunnel: {
      kind: 'route',
      destination,
      link: name,
      via,
      onlink: true,
      source: base,
      mtuBytes: 1450,
    },
    direct: { kind: 'route', destination, link: 'eth0', via: remote, onlink: false, source: base },
  };
}

/** A host in a namespace of its own, seen by no other process. */
function hostIn(namespace: string, address: string): LinuxHost {
  ip(`-n ${namespace} link set lo up`);
  ip(`-n ${namespace} address add ${address}/24 dev eth0`);
  ip(`-n ${namespace} link set eth0 up`);
  const host = new LinuxHost();
  // Its socket opens with its first use, before that waits for anything.
  void inNetworkNamespace(`/run/netns/${namespace}`, () => host.addresses(never()));
  return host;
}

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') {
  describe('two hosts', { skip }, () => {
    it('reach each other by vxlan and directly, and lose nothing while their routes change', async () => {
      enterOwnNetworkNamespace();
      execFileSync('mount', ['-t', 'tmpfs', 'none', '/run']);
      ip('netns add one');
      ip('netns add two');
      ip('link add eth0 netns one type veth peer name eth0 netns two');
      const hosts = [hostIn('one', '192.168.7.1'), hostIn('two', '192.168.7.2')] as const;
      const plans = [entries(1, 2), entries(2, 1)] as const;
      for (const [i, host] of hosts.entries())
        await make(host, puts(...(plans[i]?.ground ?? []), plans[i]?.tunnel ?? assert.fail()));

      const vxlanOut = (): number => Number(/TX:.*\n\s+\d+\s+(\d+)/.exec(ip('-n one -s link show weft.1'))?.[1]);
      const before = vxlanOut();
      ip('netns exec one ping -c 3 -i 0.01 -W 5 -q 10.42.2.0');
      assert.ok(vxlanOut() >= before + 3, 'not by the tunnel');

      const ping = spawn(
        'ip',
        ['netns', 'exec', 'one', 'ping', '-c', '400', '-i', '0.002', '-W', '5', '-q', '10.42.2.0'],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const told = text(ping.stdout);
      const ended = once(ping, 'exit');
      let running = true;
      void ended.then(() => (running = false));
      let changes = 0;
      for (; running; changes += 2) {
        for (const [i, host] of hosts.entries()) {
          const { tunnel, direct } = plans[i] ?? assert.fail();
          await make(host, replaces(tunnel, direct));
          await make(host, replaces(direct, tunnel));
        }
        await new Promise(setImmediate);
      }
      await ended;
      assert.match(await told, /400 packets transmitted, 400 received, 0% packet loss/);
      assert.ok(changes > 20, `${changes} changes`);
      for (const host of hosts) host.close();
    });
  });
}
