/** Many at once: of claimers of one subnet exactly one wins, and nobody waits for ever. */
import assert from 'node:assert/strict';
import { WeftError } from '../../src/core/errors.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { Case } from './lease-store.ts';
import { attributes, freshView, HOUR, never, node, range, subnetsOf, viewText, wish } from './store-world.ts';

const signal = never();
const crowd = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export function raceContract(test: Case): void {
  test('64 claimers of 64 subnets get one each', async (world) => {
    const claimed = await Promise.all(
      crowd(64).map(async (index) => {
        const { store, clock } = world.open();
        return clock.during(store.claim(wish(node(index), { range: range(64) }), signal));
      }),
    );
    assert.equal(new Set(claimed.map(({ lease }) => lease.key)).size, 64);
    assert.equal(new Set(claimed.map(({ lease }) => lease.epoch)).size, 64);
    const view = await freshView(world);
    assert.equal(view.leases.size, 64);
    assert.deepEqual(
      viewText(view),
      claimed.map(({ lease }) => `${lease.key} ${lease.attributes.weft?.node}`).toSorted(),
    );
  });

  test('of 16 claimers of the last subnet one wins, and the rest is told that there is none', async (world) => {
    const ends = await Promise.all(
      crowd(16).map(async (index) => {
        const { store, clock } = world.open();
        return clock.during(store.claim(wish(node(index), { range: range(1) }), signal)).then(
          ({ lease }) => lease.key,
          (error: unknown) => (error instanceof WeftError ? error.code : 'another error'),
        );
      }),
    );
    assert.deepEqual(ends.toSorted(), ['10.42.1.0-24', ...crowd(15).map(() => 'NO_SUBNET')]);
    assert.deepEqual(subnetsOf(await freshView(world)), ['10.42.1.0']);
  });

  test('of 16 claimers of one previous subnet one keeps it', async (world) => {
    const previous = parseSubnet('10.42.7.0/24');
    const claimed = await Promise.all(
      crowd(16).map(async (index) => {
        const { store, clock } = world.open();
        return clock.during(store.claim(wish(node(index), { previous }), signal));
      }),
    );
    assert.equal(claimed.filter(({ lease }) => lease.subnet.v4 === previous).length, 1);
    assert.equal(new Set(claimed.map(({ lease }) => lease.key)).size, 16);
  });

  test('a release and a renewal at once: one of them wins, never both', async (world) => {
    const { store } = world.open();
    for (const round of crowd(8)) {
      const owner = node(`r${round}`);
      const { lease } = await store.claim(wish(owner), signal);
      const [renewed, released] = await Promise.allSettled([
        store.renew(lease, attributes(owner), HOUR, signal),
        world.open().store.release(lease, signal),
      ]);
      const stands = (await freshView(world)).leases.has(lease.key);
      assert.equal(stands, released.status === 'rejected', `round ${round}`);
      assert.ok(renewed.status === 'fulfilled' || released.status === 'fulfilled', `round ${round}`);
    }
  });
}
