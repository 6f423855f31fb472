import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditKey, auditKeyTime, auditRecord, readAuditRecord, type AuditEntry } from '../../src/core/audit.ts';
import { isoTime } from '../../src/core/iso-time.ts';
import { parseSubnet } from '../../src/core/subnet.ts';

const entry: AuditEntry = {
  at: '2026-06-01T12:00:00.000Z',
  by: 'lambda',
  action: 'replaced',
  table: 'rtb-1',
  destination: parseSubnet('10.42.1.0/24'),
  before: 'eni-1',
  after: 'eni-2',
  node: 'i-0123456789abcdef0',
  epoch: 3,
  why: 'its interface is another',
};
const bare: AuditEntry = { at: entry.at, by: 'lambda', action: 'handed over', why: 'RouteWriter is "reconciler"' };

test('entries come back as they were written', () => {
  const stored = JSON.parse(JSON.stringify(auditRecord([entry, bare]))) as unknown;
  assert.deepEqual(readAuditRecord(stored as never), { entries: [entry, bare], unreadable: 0 });
});

test('an entry that cannot be read is counted, and hides no other', () => {
  const { v, entries } = auditRecord([entry]);
  assert.ok(Array.isArray(entries));
  const spoiled = [
    null,
    'x',
    {},
    { ...entries[0], at: 'yesterday' },
    { ...entries[0], action: 'stolen' },
    { ...entries[0], why: 'a\u001b[2Jb' },
    { ...entries[0], destination: '10.42.1/24' },
    { ...entries[0], table: 7 },
    { ...entries[0], node: 'x'.repeat(1000) },
    { ...entries[0], epoch: 1.5 },
    { ...entries[0], by: '' },
  ];
  assert.deepEqual(readAuditRecord({ v: v ?? 0, entries: [...spoiled, entries[0]] }), {
    entries: [entry],
    unreadable: spoiled.length,
  });
});

test('what is no record of entries says so', () => {
  for (const value of ['x', null, [], {}, { v: 1 }, { v: 2, entries: [] }, { v: 1, entries: 7 }])
    assert.deepEqual(readAuditRecord(value), { entries: [], unreadable: undefined });
});

test('a reason of any length is cut', () => {
  const { entries } = readAuditRecord(auditRecord([{ ...entry, why: 'x'.repeat(1000) }]));
  assert.equal(entries[0]?.why.length, 300);
});

test('keys tell their time, sort by it, and another hand is no time', () => {
  const keys = [1000, 2000, 10_000, 86_400_000].map((ms) => auditKey(isoTime(ms), 'z'));
  assert.deepEqual(keys.toSorted(), keys);
  assert.equal(auditKeyTime(keys[0] ?? ''), '1970-01-01T00:00:01.000Z');
  for (const key of ['x', '2026', '2026-06-01T12:00:00.000Z', 'a/2026-06-01T12:00:00.000Z/x'])
    assert.equal(auditKeyTime(key), undefined);
});

test('times read as the calendar says, over eight thousand years', () => {
  for (let ms = 0; ms < 253_402_300_800_000; ms += 86_400_000 * 13 + 12_345_678)
    assert.equal(isoTime(ms), new Date(ms).toISOString());
  for (const text of ['2000-02-29T23:59:59.999Z', '2100-02-28T00:00:00.000Z', '2100-03-01T00:00:00.000Z'])
    assert.equal(isoTime(Date.parse(text)), text);
  assert.equal(isoTime(-1), '1970-01-01T00:00:00.000Z');
  assert.equal(isoTime(1e18), '9999-12-31T23:59:59.999Z');
  assert.equal(isoTime(1.9), '1970-01-01T00:00:00.001Z');
});
