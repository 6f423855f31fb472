import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CloudTable, LedgerRow, WantedRoute } from '../../src/core/cloud-route.ts';
import { ledgerKey, type Ledger, type LedgerEntry } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planNetwork } from '../../src/reconcile/network-plan.ts';

const TARGETS = ['eni-1', 'eni-2', 'igw-1', 'none'];
const subnet = (number: number) => parseSubnet(`10.42.${number}.0/24`);
const number = fc.integer({ min: 1, max: 4 });

const table = (routes: readonly { number: number; target: string; live: boolean }[]): CloudTable => ({
  id: 'rtb-a',
  subnets: [],
  main: false,
  tags: new Map(),
  occupied: routes.length,
  routes: routes.map(({ number: at, target, live }) => ({ destination: subnet(at), target, live })),
});

const routes = fc.uniqueArray(fc.record({ number, target: fc.constantFrom(...TARGETS), live: fc.boolean() }), {
  selector: (route) => route.number,
});
const rows = fc.uniqueArray(
  fc.record({
    number,
    target: fc.constantFrom(...TARGETS),
    epoch: fc.nat(3),
    generation: fc.nat(2),
    state: fc.constantFrom('intent', 'committed', 'refused'),
  }),
  { selector: (row) => row.number },
);
const wishes = fc.uniqueArray(
  fc.record({ number, target: fc.constantFrom('eni-1', 'eni-2'), epoch: fc.nat(3), how: fc.nat(2) }),
  { selector: (wish) => wish.number },
);

const ledgerOf = (
  all: readonly { number: number; target: string; epoch: number; generation: number; state: LedgerRow['state'] }[],
): Ledger =>
  new Map(
    all.map(({ number: at, ...more }): [string, LedgerEntry] => {
      const destination = subnet(at);
      const key = ledgerKey('rtb-a', destination);
      const row = { table: 'rtb-a', destination, node: parseNodeId('node-1'), ...more };
      return [key, { key, version: '1', row }];
    }),
  );

describe('a plan for all routes of a network', () => {
  it('names each route in one put at most, refuses what it is told to, and touches nothing that neither row nor person gave it', () => {
    fc.assert(
      fc.property(routes, rows, wishes, fc.boolean(), (standing, known, asked, adopt) => {
        const ledger = ledgerOf(known);
        const tables = [table(standing)];
        const route = ({ number: at, target, epoch }: (typeof asked)[number]): WantedRoute => ({
          table: 'rtb-a',
          destination: subnet(at),
          target,
          epoch,
          node: parseNodeId('node-1'),
        });
        const steps = planNetwork({
          wanted: asked.filter(({ how }) => how === 0).map(route),
          refused: asked
            .filter(({ how }) => how > 0)
            .map((one) => ({
              route: route(one),
              why: 'no',
              code: 'ROUTE_TABLE_FULL',
              hint: '',
              doubted: one.how === 2,
            })),
          tables,
          ledger,
          generation: 1,
          mayRemove: () => true,
          isOrphan: (_table, { live }) => adopt && !live,
        });
        const puts = steps.filter(({ kind }) => kind !== 'remove' && kind !== 'forget');
        assert.equal(new Set(puts.map(({ key }) => key)).size, puts.length);
        for (const step of steps) {
          const row = ledger.get(step.key)?.row;
          const live = tables[0]?.routes.find(({ destination }) => destination === step.row.destination);
          if (step.kind === 'create') assert.equal(live, undefined);
          if (step.kind === 'replace' || step.kind === 'remove') {
            assert.equal(step.expected, live?.target);
            assert.ok(row?.target === live?.target || (adopt && live?.live === false), JSON.stringify(step));
            assert.ok((row?.generation ?? 0) <= 1);
          }
          if (step.kind === 'refuse' && row === undefined && step.row.why === 'no') {
            const { how, target } =
              asked.find(({ number: at }) => subnet(at) === step.row.destination) ?? assert.fail();
            assert.equal(step.row.target, how === 2 ? 'none' : target);
          }
          // Puts come before what goes.
          if (step.kind === 'remove' || step.kind === 'forget')
            assert.ok(steps.slice(steps.indexOf(step)).every(({ kind }) => kind === 'remove' || kind === 'forget'));
        }
      }),
    );
  });
});
