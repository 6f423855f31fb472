/** What flanneld left on a host is taken over where it is its work without doubt, and nothing else of another hand's is. */
import assert from 'node:assert/strict';
import { parseAddress } from '../../src/core/address.ts';
import {
  base,
  direct,
  forwarding,
  link,
  lines,
  loopback,
  make,
  neighbour,
  never,
  outcomes,
  puts,
  removes,
  replaces,
  scope,
  seen,
  tunnel,
  UPLINK,
  type HostWorld,
} from './host-world.ts';

type World = (title: string, body: (world: HostWorld) => Promise<void>) => void;

export function hostTakeOverContract(world: World): void {
  world(
    'takes over the route that flanneld left to a peer, where it leads to the peer itself',
    async ({ host, hand }) => {
      const { source: _, ...bare } = direct(9);
      await make(host, puts(loopback));
      hand.setForeign(bare);
      hand.setForeign({ ...bare, destination: direct(10).destination, via: parseAddress('192.168.7.200') });
      const nextHops = new Map([9, 10, 11].map((n) => [direct(n).destination, parseAddress(`192.168.7.${n}`)]));
      const wide = { ...scope, left: { link: UPLINK, nextHops } };
      assert.equal(await seen(host, wide), lines([loopback, { ...bare, left: true }]));
      const changes = [...replaces({ ...bare, left: true }, direct(9)), ...puts(direct(10))];
      assert.deepEqual(outcomes(await host.apply(changes, never())), ['done', 'KERNEL_REFUSED']);
      assert.equal(await seen(host, wide), lines([loopback, direct(9)]));
    },
  );

  world('takes over what flanneld left on the device', async ({ host, hand }) => {
    const { mtuBytes: _, source: __, ...bare } = tunnel(8);
    await make(host, puts(link, base));
    for (const n of [8, 9]) {
      hand.setForeign({ ...bare, destination: tunnel(n).destination });
      hand.set(forwarding(n));
      hand.set(neighbour(n));
    }
    const left = [8, 9].map((n) => ({ ...bare, destination: tunnel(n).destination }));
    assert.equal(
      await seen(host),
      lines([link, base, ...left, forwarding(8), forwarding(9), neighbour(8), neighbour(9)]),
    );
    await make(host, [
      ...replaces(left[0] ?? link, tunnel(8)),
      ...removes(left[1] ?? link, neighbour(9), forwarding(9)),
    ]);
    assert.equal(await seen(host), lines([link, base, forwarding(8), neighbour(8), tunnel(8)]));
  });
}
