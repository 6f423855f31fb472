import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ledgerKey, ledgerRowToJson, rowsOf, readLedger } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { CloudCluster } from './cloud-cluster.ts';

const TABLES = ['rtb-a', 'rtb-b', 'rtb-main'];
/** Interfaces of ours, of owners before, and things that we never made a route to. */
const TARGETS = ['eni-1', 'eni-2', 'eni-old', 'igw-1', 'eni-hand'];
const subnet = (number: number) => parseSubnet(`10.42.${number}.0/24`);

interface World {
  readonly hosts: readonly { readonly number: number; readonly subnet: string; readonly table: string }[];
  readonly routes: readonly { readonly table: string; readonly number: number; readonly target: string }[];
  readonly rows: readonly {
    readonly table: string;
    readonly number: number;
    readonly target: string;
    readonly before: string | undefined;
    readonly epoch: number;
    readonly node: number;
    readonly state: 'intent' | 'committed' | 'refused';
  }[];
}

const place = { table: fc.constantFrom(...TABLES), number: fc.integer({ min: 1, max: 4 }) };
const world: fc.Arbitrary<World> = fc.record({
  hosts: fc.uniqueArray(
    fc.record({
      number: fc.integer({ min: 1, max: 3 }),
      subnet: fc.constantFrom('subnet-a', 'subnet-b', 'subnet-c'),
      table: fc.constantFrom(...TABLES),
    }),
    { selector: ({ number }) => number, minLength: 1, maxLength: 3 },
  ),
  routes: fc.array(fc.record({ ...place, target: fc.constantFrom(...TARGETS) }), { maxLength: 8 }),
  rows: fc.array(
    fc.record({
      ...place,
      target: fc.constantFrom('eni-1', 'eni-2', 'eni-old'),
      before: fc.option(fc.constant('eni-old'), { nil: undefined }),
      epoch: fc.integer({ min: 0, max: 5 }),
      node: fc.integer({ min: 1, max: 3 }),
      state: fc.constantFrom('intent', 'committed', 'refused'),
    }),
    { maxLength: 8 },
  ),
});

async function build({ hosts, routes, rows }: World): Promise<CloudCluster> {
  const cluster = new CloudCluster();
  for (const host of hosts) cluster.join(host);
  for (const { table, number, target } of routes) cluster.cloud.foreign(table, subnet(number), target);
  for (const { table, number, node, before, ...row } of rows) {
    const destination = subnet(number);
    const json = ledgerRowToJson({
      ...row,
      ...(before === undefined ? {} : { before: [before] }),
      table,
      destination,
      node: parseNodeId(`node-${node}`),
      generation: 0,
    });
    await cluster.records.put('ledger', ledgerKey(table, destination), json, undefined, never());
  }
  return cluster;
}

describe('passes over any state of tables and ledger', () => {
  it('never touch a route that the ledger does not know, and bring all else to what is wanted, once', async () => {
    await fc.assert(
      fc.asyncProperty(world, async (state) => {
        const cluster = await build(state);
        const before = cluster.cloud.text;
        const ledger = readLedger((await cluster.records.list('ledger', never())).records.values());
        const known = (line: string): boolean => {
          const [table, destination, target] = line.split(' ');
          const row = rowsOf(ledger, table).get(parseSubnet(destination ?? ''));
          return row?.target === target || row?.before?.includes(target ?? '') === true;
        };
        for (let rounds = 0; rounds < 2; rounds++) {
          await cluster.passAll();
          await cluster.clock.advance(6 * 60_000);
        }
        for (const line of before)
          if (!known(line)) assert.ok(cluster.cloud.text.includes(line), `${line} was not ours`);

        cluster.cloud.journal.length = 0;
        const seq = cluster.network.seq;
        await cluster.passAll();
        assert.deepEqual(cluster.cloud.mutations, [], 'a pass more changes nothing in the cloud');
        assert.equal(cluster.network.seq, seq, 'nor in the ledger');
        for (const { row } of readLedger((await cluster.records.list('ledger', never())).records.values()).values()) {
          const isCurrent = state.hosts.some(
            ({ number }) => row?.destination === subnet(number) && row.epoch === number,
          );
          if (row?.state === 'committed' && isCurrent)
            assert.ok(
              cluster.cloud.text.includes(`${row.table} ${row.destination} ${row.target}`),
              `${ledgerKey(row.table, row.destination)} does not stand`,
            );
        }
      }),
      { numRuns: 300 },
    );
  });
});
