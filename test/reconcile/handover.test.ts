import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import { ledgerKey, type Ledger } from '../../src/core/ledger.ts';
import { ROUTE_WRITER_KEY, type RouteWriter } from '../../src/core/route-writer.ts';
import { handOver, type HandoverWish } from '../../src/reconcile/handover.ts';
import { never, node, rejectsWith } from '../contract/store-world.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';

const signal = never();

function ledgerOf(...generations: readonly number[]): Ledger {
  return new Map(
    generations.map((generation, index) => {
      const destination = parseSubnet(`10.42.${index}.0/24`);
      const row: LedgerRow = {
        table: 'rtb-1',
        destination,
        target: 'eni-1',
        epoch: 1,
        node: node('a'),
        state: 'committed',
        generation,
      };
      const key = ledgerKey('rtb-1', destination);
      return [key, { key, version: '1', row }];
    }),
  );
}

function world(ledger: Ledger = ledgerOf(0, 0)) {
  const network = new MemoryNetwork(new ManualClock());
  const records = new MemoryRecords(network);
  const side = (name: HandoverWish['side'], configured: RouteWriter['mode'], writes = true) =>
    handOver(records, { side: name, configured, by: name, ledger, writes }, signal);
  const stored = () => network.records.get('writer')?.get(ROUTE_WRITER_KEY)?.value;
  return { network, records, side, stored };
}

test('nodes go on writing until a reconciler runs, whatever the config says', async () => {
  const { side, stored } = world();
  assert.deepEqual(await side('node', 'reconciler'), { writer: { mode: 'node', generation: 0 }, from: undefined });
  assert.equal(stored(), undefined);
  assert.deepEqual(await side('reconciler', 'reconciler'), {
    writer: { mode: 'reconciler', generation: 1 },
    from: { mode: 'node', generation: 0 },
  });
  assert.deepEqual(stored(), { mode: 'reconciler', generation: 1, by: 'reconciler' });
  const after = { writer: { mode: 'reconciler', generation: 1 }, from: undefined };
  assert.deepEqual(await side('node', 'reconciler'), after);
  assert.deepEqual(await side('reconciler', 'reconciler'), after);
});

test('back to the nodes any node hands over, and of many one does', async () => {
  const { side, stored } = world();
  await side('reconciler', 'reconciler');
  const ends = await Promise.all(Array.from({ length: 20 }, () => side('node', 'node')));
  for (const { writer } of ends) assert.deepEqual(writer, { mode: 'node', generation: 2 });
  assert.equal(ends.filter(({ from }) => from !== undefined).length, 1);
  assert.deepEqual(stored(), { mode: 'node', generation: 2, by: 'node' });
  assert.deepEqual((await side('reconciler', 'reconciler')).writer, { mode: 'reconciler', generation: 3 });
});

test('a network in which nodes always wrote needs no record', async () => {
  const { side, stored } = world();
  for (const name of ['node', 'reconciler'] as const)
    assert.deepEqual(await side(name, 'node'), { writer: { mode: 'node', generation: 0 }, from: undefined });
  assert.equal(stored(), undefined);
});

test('a network that begins with a reconciler has nodes that wait for it', async () => {
  const { side, stored } = world(ledgerOf());
  assert.deepEqual((await side('node', 'reconciler')).writer.mode, 'reconciler');
  assert.equal(stored(), undefined);
  assert.deepEqual((await side('reconciler', 'reconciler')).writer, { mode: 'reconciler', generation: 1 });
  assert.deepEqual(stored(), { mode: 'reconciler', generation: 1, by: 'reconciler' });
});

test('a record that was lost or spoiled comes back above all generations that rows tell of', async () => {
  for (const value of ['x', { mode: 'all', generation: 3 }, { mode: 'node', generation: -1 }, undefined]) {
    const { records, side } = world(ledgerOf(4, 7, Number.MAX_SAFE_INTEGER));
    if (value !== undefined) await records.put('writer', ROUTE_WRITER_KEY, value, undefined, signal);
    // Nodes do not take over from a reconciler because of it.
    if (value !== undefined) assert.equal((await side('node', 'reconciler')).writer.mode, 'reconciler');
    const { writer } = await side('reconciler', 'reconciler');
    assert.deepEqual(writer, { mode: 'reconciler', generation: 8 }, JSON.stringify(value));
  }
});

test('one that only looks says what stands, and writes nothing', async () => {
  const { side, stored } = world();
  assert.deepEqual((await side('reconciler', 'reconciler', false)).writer, { mode: 'node', generation: 0 });
  assert.equal(stored(), undefined);
});

test('a record that others keep changing is given up with STORE_CONFLICT', async () => {
  const { records, side } = world();
  const put = records.put.bind(records);
  records.put = async (...args) => {
    await put('writer', ROUTE_WRITER_KEY, { mode: 'node', generation: 5 }, undefined, signal);
    return put(...args);
  };
  await rejectsWith('STORE_CONFLICT', side('reconciler', 'reconciler'));
});
