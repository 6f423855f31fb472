import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { tableOf, type CloudTable } from '../../src/core/cloud-route.ts';
import { allowedTables, wantedRoutes } from '../../src/core/desired-routes.ts';
import type { Lease } from '../../src/core/lease.ts';
import { hostLease, type HostPlan } from '../reconcile/cloud-cluster.ts';

const TABLES = new Set(['rtb-a', 'rtb-b', 'rtb-main']);

const text = (leases: readonly Lease[], wish: Partial<Parameters<typeof wantedRoutes>[0]> = {}): string[] =>
  wantedRoutes({ leases, expired: new Set(), network: 'vpc-1', tables: TABLES, directInSubnet: true, ...wish }).map(
    ({ table, destination, target }) => `${table} ${destination} ${target}`,
  );

const a1 = hostLease({ number: 1, subnet: 'subnet-a', table: 'rtb-a' });
const a2 = hostLease({ number: 2, subnet: 'subnet-a', table: 'rtb-a' });
const b3 = hostLease({ number: 3, subnet: 'subnet-b', table: 'rtb-b' });

const table = (id: string, more: Partial<CloudTable> = {}): CloudTable => ({
  id,
  subnets: [],
  main: false,
  tags: new Map(),
  routes: [],
  occupied: 0,
  ...more,
});

describe('the routes that are wanted', () => {
  it('are of each lease in the tables of senders in other subnets', () => {
    assert.deepEqual(text([a1, a2, b3]), [
      'rtb-a 10.42.3.0/24 eni-3',
      'rtb-b 10.42.1.0/24 eni-1',
      'rtb-b 10.42.2.0/24 eni-2',
    ]);
    assert.deepEqual(text([a1, a2]), []);
  });

  it('stand in a table that both subnets share, too', () => {
    const shared = hostLease({ number: 4, subnet: 'subnet-b', table: 'rtb-a' });
    assert.deepEqual(text([a1, shared]), ['rtb-a 10.42.1.0/24 eni-1', 'rtb-a 10.42.4.0/24 eni-4']);
  });

  it('leave out silent senders, other networks, tables that may not be written, and plain flannelds', () => {
    const elsewhere = hostLease({ number: 5, subnet: 'subnet-x', table: 'rtb-main', network: 'vpc-2' });
    const plain: Lease = { ...b3, attributes: { publicIP: b3.attributes.publicIP } };
    assert.deepEqual(text([a1, b3], { expired: new Set([b3.key]) }), []);
    assert.deepEqual(text([a1, elsewhere]), []);
    assert.deepEqual(text([a1, b3], { tables: new Set(['rtb-a']) }), ['rtb-a 10.42.3.0/24 eni-3']);
    assert.deepEqual(text([a1, plain]), []);
  });

  it("of one host are its part of everybody's", () => {
    const host: fc.Arbitrary<HostPlan> = fc.record({
      number: fc.integer({ min: 1, max: 9 }),
      subnet: fc.constantFrom('subnet-a', 'subnet-b', 'subnet-c'),
      table: fc.constantFrom('rtb-a', 'rtb-b', 'rtb-main', 'rtb-x'),
    });
    fc.assert(
      fc.property(
        fc.uniqueArray(host, { selector: ({ number }) => number, maxLength: 9 }),
        fc.boolean(),
        (plans, directInSubnet) => {
          const leases = plans.map(hostLease);
          const own = leases.flatMap((of) => text(leases, { of, directInSubnet }));
          assert.deepEqual(own.toSorted(), text(leases, { directInSubnet }).toSorted());
          for (const line of own) {
            const [id, , target] = line.split(' ');
            const needed = plans.some((sender) => sender.table === id && `eni-${sender.number}` !== target);
            assert.ok(needed, `${line} has no sender`);
          }
        },
      ),
    );
  });
});

describe('tables', () => {
  it('serve the subnets they name, and the main one all others', () => {
    const tables = [table('rtb-main', { main: true }), table('rtb-a', { subnets: ['subnet-a'] })];
    assert.deepEqual(
      [tableOf(tables, 'subnet-a')?.id, tableOf(tables, 'subnet-z')?.id, tableOf([], 'subnet-a')?.id],
      ['rtb-a', 'rtb-main', undefined],
    );
  });

  it('may be written by id, by tag, or all', () => {
    const tables = [table('rtb-1', { tags: new Map([['weft', 'a=b']]) }), table('rtb-2')];
    const allowed = (ids: string[], tag?: string) => {
      const { ids: allowedIds, missing } = allowedTables({ ids, tag }, tables);
      return [...allowedIds, ...missing.map((id) => `no ${id}`)];
    };
    assert.deepEqual(allowed([]), ['rtb-1', 'rtb-2']);
    assert.deepEqual(allowed(['rtb-2', 'rtb-9']), ['rtb-2', 'no rtb-9']);
    assert.deepEqual(
      [allowed([], 'weft'), allowed([], 'weft=a=b'), allowed([], 'weft=c'), allowed([], 'x')],
      [['rtb-1'], ['rtb-1'], [], []],
    );
  });
});
