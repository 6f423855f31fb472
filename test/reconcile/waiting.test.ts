import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import { Waiting, type Waited } from '../../src/reconcile/waiting.ts';
import { MINUTE, never } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';

const signal = never();
const subnet = (index: number): Subnet => parseSubnet(`10.${index >> 8}.${index & 255}.0/24`);
const [a, b] = [subnet(1), subnet(2)];

interface Run {
  readonly minute: number;
  readonly due: number;
  readonly isDue?: boolean;
  readonly wants: readonly (readonly [table: string, destination: Subnet, what: string])[];
  readonly looked?: readonly string[];
}

function world() {
  const network = new MemoryNetwork(new ManualClock());
  const records = new MemoryRecords(network);
  const run = async ({ minute, due, isDue = true, wants, looked = ['rtb-1', 'rtb-2'] }: Run) => {
    const waiting = await Waiting.read(records, { ageMs: minute * MINUTE, due, isDue }, signal);
    const waited = wants.map(([table, destination, what]) => text(waiting.wait(table, destination, what)));
    await waiting.save(new Set(looked), signal);
    return waited;
  };
  const keys = () => [...(network.records.get('waiting')?.keys() ?? [])].toSorted();
  return { network, records, run, keys };
}

const text = ({ forMs, dueRuns }: Waited): string => `${forMs / MINUTE}m ${dueRuns}`;

test('a removal waits from the run that wanted it first, as long as each run wants it', async () => {
  const { run, keys } = world();
  const wants = [['rtb-1', a, 'unwanted']] as const;
  assert.deepEqual(await run({ minute: 10, due: 3, wants }), ['0m 1']);
  assert.deepEqual(await run({ minute: 11, due: 4, wants }), ['1m 2']);
  assert.deepEqual(await run({ minute: 16, due: 5, wants }), ['6m 3']);
  assert.deepEqual(await run({ minute: 17, due: 6, wants: [] }), []);
  assert.deepEqual(keys(), []);
  assert.deepEqual(await run({ minute: 18, due: 7, wants }), ['0m 1']);
});

test('runs that are not due prove no time', async () => {
  const { run } = world();
  const wants = [['rtb-1', a, 'unwanted']] as const;
  assert.deepEqual(await run({ minute: 0, due: 5, isDue: false, wants }), ['0m 0']);
  assert.deepEqual(await run({ minute: 6, due: 5, isDue: false, wants }), ['6m 0']);
  assert.deepEqual(await run({ minute: 7, due: 6, wants }), ['7m 1']);
  assert.deepEqual(await run({ minute: 8, due: 6, isDue: false, wants }), ['8m 1']);
  assert.deepEqual(await run({ minute: 9, due: 7, wants }), ['9m 2']);
});

test('another reason is another wait', async () => {
  const { run } = world();
  await run({ minute: 0, due: 1, wants: [['rtb-1', a, 'unwanted']] });
  assert.deepEqual(await run({ minute: 5, due: 2, wants: [['rtb-1', a, 'lease-gone']] }), ['0m 1']);
});

test('tables that a run did not come to keep their waits', async () => {
  const { run, keys } = world();
  await run({
    minute: 0,
    due: 1,
    wants: [
      ['rtb-1', a, 'unwanted'],
      ['rtb-2', a, 'unwanted'],
      ['rtb-2', b, 'unwanted'],
    ],
  });
  await run({ minute: 1, due: 2, wants: [['rtb-2', b, 'unwanted']], looked: ['rtb-1'] });
  assert.deepEqual(keys(), ['rtb-2']);
  assert.deepEqual(
    await run({
      minute: 2,
      due: 3,
      wants: [
        ['rtb-1', a, 'unwanted'],
        ['rtb-2', a, 'unwanted'],
        ['rtb-2', b, 'unwanted'],
      ],
    }),
    ['0m 1', '2m 3', '2m 3'],
  );
});

