/** The contract of HostNetwork: what every implementation does, the fake too. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { hostEntryKey, type HostEntry, type Route } from '../../src/core/host-entry.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
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
  NETWORK,
  never,
  outcomes,
  puts,
  refusal,
  removes,
  replaces,
  scope,
  seen,
  SIDE,
  standby,
  tunnel,
  UPLINK,
  type HostWorld,
} from './host-world.ts';
import { hostHintsContract } from './host-hints.ts';
import { hostTakeOverContract } from './host-take-over.ts';
import { hostUdpContract } from './host-udp.ts';
import { hostUplinkContract } from './host-uplink.ts';

const ALL: readonly HostEntry[] = [
  refusal,
  link,
  base,
  loopback,
  forwarding(8),
  neighbour(8),
  tunnel(8),
  direct(9),
  standby(direct(8)),
  standby(tunnel(9)),
];

export function hostNetworkContract(
  name: string,
  makeWorld: () => HostWorld,
  options: { readonly skip?: string | false; readonly noTun?: string | false } = {},
): void {
  const world = (title: string, body: (world: HostWorld) => Promise<void>): void => {
    it(title, async () => {
      const made = makeWorld();
      try {
        await body(made);
      } finally {
        made.close();
      }
    });
  };

  describe(`HostNetwork: ${name}`, { skip: options.skip ?? false }, () => {
    world('sees nothing of ours on a host that we never touched', async ({ host }) => {
      assert.equal(await seen(host), '');
    });

    world('sees what was put, just as it was put', async ({ host }) => {
      await make(host, puts(...ALL));
      assert.equal(await seen(host), lines(ALL));
    });

    world('puts what stands, and removes what is gone, without harm', async ({ host }) => {
      await make(host, puts(...ALL));
      await make(host, puts(...ALL));
      assert.equal(await seen(host), lines(ALL));
      await make(host, removes(...ALL.toReversed()));
      assert.equal(await seen(host), '');
      await make(host, removes(...ALL.toReversed()));
      assert.equal(await seen(host), '');
    });

    world('replaces what stands by another state of it', async ({ host }) => {
      const moved = { ...forwarding(8), remote: parseAddress('192.168.7.88') };
      const renamed = { ...neighbour(8), mac: neighbour(9).mac };
      const elsewhere = { ...standby(direct(8)), via: parseAddress('192.168.7.88') };
      await make(host, puts(...ALL));
      await make(host, [
        ...replaces(forwarding(8), moved),
        ...replaces(neighbour(8), renamed),
        ...replaces(tunnel(8), direct(8)),
        ...replaces(direct(9), tunnel(9)),
        ...replaces(standby(direct(8)), elsewhere),
      ]);
      const kept = [refusal, link, base, loopback, standby(tunnel(9))];
      assert.equal(await seen(host), lines([...kept, moved, renamed, direct(8), tunnel(9), elsewhere]));
    });

    world('changes MTU and MAC of a device that keeps all that stands on it', async ({ host }) => {
      const changed = { ...link, mtuBytes: 1350, mac: neighbour(40).mac };
      await make(host, puts(...ALL));
      await make(host, replaces(link, changed));
      assert.equal(await seen(host), lines([changed, ...ALL.filter((entry) => entry !== link)]));
    });

    world('makes a device anew whose VNI differs, and what stood on it is gone', async ({ host }) => {
      const anew = { ...link, vni: 72 };
      await make(host, puts(...ALL));
      await make(host, replaces(link, anew));
      assert.equal(await seen(host), lines([refusal, anew, loopback, direct(9), standby(direct(8))]));
    });

    world('sees that a device went with all that stood on it, and puts it back', async ({ host, hand }) => {
      await make(host, puts(...ALL));
      hand.remove(link);
      assert.equal(await seen(host), lines([refusal, loopback, direct(9), standby(direct(8))]));
      await make(host, puts(...ALL));
      assert.equal(await seen(host), lines(ALL));
    });

    world('leaves a device of another kind that has our name', async ({ host, hand }) => {
      hand.addDevice(LINK);
      const made = await host.apply(
        puts(link, loopback, direct(9), base, neighbour(8), forwarding(8), tunnel(8)),
        never(),
      );
      assert.deepEqual(outcomes(made), ['LINK_FOREIGN', 'done', 'done', ...Array<string>(4).fill('LINK_FOREIGN')]);
      assert.match(made[0]?.error?.message ?? '', /weft\.71/);
      assert.equal(await seen(host), lines([loopback, direct(9)]));
      await make(host, removes(link));
    });

    world('makes the changes beside one that fails, and gives each its outcome in order', async ({ host }) => {
      const changes = [
        ...puts(tunnel(8), loopback, direct(9)),
        ...puts({ ...direct(10), source: parseAddress('10.42.77.0') }),
        ...removes(neighbour(8)),
      ];
      const made = await host.apply(changes, never());
      assert.deepEqual(outcomes(made), ['LINK_MISSING', 'done', 'done', 'KERNEL_REFUSED', 'done']);
      assert.deepEqual(
        made.map(({ change }) => change),
        changes,
      );
      assert.match(made[3]?.error?.message ?? '', /route 10\.42\.10\.0\/24 .*EINVAL/);
      assert.equal(await seen(host), lines([loopback, direct(9)]));
    });

    world('does not take a next hop that is not on the link', async ({ host }) => {
      const far = { ...direct(9), via: parseAddress('192.168.200.9') };
      assert.deepEqual(outcomes(await host.apply(puts(loopback, far), never())), ['done', 'KERNEL_REFUSED']);
    });

    world('neither lists, replaces nor removes a route that is not ours', async ({ host, hand }) => {
      const foreign = { ...direct(9), via: parseAddress('192.168.7.200') };
      await make(host, puts(loopback));
      hand.setForeign(foreign);
      assert.equal(await seen(host), lines([loopback]));
      const made = await host.apply(puts(direct(8), direct(9)), never());
      assert.deepEqual(outcomes(made), ['done', 'KERNEL_REFUSED']);
      assert.match(made[1]?.error?.message ?? '', /10\.42\.9\.0\/24/);
      await make(host, removes(direct(9)));
      hand.remove(foreign);
      await make(host, puts(direct(9)));
      assert.equal(await seen(host), lines([loopback, direct(8), direct(9)]));
    });

    world('puts a route that already stands unseen, as another pass left it', async ({ host }) => {
      await make(host, puts(loopback, direct(9)));
      const other = { ...direct(9), via: parseAddress('192.168.7.99') };
      await make(host, puts(other));
      assert.equal(await seen(host), lines([loopback, other]));
    });

    world('looks at nothing outside its scope', async ({ host }) => {
      await make(host, puts(...ALL));
      const narrow = {
        ...scope,
        networks: [parseSubnet('10.42.9.0/24')],
        links: [],
      };
      assert.equal(await seen(host, narrow), lines([loopback, direct(9), standby(tunnel(9))]));
      const { base: _, ...noBase } = scope;
      assert.equal(await seen(host, { ...noBase, links: [], networks: [] }), '');
      const foreign = { ...scope, networks: [parseSubnet('10.43.0.0/16')], links: [] };
      assert.equal(await seen(host, foreign), lines([loopback]));
    });

    world('keeps the routes to one destination apart by their metrics', async ({ host, hand }) => {
      const ground = [link, base, neighbour(8)];
      await make(host, puts(...ground, loopback, tunnel(8), standby(direct(8))));
      // Traffic and probes change places: one is replaced, then the others follow.
      await make(host, [
        ...replaces(tunnel(8), direct(8)),
        ...puts(standby(tunnel(8))),
        ...removes(standby(direct(8))),
      ]);
      assert.equal(await seen(host), lines([...ground, loopback, direct(8), standby(tunnel(8))]));
      // To remove what another hand took already takes nothing else.
      hand.remove(direct(8));
      await make(host, removes(direct(8)));
      assert.equal(await seen(host), lines([...ground, loopback, standby(tunnel(8))]));
      await make(host, puts(direct(8)));
      await make(host, removes(direct(8)));
      assert.equal(await seen(host), lines([...ground, loopback, standby(tunnel(8))]));
    });

    world('leaves a refusal of the Network that somebody else put there, and says so', async ({ host, hand }) => {
      await make(host, puts(loopback));
      const foreign: Route = { ...direct(9), destination: NETWORK };
      hand.setForeign(foreign);
      assert.deepEqual(outcomes(await host.apply(puts(refusal, direct(9)), never())), ['KERNEL_REFUSED', 'done']);
      await make(host, removes(refusal));
      assert.equal(await seen(host), lines([loopback, direct(9)]));
      hand.remove(foreign);
      await make(host, puts(refusal));
      assert.equal(await seen(host), lines([loopback, direct(9), refusal]));
    });

    world('looks at given keys alone', async ({ host }) => {
      await make(host, puts(...ALL, direct(20), neighbour(20), forwarding(20)));
      const only = (...entries: readonly HostEntry[]): Promise<string> =>
        seen(host, { ...scope, only: new Set(entries.map(hostEntryKey)) });
      assert.equal(await only(tunnel(8), neighbour(8), forwarding(8)), lines([tunnel(8), neighbour(8), forwarding(8)]));
      assert.equal(await only(tunnel(33), neighbour(33), forwarding(33)), '');
      assert.equal(await only(link, base, refusal), lines([link, base, refusal]));
      assert.equal(await only(standby(direct(8)), direct(9)), lines([standby(direct(8)), direct(9)]));
      assert.equal(await only(standby(tunnel(8)), standby(tunnel(9))), lines([standby(tunnel(9))]));
      const peers = Array.from({ length: 100 }, (_, i) => tunnel(i + 100));
      const many = peers.flatMap((route) => [route, standby(route), { ...route, metric: 8700 }]);
      assert.equal(await only(...many, direct(9)), lines([direct(9)]));
    });

    world('sees the broadcast route that old kernels make of our base, and removes it', async ({ host, hand }) => {
      const broadcast: HostEntry = { kind: 'broadcast', address: BASE, link: UPLINK };
      hand.set(broadcast);
      assert.equal(await seen(host), lines([broadcast]));
      await make(host, removes(broadcast));
      assert.equal(await seen(host), '');
    });

    world('has settings and files among the rest, in the order given', async ({ host }) => {
      const filter: HostEntry = { kind: 'sysctl', name: `net/ipv4/conf/${LINK}/rp_filter`, value: '2', link: LINK };
      const withFilter = { ...scope, sysctls: [filter.name] };
      assert.equal(await seen(host, withFilter), '');
      await make(host, puts(link, filter, base));
      assert.equal(await seen(host, withFilter), lines([link, filter, base]));
      await make(host, removes(filter, base, link));
      assert.equal(await seen(host, withFilter), '');
    });

    world('stops when told to', async ({ host }) => {
      const aborted = AbortSignal.abort();
      const none = { interfaces: [], patterns: [] };
      for (const work of [
        () => host.observe(scope, aborted),
        () => host.apply(puts(loopback), aborted),
        () => host.uplink(none, aborted),
        () => host.addresses(aborted),
      ]) {
        await assert.rejects(work, { code: 'ABORTED' });
      }
      assert.equal(await seen(host), '');
    });

    world('lists all addresses of the host, whoever set them', async ({ host }) => {
      await make(host, puts(link, base));
      const all = (await host.addresses(never())).map((one) => `${one.link} ${one.address}/${one.prefixLength}`);
      for (const address of [`${UPLINK} 192.168.7.1/24`, `${SIDE} 192.168.9.1/24`, `${LINK} 10.42.7.0/32`])
        assert.ok(all.includes(address), address);
    });

    hostHintsContract(world);
    hostTakeOverContract(world);
    hostUdpContract(world, options.noTun);
    hostUplinkContract(world);
  });
}
