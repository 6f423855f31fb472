import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ledgerRowToJson, readLedgerRow } from '../../src/core/ledger.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { World } from './cloud-keeper-world.ts';

const MINUTE = 60_000;

describe('what others see of a route', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());

  it("a doubt shows what became of others' routes in the own table, and their rows say so", async () => {
    const row = { v: 1, table: 'rtb-a', target: 'eni-3', epoch: 3, node: 'node-3', state: 'committed', generation: 0 };
    const destinations = ['10.42.3.0/24', '10.42.4.0/24', '10.42.5.0/24'].map(parseSubnet);
    for (const destination of destinations)
      await world.records.put('ledger', `rtb-a/${destination}`, { ...row, destination }, undefined, never());
    const [whole, redirected] = destinations;
    assert.ok(whole !== undefined && redirected !== undefined);
    world.cloud.foreign('rtb-a', whole, 'eni-3');
    world.cloud.foreign('rtb-a', redirected, 'igw-1');
    world.start();
    await world.pass(5 * MINUTE);
    const states = (): string[] =>
      [...(world.keeper.facts?.rows.values() ?? [])]
        .map(({ destination, state, why }) => `${destination} ${state} ${why ?? ''}`)
        .toSorted();
    assert.ok(states().every((line) => line.includes('committed')));
    world.keeper.doubt();
    await world.pass(2000);
    assert.deepEqual(states(), [
      '10.42.3.0/24 committed ',
      '10.42.4.0/24 refused the route to 10.42.4.0/24 in rtb-a leads to igw-1, as node node-1 saw',
      '10.42.5.0/24 refused the route to 10.42.5.0/24 in rtb-a is not there, as node node-1 saw',
    ]);
  });

  it('an owner whose row was spoken against looks soon, and puts the route back', async () => {
    world.start();
    await world.pass(MINUTE);
    world.cloud.tables.get('rtb-b')?.routes.clear();
    const [record] = (await world.records.list('ledger', never())).records.values();
    const row = record && readLedgerRow(record.key, record.value);
    assert.ok(record !== undefined && row !== undefined);
    const spoken = ledgerRowToJson({ ...row, state: 'refused', why: 'seen to be gone' });
    await world.records.put('ledger', record.key, spoken, record.version, never());
    await world.pass(MINUTE);
    assert.deepEqual(world.cloud.text, ['rtb-b 10.42.1.0/24 eni-1']);
  });
});
