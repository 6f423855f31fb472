/** What only a real kernel can do wrong. The contract suite has what the fake does too. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { offset, parseAddress } from '../../src/core/address.ts';
import { diff } from '../../src/core/diff.ts';
import { HOST_ENTRIES, type HostEntry, type Route } from '../../src/core/host-entry.ts';
import { parseSubnet, subnetOf } from '../../src/core/subnet.ts';
import { KernelHints } from '../../src/host/kernel-hints.ts';
import { KernelThread } from '../../src/host/kernel-thread.ts';
import { LinuxHost } from '../../src/host/linux-host.ts';
import { eventually, type Look } from '../../src/lab/eventually.ts';
import { RouteSocket } from '../../src/native/route-socket.ts';
import {
  base,
  BASE,
  direct,
  forwarding,
  LINK,
  lines,
  link,
  loopback,
  make,
  neighbour,
  never,
  outcomes,
  puts,
  refusal,
  removes,
  replaces,
  scope,
  seen,
  standby,
  tunnel,
} from '../contract/host-world.ts';
import { asRootOfOwnNamespace } from './own-user-namespace.ts';
import { enterOwnNetworkNamespace } from './own-network-namespace.ts';

const ALL: readonly HostEntry[] = [
  link,
  base,
  loopback,
  forwarding(8),
  neighbour(8),
  tunnel(8),
  direct(9),
  standby(direct(8)),
  standby(tunnel(9)),
  refusal,
];

const ip = (words: string): string => execFileSync('ip', words.split(' '), { encoding: 'utf8' });

/** One pass: as many changes as it makes. */
async function pass(host: LinuxHost, wanted: readonly HostEntry[]): Promise<number> {
  const { entries } = await host.observe(scope, never());
  const changes = diff(entries, wanted, HOST_ENTRIES);
  await make(host, changes);
  return changes.length;
}

