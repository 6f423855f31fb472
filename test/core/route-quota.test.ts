import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { fitRoutes, type RouteBid } from '../../src/core/route-quota.ts';

const bid = (destination: string, senders: number, stands = false, table = 'rtb-a'): RouteBid => ({
  table,
  destination,
  senders,
  stands,
});
const names = (bids: readonly RouteBid[]): string => bids.map(({ destination }) => destination).join(' ');

describe('routes in tables that cannot hold them all', () => {
  it('get a place by how many send by them, and among equals those that stand', () => {
    const bids = [bid('a', 1), bid('b', 3), bid('c', 1, true), bid('d', 2)];
    const { fits, overflow } = fitRoutes(bids, new Map([['rtb-a', 3]]));
    assert.deepEqual([names(fits), names(overflow)], ['b d c', 'a']);
  });

  it('keep it against a few senders more, and yield it to a quarter more: what comes and goes evicts nobody', () => {
    const all = (more: number): string =>
      names(fitRoutes([bid('a', 100, true), bid('b', 100 + more)], new Map([['rtb-a', 1]])).fits);
    assert.deepEqual([all(1), all(24), all(26)], ['a', 'a', 'b']);
  });

  it('have any amount of room where nobody says how much there is, and none in a table that is over-full', () => {
    const bids = [bid('a', 1), bid('b', 1, true, 'rtb-b')];
    const { fits, overflow } = fitRoutes(bids, new Map([['rtb-b', -2]]));
    assert.deepEqual([names(fits), names(overflow)], ['a', 'b']);
  });

  it('are all told, fit each table, and leave out none that is worth more than one that is in', () => {
    const bids = fc.uniqueArray(
      fc.record({
        table: fc.constantFrom('rtb-a', 'rtb-b'),
        destination: fc.nat(30).map(String),
        senders: fc.nat(5),
        stands: fc.boolean(),
      }),
      { selector: ({ table, destination }) => `${table} ${destination}` },
    );
    fc.assert(
      fc.property(bids, fc.nat(20), fc.nat(20), (all, a, b) => {
        const { fits, overflow } = fitRoutes(all, new Map(Object.entries({ 'rtb-a': a, 'rtb-b': b })));
        assert.equal(fits.length + overflow.length, all.length);
        for (const [table, room] of [
          ['rtb-a', a],
          ['rtb-b', b],
        ] as const) {
          const inside = fits.filter((one) => one.table === table);
          assert.ok(inside.length <= room);
          const outside = overflow.filter((one) => one.table === table);
          assert.ok(outside.length === 0 || inside.length === room);
          for (const out of outside) assert.ok(inside.every(({ senders }) => senders >= out.senders));
        }
      }),
    );
  });
});
