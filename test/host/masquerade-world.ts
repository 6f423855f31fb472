/**
 * A host between a container, another host's container, and the outside, and what each of them sees of who sends to it.
 *
 *   pod 10.42.7.2 ─── 10.42.7.1 [ this namespace ] 192.0.2.1 ─── outside 192.0.2.2, 192.0.2.3
 *                                        198.51.100.1 ─── far 10.42.9.2
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { HostEntry } from '../../src/core/host-entry.ts';
import { describeHostEntry } from '../../src/core/host-entry.ts';
import type { Masquerade } from '../../src/core/masquerade-rules.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { PacketFilter } from '../../src/host/packet-filter.ts';
import { findProgram } from '../../src/host/program.ts';
import { enterOwnNetworkNamespace, hidePrograms } from './own-network-namespace.ts';
import { look, NETWORK, run } from './packet-filter.ts';

export const SUBNET = parseSubnet('10.42.7.0/24');
export const INSTANCE = '0123abcd';
export const WANT: Masquerade = {
  kind: 'masquerade',
  instance: INSTANCE,
  network: NETWORK,
  subnet: SUBNET,
  fullyRandom: true,
};

/** A packet filter, by the programs that keep it. */
export const KINDS = ['nftables', 'iptables-nft', 'iptables-legacy'] as const;
export type Kind = (typeof KINDS)[number];

const { signal } = new AbortController();

export class MasqueradeWorld {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'weft-masq-'));
  readonly #nft = path.join(this.#folder, 'see');
  readonly #names = ['pod', 'far', 'outside'].map((name) => `weft-${name}-${process.pid}`);

  /** @param kind the best that there is on this host */
  constructor(kind: Kind) {
    enterOwnNetworkNamespace();
    copyFileSync('/usr/sbin/nft', this.#nft);
    if (kind !== 'nftables') hidePrograms('/usr/sbin/nft');
    if (kind === 'iptables-legacy') hidePrograms('/usr/sbin/xtables-nft-multi');
    run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
    this.#join('pod', '10.42.7.1/24', '10.42.7.2/24');
    this.#join('outside', '192.0.2.1/24', '192.0.2.2/24', '192.0.2.3/24');
    this.#join('far', '198.51.100.1/24', '198.51.100.2/24', '10.42.9.2/32');
    run('ip', 'route', 'add', '10.42.9.0/24', 'via', '198.51.100.2');
    run('ip', 'address', 'add', '10.42.8.1/32', 'dev', 'outside');
  }

  #join(name: string, here: string, ...there: readonly string[]): void {
    const namespace = this.#namespace(name);
    run('ip', 'netns', 'add', namespace);
    run('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    run('ip', 'address', 'add', here, 'dev', name);
    run('ip', 'link', 'set', name, 'up');
    for (const address of there) run('ip', '-n', namespace, 'address', 'add', address, 'dev', 'eth0');
    run('ip', '-n', namespace, 'link', 'set', 'eth0', 'up');
    run('ip', '-n', namespace, 'route', 'add', 'default', 'via', here.replace(/\/.*/, ''));
    const seen = `table ip test {
      set seen { type ipv4_addr . ipv4_addr; flags dynamic; size 1000; }
      chain in {
        type filter hook prerouting priority -300;
        icmp type echo-request add @seen { ip saddr . ip daddr }
      }
    }`;
    run('ip', 'netns', 'exec', namespace, this.#nft, seen);
  }

  #namespace(name: string): string {
    return this.#names.find((one) => one.startsWith(`weft-${name}-`)) ?? '';
  }

  /** A rule set of another hand, whatever is hidden from us. */
  nft(text: string): string {
    return run(this.#nft, ...text.split(' '));
  }

  /** Programs that are found before the real ones, which they may run as $PROGRAM. Yields what takes them away. */
  standIn(scripts: Readonly<Record<string, string>>): () => void {
    const before = process.env['PATH'];
    for (const [name, script] of Object.entries(scripts)) {
      const file = path.join(this.#folder, name);
      writeFileSync(file, `#!/bin/sh\nPROGRAM=${findProgram(name)}\n${script}\n`, { mode: 0o755 });
    }
    process.env['PATH'] = `${this.#folder}:${before}`;
    return () => (process.env['PATH'] = before);
  }

  /**
   * Who seems to send, to the one that it is sent to.
   * @param from a namespace, an address that the socket is bound to, or both: `far 10.42.9.2`
   */
  sender(from: string, to: string, at: string): string {
    const namespace = this.#namespace(from.split(' ')[0] ?? '');
    const address = /[0-9.]+$/.exec(from)?.[0];
    const enter = namespace === '' ? [] : ['netns', 'exec', namespace, 'ping'];
    const words = [...enter, '-c1', '-W1', '-n', ...(address === undefined ? [] : ['-I', address]), to];
    spawnSync(namespace === '' ? 'ping' : 'ip', words);
    const receiver = this.#namespace(at);
    const seen = run('ip', 'netns', 'exec', receiver, this.#nft, 'list set ip test seen');
    run('ip', 'netns', 'exec', receiver, this.#nft, 'flush set ip test seen');
    const pairs = [...seen.matchAll(/([0-9.]+) \. ([0-9.]+)/g)].filter(([, , destination]) => destination === to);
    return pairs.map(([, source]) => source).join(' and ');
  }

  close(): void {
    for (const name of this.#names) run('ip', 'netns', 'delete', name);
    rmSync(this.#folder, { recursive: true });
  }
}

/** What a daemon that has just started sees. */
export async function standing(instance = INSTANCE, filter = new PacketFilter()): Promise<string[]> {
  const { entries, findings } = await look(
    { masquerade: { instance, network: NETWORK, subnet: SUBNET } },
    signal,
    filter,
  );
  return [...entries.map((entry: HostEntry) => describeHostEntry(entry)), ...findings.map(({ message }) => message)];
}

export const put = (want: Masquerade = WANT, filter = new PacketFilter()): Promise<void> =>
  filter.masquerade({ op: 'put', want }, signal);
export const remove = (was: Masquerade = WANT): Promise<void> =>
  new PacketFilter().masquerade({ op: 'remove', was }, signal);
