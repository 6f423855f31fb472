import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAuditRecord, type AuditEntry } from '../../src/core/audit.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { AuditLog, type Audited } from '../../src/reconcile/audit-log.ts';
import { never } from '../contract/store-world.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork, unreachable } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const signal = never();
const DAY = 86_400_000;
const START = Date.UTC(2026, 5, 1, 12);

const created = (index: number, why = 'wanted'): Audited => ({
  action: 'created',
  table: 'rtb-1',
  destination: parseSubnet(`10.${index >> 8}.${index & 255}.0/24`),
  after: `eni-${index}`,
  node: `node-${index}`,
  epoch: 1,
  why,
});

function world() {
  const network = new MemoryNetwork(new ManualClock());
  const clock = new ManualClock(0, START);
  const log = new ListLog();
  const records = new MemoryRecords(network);
  const open = (seed = 1) => new AuditLog({ records, clock, log, random: new SeededRandom(seed) }, 'lambda');
  const stored = () => [...(network.records.get('audit')?.values() ?? [])].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const entries = (): AuditEntry[] => stored().flatMap(({ value }) => readAuditRecord(value).entries);
  return { network, clock, log, records, open, stored, entries };
}

test('each change is a line of the log at once, and a line of a record soon', async () => {
  const { clock, log, open, stored, entries } = world();
  const audit = open();
  await audit.add(created(1), signal);
  assert.deepEqual(log.lines, [
    {
      level: 'info',
      message: 'cloud was changed',
      fields: {
        action: 'created',
        entry: 'rtb-1',
        subnet: '10.0.1.0/24',
        before: undefined,
        after: 'eni-1',
        node: 'node-1',
        epoch: 1,
        why: 'wanted',
      },
    },
  ]);
  assert.deepEqual(stored(), []);
  await clock.advance(5000);
  await audit.add(created(2), signal);
  assert.deepEqual(entries(), [
    { at: '2026-06-01T12:00:00.000Z', by: 'lambda', ...created(1) },
    { at: '2026-06-01T12:00:05.000Z', by: 'lambda', ...created(2) },
  ]);
  await audit.add(created(3), signal);
  assert.equal(stored().length, 1);
  await audit.flush(signal);
  assert.equal(stored().length, 2);
  assert.deepEqual(entries(), audit.entries);
  await audit.flush(signal);
  assert.equal(stored().length, 2);
});

test('a record holds a hundred, and never more bytes than a record may have', async () => {
  const { open, stored, entries } = world();
  const audit = open();
  for (let index = 0; index < 250; index++) await audit.add(created(index), signal);
  assert.equal(stored().length, 2);
  for (let index = 0; index < 100; index++) await audit.add(created(index, 'ü'.repeat(400)), signal);
  await audit.flush(signal);
  const sizes = stored().map(({ value }) => Buffer.byteLength(JSON.stringify(value)));
  assert.ok(Math.max(...sizes) <= 32 * 1024, `${Math.max(...sizes)} bytes`);
  assert.equal(entries().length, 350);
});

test('two who write at the same moment do not overwrite each other', async () => {
  const { open, entries } = world();
  // The same chance, too.
  for (let runs = 0; runs < 3; runs++) {
    const audit = open(7);
    await audit.add(created(runs), signal);
    await audit.flush(signal);
  }
  assert.equal(entries().length, 3);
});

test('a store that is away ends no run, is told of, and gets it later', async () => {
  const { network, open, entries } = world();
  const audit = open();
  network.before = () => {
    throw unreachable();
  };
  await audit.add(created(1), signal);
  await audit.flush(signal);
  assert.equal(audit.trouble?.code, 'STORE_UNREACHABLE');
  network.before = () => undefined;
  await audit.add(created(2), signal);
  await audit.flush(signal);
  assert.equal(audit.trouble, undefined);
  assert.equal(entries().length, 2);
});

test('of an endless number the last ten thousand are kept while the store is away', async () => {
  const { network, open } = world();
  network.before = () => {
    throw unreachable();
  };
  const audit = open();
  for (let index = 0; index < 10_050; index++) await audit.add(created(index), signal);
  assert.equal(audit.entries.length, 10_000);
  assert.equal(audit.entries[0]?.after, 'eni-50');
});

test('what is older than thirty days goes, a thousand records at a time; what another hand left stays', async () => {
  const { clock, records, open, stored } = world();
  await records.put('audit', 'notes', 'mine', undefined, signal);
  const audit = open();
  for (let index = 0; index < 1050; index++) {
    await audit.add(created(index), signal);
    await audit.flush(signal);
  }
  await clock.advance(29 * DAY);
  await audit.prune(signal);
  assert.equal(stored().length, 1051);
  await clock.advance(DAY + 1);
  await audit.add(created(1), signal);
  await audit.flush(signal);
  await audit.prune(signal);
  assert.equal(stored().length, 52);
  await audit.prune(signal);
  assert.deepEqual(
    stored().map(({ key }) => key.slice(0, 10)),
    ['2026-07-01', 'notes'],
  );
});

test('it ends when it is told to', async () => {
  const { open, log, network } = world();
  const audit = open();
  await audit.add(created(1), signal);
  const gone = AbortSignal.abort();
  await assert.rejects(audit.flush(gone), { code: 'ABORTED' });
  await assert.rejects(audit.prune(gone), { code: 'ABORTED' });
  network.before = () => {
    throw unreachable();
  };
  await audit.prune(signal);
  assert.equal(log.lines.at(-1)?.message, 'old audit records could not be removed');
});
