import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { ledgerKey, ledgerRowToJson, readLedger, readLedgerRow, rowsOf } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { subnetIn } from './arbitraries.ts';

const destination = parseSubnet('10.42.7.0/24');
const ROW: LedgerRow = {
  table: 'rtb-1',
  destination,
  target: 'eni-1',
  epoch: 7,
  node: parseNodeId('i-1'),
  state: 'committed',
  generation: 0,
};
const KEY = 'rtb-1/10.42.7.0/24';
const JSON_ROW = ledgerRowToJson(ROW);

const token = fc.stringMatching(/^[A-Za-z0-9._:/-]{1,30}$/);
const row: fc.Arbitrary<LedgerRow> = fc.record(
  {
    table: token,
    destination: subnetIn(4),
    target: token,
    before: fc.array(token, { minLength: 1, maxLength: 4 }),
    epoch: fc.maxSafeNat(),
    node: fc.constantFrom('node-1', 'i-0abc').map(parseNodeId),
    state: fc.constantFrom('intent', 'committed', 'refused'),
    why: fc.string({ maxLength: 300 }),
    generation: fc.maxSafeNat(),
  },
  { requiredKeys: ['table', 'destination', 'target', 'epoch', 'node', 'state', 'generation'], noNullPrototype: true },
);

describe('the ledger of cloud routes', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(row, (one) => {
        const stored = JSON.parse(JSON.stringify(ledgerRowToJson(one))) as JsonValue;
        assert.deepEqual(readLedgerRow(ledgerKey(one.table, one.destination), stored), one);
      }),
    );
  });

  it('takes nothing that another hand wrote for a row, and throws at nothing', () => {
    const without = (name: string): JsonObject =>
      Object.fromEntries(Object.entries(JSON_ROW).filter(([key]) => key !== name));
    const odd: JsonValue[] = [
      null,
      [],
      'committed',
      {},
      { ...JSON_ROW, v: 2 },
      { ...JSON_ROW, destination: '10.42.8.0/24' },
      { ...JSON_ROW, destination: 'everywhere' },
      { ...JSON_ROW, epoch: -1 },
      { ...JSON_ROW, epoch: '7' },
      { ...JSON_ROW, state: 'done' },
      { ...JSON_ROW, node: 'no node' },
      { ...JSON_ROW, target: 'eni 1' },
      { ...JSON_ROW, before: 7 },
      { ...JSON_ROW, before: ['eni-2', 7] },
      { ...JSON_ROW, generation: 1.5 },
      ...['table', 'destination', 'target', 'epoch', 'node', 'state', 'generation'].map(without),
    ];
    assert.deepEqual(
      odd.filter((value) => readLedgerRow(KEY, value) !== undefined),
      [],
    );
    fc.assert(fc.property(fc.jsonValue(), (value) => void readLedgerRow(KEY, value as JsonValue)));
  });

  it('keeps the version of a row that cannot be read, so that it can be overwritten', () => {
    const ledger = readLedger([
      { key: KEY, value: JSON_ROW, version: '1' },
      { key: 'rtb-1/odd', value: 'garbage', version: '2' },
    ]);
    assert.deepEqual(ledger.get('rtb-1/odd'), { key: 'rtb-1/odd', version: '2', row: undefined });
    assert.deepEqual([...rowsOf(ledger, 'rtb-1').values()], [ROW]);
    assert.equal(rowsOf(ledger, undefined).size, 0);
  });
});
