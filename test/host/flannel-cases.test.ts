/** flannel's own cases that need a kernel (FLANNEL.md 8.1, 8.6, 8.8): the address of a device, one route to one destination, the choice of the interface. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import type { UplinkChoice } from '../../src/contracts/host-network.ts';
import { parseAddress } from '../../src/core/address.ts';
import { diff } from '../../src/core/diff.ts';
import { HOST_ENTRIES, type HostEntry } from '../../src/core/host-entry.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { base, direct, LINK, link, loopback, make, never, puts, scope } from '../contract/host-world.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';

const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });

/** Words of ip(8) that show what stands, a line each. */
const shown = (words: string): string[] =>
  ip(words)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

async function pass(host: LinuxHost, wanted: readonly HostEntry[]): Promise<void> {
  const { entries } = await host.observe(scope, never());
  await make(host, diff(entries, wanted, HOST_ENTRIES));
}

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') {
  describe('flannel’s cases with a kernel', { skip }, () => {
    const kernel = (title: string, setting: readonly string[], body: (host: LinuxHost) => Promise<void>): void => {
      it(title, async () => {
        enterOwnNetworkNamespace();
        for (const words of setting) ip(words);
        const host = new LinuxHost();
        try {
          await body(host);
        } finally {
          host.close();
        }
      });
    };
    const up = [
      'link add up0 type veth peer name up1',
      'address add 192.168.7.1/24 dev up0',
      'link set up0 up',
      'link set up1 up',
    ];

    kernel('IP-17: our device has our address and no other of the Network, whatever it had', up, async (host) => {
      await make(host, puts(link));
      for (const address of ['10.42.9.1/24', '10.42.7.9/32']) ip(`address add ${address} dev ${LINK}`);
      await pass(host, [link, base]);
      assert.deepEqual(
        shown(`-4 -o address show dev ${LINK}`).map((line) => / inet (\S+) /.exec(line)?.[1]),
        ['10.42.7.0/32'],
      );
    });

    kernel('IP-18: an address that is not of the Network stays where the base stands beside it', up, async (host) => {
      ip('address add 127.0.1.1/24 dev lo');
      await pass(host, [loopback]);
      await pass(host, [loopback]);
      assert.deepEqual(
        shown('-4 -o address show dev lo').map((line) => / inet (\S+) /.exec(line)?.[1]),
        ['127.0.0.1/8', '127.0.1.1/24', '10.42.7.0/32'],
      );
    });

    kernel('RT-1, RT-2: of two next hops to one destination the latter stands, alone', up, async (host) => {
      await pass(host, [loopback, direct(9)]);
      const route = (): string[] => shown('route show 10.42.9.0/24').map((line) => line.split(' dev ')[0] ?? '');
      assert.deepEqual(route(), ['10.42.9.0/24 via 192.168.7.9']);
      await pass(host, [loopback, { ...direct(9), via: parseAddress('192.168.7.10') }]);
      assert.deepEqual(route(), ['10.42.9.0/24 via 192.168.7.10']);
    });

    const ADDRESSES = ['1.10.100.1', '192.168.200.128', '172.16.30.18', '172.16.31.200', '172.16.32.100'];
    // Not every kernel has dummy devices; each can make a bridge, which has addresses just so.
    const dummy = [
      'link add dummy0 type bridge',
      ...ADDRESSES.map((address) => `address add ${address}/24 dev dummy0`),
      '-6 address add 2001:db8::1/64 dev dummy0',
      'link set dummy0 up',
      'route add 172.16.32.254 via 172.16.32.100',
    ];
    const cases: readonly (readonly [string, Partial<UplinkChoice>, string])[] = [
      ['IM-1: a pattern of addresses', { patterns: [String.raw`192\.168\.200\.\d+`] }, '192.168.200.128'],
      ['IM-2: a pattern of names, by its first address', { patterns: [String.raw`dummy\d+`] }, '1.10.100.1'],
      ['IM-3: a name, by its first address', { interfaces: ['dummy0'] }, '1.10.100.1'],
      ['IM-4: an address', { interfaces: ['172.16.30.18'] }, '172.16.30.18'],
      ['IM-5: an IPv4 address, whatever IPv6 addresses there are', { interfaces: ['172.16.31.200'] }, '172.16.31.200'],
      [
        'IM-6: a pattern, with another address to be advertised',
        { patterns: [String.raw`172\.16\.30\.\d+`], publicIP: parseAddress('172.16.31.200') },
        '172.16.30.18 as 172.16.31.200',
      ],
      ['IM-7: the way to an address', { canReach: parseAddress('172.16.32.254') }, '172.16.32.100'],
    ];
    for (const [title, choice, expected] of cases)
      kernel(`${title} finds the interface`, dummy, async (host) => {
        const found = await host.uplink({ interfaces: [], patterns: [], ...choice }, never());
        assert.equal(found.link, 'dummy0');
        const advertised = found.publicIP === found.address ? '' : ` as ${found.publicIP}`;
        assert.equal(`${found.address}${advertised}`, expected);
      });
  });
}