const skip = asRootOfOwnNamespace(import.meta.filename);
if (skip !== 'done') {
  describe('the Linux kernel', { skip }, () => {
    const kernel = (title: string, body: (host: LinuxHost) => Promise<void>): void => {
      it(title, async () => {
        enterOwnNetworkNamespace();
        for (const words of [
          'link add up0 type veth peer name up1',
          'address add 192.168.7.1/24 dev up0',
          'link set up0 up',
          'link set up1 up',
        ])
          ip(words);
        const host = new LinuxHost();
        try {
          await body(host);
        } finally {
          host.close();
        }
      });
    };

    const damages = {
      'our device removed': `link delete ${LINK}`,
      'our device set down': `link set ${LINK} down`,
      'another MAC on our device': `link set ${LINK} address 02:99:99:99:99:99`,
      'another MTU on our device': `link set ${LINK} mtu 1300`,
      'the addresses of our device flushed': `address flush dev ${LINK}`,
      'the neighbours flushed': `neighbour flush dev ${LINK} nud permanent`,
      'our routes flushed': 'route flush proto 87',
      'a route of ours on another next hop': 'route replace 10.42.9.0/24 via 192.168.7.99 dev up0 proto 87',
      'the refusal of what has no route deleted': 'route delete unreachable 10.42.0.0/16',
      'a route that stands by deleted': 'route delete 10.42.8.0/24 metric 8700',
      'traffic’s route deleted from before the one that stands by': 'route delete 10.42.8.0/24',
      'one that stands by on another next hop':
        'route replace 10.42.8.0/24 via 192.168.7.99 dev up0 metric 8700 proto 87',
    };
    for (const [title, words] of Object.entries(damages)) {
      kernel(`is as wanted after one pass that met ${title}, and the next pass has nothing to do`, async (host) => {
        await pass(host, ALL);
        assert.equal(await pass(host, ALL), 0);
        ip(words);
        assert.ok((await pass(host, ALL)) > 0);
        assert.equal(await seen(host), lines(ALL));
        assert.equal(await pass(host, ALL), 0);
      });
    }

    kernel('still shows a route whose device lost its carrier', async (host) => {
      await pass(host, ALL);
      ip('link set up1 down');
      const shown = (): Look<true> => {
        const text = ip('route show 10.42.9.0/24');
        return text.includes('linkdown') ? { found: true } : { missing: text };
      };
      // The kernel's link watch comes round when it does (net/core/link_watch.c).
      await eventually('the route shows it', 10_000, shown, never());
      assert.equal(await seen(host), lines(ALL));
    });

    kernel('takes thousands of changes at once, each failure where it belongs', async (host) => {
      await make(host, puts(loopback));
      const routes = Array.from({ length: 3000 }, (_, i): Route => {
        const destination = subnetOf(offset(BASE, 64 * (i + 100)), 26);
        const source = i % 500 === 77 ? parseAddress('10.42.200.1') : BASE;
        return {
          kind: 'route',
          destination,
          link: 'up0',
          via: parseAddress('192.168.7.9'),
          onlink: false,
          source,
        };
      }).filter(({ destination }) => destination.startsWith('10.42.'));
      const made = outcomes(await host.apply(puts(...routes), never()));
      assert.deepEqual(
        made.flatMap((outcome, i) => (outcome === 'done' ? [] : [`${i} ${outcome}`])),
        routes.flatMap(({ source }, i) => (source === BASE ? [] : [`${i} KERNEL_REFUSED`])),
      );
      assert.equal(
        (await host.observe(scope, never())).entries.length,
        1 + made.filter((outcome) => outcome === 'done').length,
      );
    });

    kernel('keeps a foreign route of another metric beside ours', async (host) => {
      await make(host, puts(loopback));
      ip('route add 10.42.9.0/24 via 192.168.7.77 metric 50 proto static');
      await make(host, puts(direct(9)));
      assert.equal(await seen(host), lines([loopback, direct(9)]));
      await make(host, removes(direct(9)));
      assert.match(
        ip('route show 10.42.9.0/24'),
        /^10\.42\.9\.0\/24 via 192\.168\.7\.77 dev up0 proto static metric 50/,
      );
    });

    kernel('says which route stands in the way, and of what protocol', async (host) => {
      await make(host, puts(loopback));
      ip('route add blackhole 10.42.9.0/24 proto bird');
      ip('route add 10.42.10.0/24 proto static nexthop via 192.168.7.4 dev up0 nexthop via 192.168.7.5 dev up0');
      const made = await host.apply(puts(direct(8), direct(9), direct(10)), never());
      assert.deepEqual(outcomes(made), ['done', 'KERNEL_REFUSED', 'KERNEL_REFUSED']);
      assert.match(made[1]?.error?.message ?? '', /not ours stands: 10\.42\.9\.0\/24 proto 12/);
      assert.match(
        made[2]?.error?.message ?? '',
        /not ours stands: 10\.42\.10\.0\/24 via 192\.168\.7\.4 dev up0 proto 4/,
      );
    });

    kernel('lets two daemons with two networks live side by side', async (host) => {
      const other = {
        ...scope,
        networks: [parseSubnet('10.43.0.0/16')],
        base: parseAddress('10.43.7.0'),
        links: ['weft.72'],
      };
      const theirs: readonly HostEntry[] = [
        { ...link, name: 'weft.72', vni: 72 },
        { ...base, kind: 'address', link: 'weft.72', address: parseAddress('10.43.7.0'), prefixLength: 32 },
        {
          ...tunnel(8),
          kind: 'route',
          link: 'weft.72',
          destination: parseSubnet('10.43.8.0/24'),
          via: parseAddress('10.43.8.0'),
          source: parseAddress('10.43.7.0'),
        },
        { kind: 'unreachable', destination: parseSubnet('10.43.0.0/16') },
      ];
      await make(host, puts(...ALL, ...theirs));
      assert.equal(await seen(host), lines(ALL));
      assert.equal(await seen(host, other), lines(theirs));
      await pass(host, []);
      assert.equal(await seen(host, other), lines(theirs));
    });

    kernel('repeats its own words when it refuses a device', async (host) => {
      ip('link add taken type vxlan id 71 dstport 8472 dev up0 local 192.168.7.1');
      const [outcome] = await host.apply(puts(link), never());
      assert.equal(outcome?.error?.code, 'KERNEL_REFUSED');
      assert.match(outcome.error.message, /put link weft\.71 .*EEXIST \(.*VNI.*\)/);
    });

    kernel('tells that changes were lost when too many come at once, and goes on', async () => {
      const socket = new RouteSocket();
      const hints = new KernelHints(new KernelThread(socket.port, 2048));
      hints.watch({
        links: [],
        linkIndexes: [],
        uplinks: ['up0'],
        uplinkIndexes: [],
        networks: scope.networks,
        base: BASE,
      });
      const stop = new AbortController();
      const told = new Set<string>();
      const reading = (async () => {
        for await (const hint of hints.hints(stop.signal)) told.add(hint);
      })();
      const until = async (hint: string, work: () => unknown): Promise<void> => {
        for (let i = 0; !told.has(hint) && i < 5000; i++) {
          await work();
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        assert.ok(told.has(hint), hint);
      };
      await until('everything', () => undefined);
      told.clear();
      // More than the worker can read between, by a third socket, whose doings count as another hand's.
      const hand = new LinuxHost();
      const burst = Array.from({ length: 200 }, (_, i): Route => ({
        kind: 'route',
        destination: subnetOf(parseAddress(`10.42.${i + 20}.0`), 24),
        link: 'up0',
        onlink: false,
      }));
      await until('everything', async () => {
        await make(hand, puts(...burst));
        await make(hand, removes(...burst));
      });
      assert.equal(told.has('addresses'), false);
      ip(`address add ${BASE}/32 dev lo`);
      await until('addresses', () => undefined);
      stop.abort();
      await reading;
      hand.close();
      socket.close();
    });

    kernel('hints at the firewall when a chain or rule changes, not when an element of a set does', async (host) => {
      const stop = new AbortController();
      const told: string[] = [];
      const reading = (async () => {
        for await (const hint of host.hints(stop.signal)) told.push(hint);
      })();
      const until = async (hint: string, times: number): Promise<void> => {
        const enough = (): boolean => told.filter((one) => one === hint).length >= times;
        for (let i = 0; !enough() && i < 5000; i++) await new Promise((resolve) => setTimeout(resolve, 1));
      };
      await until('everything', 1);
      const nft = (words: string): void => void execFileSync('nft', [words]);
      nft('add table inet foreign');
      await until('firewall', 1);
      nft('add set inet foreign many { type ipv4_addr; }');
      nft('add element inet foreign many { 10.0.0.1 }');
      ip('link set up0 down');
      await until('everything', 2);
      assert.deepEqual(
        // A device that goes down may be told of with its routes, before or after.
        told.filter((hint) => hint !== 'links' && hint !== 'routes'),
        ['everything', 'firewall', 'everything'],
      );
      stop.abort();
      await reading;
    });

    kernel('says what is missing to a process without rights', async () => {
      const program = `
        const { LinuxHost } = await import(${JSON.stringify(new URL('../../src/host/linux-host.js', import.meta.url).href)});
        const [{ error }] = await new LinuxHost().apply([{ op: 'put', want: ${JSON.stringify(direct(9))} }], new AbortController().signal);
        console.log(error.code, error.hint);`;
      const { stdout, stderr } = spawnSync(
        'setpriv',
        ['--bounding-set=-all', '--inh-caps=-all', process.execPath, '--input-type=module', '-e', program],
        { encoding: 'utf8' },
      );
      assert.match(stdout, /^NOT_PERMITTED .*CAP_NET_ADMIN/, stderr);
    });

    kernel('replaces a route and its device in one step', async (host) => {
      await make(host, puts(...ALL));
      await make(host, [...replaces(tunnel(8), direct(8)), ...replaces(direct(8), tunnel(8))]);
      assert.equal(await seen(host), lines(ALL));
    });
  });
}