test('of a table that no run sees any more the waits are kept for a day, and then taken away', async () => {
  const { run, keys, records } = world();
  const day = 24 * 60;
  await run({ minute: 10, due: 1, wants: [['rtb-2', a, 'unwanted']], looked: ['rtb-1', 'rtb-2'] });
  // Another version's is not ours to judge.
  await records.put('waiting', 'rtb-9', { v: 2 }, 'absent', signal);
  await run({ minute: 10 + day, due: 2, wants: [], looked: ['rtb-1'] });
  assert.deepEqual(keys(), ['rtb-2', 'rtb-9']);
  // A run that failed has seen nothing, and says so.
  await run({ minute: 11 + day, due: 3, wants: [], looked: [] });
  assert.deepEqual(keys(), ['rtb-2', 'rtb-9']);
  await run({ minute: 11 + day, due: 3, wants: [['rtb-1', a, 'unwanted']], looked: ['rtb-1'] });
  assert.deepEqual(keys(), ['rtb-1', 'rtb-9']);
});

test("another reconciler's waits of a table that this one does not see stay while one of them is new", async () => {
  const { run, keys } = world();
  const day = 24 * 60;
  const [old, late] = [['rtb-2', a, 'unwanted'] as const, ['rtb-2', b, 'unwanted'] as const];
  await run({ minute: 0, due: 1, wants: [old], looked: ['rtb-2'] });
  await run({ minute: day, due: 2, wants: [old, late], looked: ['rtb-2'] });
  await run({ minute: day + 5, due: 3, wants: [], looked: ['rtb-1'] });
  assert.deepEqual(keys(), ['rtb-2']);
  assert.deepEqual(await run({ minute: day + 6, due: 4, wants: [old, late], looked: ['rtb-2'] }), [
    `${day + 6}m 4`,
    '6m 3',
  ]);
});

test('what stands of a table that no run sees, and counts in an age that has begun anew since, goes at once', async () => {
  const { run, keys } = world();
  await run({ minute: 1e6, due: 1000, wants: [['rtb-2', a, 'unwanted']], looked: ['rtb-2'] });
  await run({ minute: 0, due: 1, wants: [], looked: ['rtb-1'] });
  assert.deepEqual(keys(), []);
});

test('a run that changes nothing writes nothing', async () => {
  const { network, run } = world();
  const wants = [['rtb-1', a, 'unwanted']] as const;
  await run({ minute: 0, due: 1, wants });
  const version = network.records.get('waiting')?.get('rtb-1')?.version;
  await run({ minute: 1, due: 2, wants });
  assert.equal(network.records.get('waiting')?.get('rtb-1')?.version, version);
});

test("a table's thousand routes fit into its record, however they came", async () => {
  const { network, run } = world();
  const wants = Array.from({ length: 1000 }, (_, index) => ['rtb-1', subnet(index), 'unwanted'] as const);
  await run({ minute: 1e6, due: 1_000_000, wants });
  const size = () => JSON.stringify(network.records.get('waiting')?.get('rtb-1')?.value).length;
  assert.ok(size() < 20_000, `${size()} bytes`);
  const later = await run({ minute: 1e6 + 5, due: 1_000_005, wants });
  assert.deepEqual(new Set(later), new Set(['5m 6']));

  // One by one: those that wait longest are kept.
  const slow = world();
  for (let minute = 0; minute < 1000; minute++)
    await slow.run({ minute: 1e6 + minute, due: 1e6 + minute, wants: wants.slice(0, minute + 1) });
  const value = JSON.stringify(slow.network.records.get('waiting')?.get('rtb-1')?.value);
  assert.ok(value.length <= 32 * 1024, `${value.length} bytes`);
  const [first] = await slow.run({ minute: 1e6 + 1000, due: 1e6 + 1000, wants });
  assert.equal(first, '1000m 1001');
});

test('what cannot be read waits anew, and never longer than the age', async () => {
  const wants = [['rtb-1', a, 'unwanted']] as const;
  for (const value of ['x', { v: 1, waits: 7 }, { v: 1, waits: [['unwanted', -5, 0, [a]], 3, ['UN', 0, 0, [a]]] }]) {
    const { records, run } = world();
    await records.put('waiting', 'rtb-1', value, undefined, signal);
    assert.deepEqual(await run({ minute: 60, due: 9, wants }), ['0m 1']);
  }
  const { records, run } = world();
  const ahead = { v: 1, waits: [['unwanted', 1e12, 1000, [a, 'no subnet']]] };
  await records.put('waiting', 'rtb-1', ahead, undefined, signal);
  assert.deepEqual(await run({ minute: 60, due: 9, wants }), ['0m 1']);
  assert.deepEqual(await run({ minute: 61, due: 10, wants }), ['1m 2']);
});
