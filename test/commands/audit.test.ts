import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditEntry } from '../../src/core/audit.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { AuditLog, type Audited } from '../../src/reconcile/audit-log.ts';
import { never } from '../contract/store-world.ts';
import { ListLog } from '../fakes/list-log.ts';
import { unreachable } from '../fakes/memory-network.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { Terminal } from './typed.ts';

const signal = never();
const HOUR = 3_600_000;

const subnet = (third: number) => parseSubnet(`10.42.${third}.0/24`);

async function did(terminal: Terminal, by: string, ...done: readonly Audited[]): Promise<void> {
  const { records, clock } = terminal;
  const audit = new AuditLog({ records, clock, log: new ListLog(), random: new SeededRandom(1) }, by);
  for (const one of done) await audit.add(one, signal);
  await audit.flush(signal);
}

/** A day with a machine that comes, is replaced, and goes. */
async function day(): Promise<Terminal> {
  const terminal = new Terminal();
  const created: Audited = {
    action: 'created',
    table: 'rtb-1',
    destination: subnet(7),
    after: 'eni-1',
    node: 'i-a',
    epoch: 1,
    why: 'a sender uses the table',
  };
  await did(terminal, 'i-a', created, { ...created, table: 'rtb-2' });
  await terminal.clock.advance(10 * HOUR);
  await did(terminal, 'lambda', { action: 'handed over', why: 'RouteWriter is "reconciler" now' });
  await terminal.clock.advance(10 * HOUR);
  await did(terminal, 'lambda', {
    action: 'removed',
    table: 'rtb-1',
    destination: subnet(7),
    before: 'eni-1',
    node: 'i-a',
    epoch: 1,
    why: 'its machine is terminated',
  });
  return terminal;
}

const rows = (out: string): string[] =>
  out
    .split('\n')
    .slice(1)
    .filter((line) => line !== '');

describe('weftd audit', () => {
  it('shows who did what, the newest last', async () => {
    const { out, exit } = await (await day()).type('audit');
    assert.equal(exit, 0);
    assert.equal(
      out,
      `TIME                  BY      ACTION       TABLE  SUBNET        BEFORE  AFTER  NODE  WHY
2026-01-01T00:00:00Z  i-a     created      rtb-1  10.42.7.0/24  -       eni-1  i-a   a sender uses the table
2026-01-01T00:00:00Z  i-a     created      rtb-2  10.42.7.0/24  -       eni-1  i-a   a sender uses the table
2026-01-01T10:00:00Z  lambda  handed over  -      -             -       -      -     RouteWriter is "reconciler" now
2026-01-01T20:00:00Z  lambda  removed      rtb-1  10.42.7.0/24  eni-1   -      i-a   its machine is terminated
`,
    );
  });

  it('shows the last day, or as far back as asked', async () => {
    const terminal = await day();
    await terminal.clock.advance(10 * HOUR);
    assert.equal(rows((await terminal.type('audit')).out).length, 2);
    assert.equal(rows((await terminal.type('audit --since 31h')).out).length, 4);
    assert.equal(
      (await terminal.type('audit --since 1h')).out,
      'Nothing is known to have been done to the cloud in the last 1h.\n',
    );
  });

  it('shows one table, one subnet, or the one that has an address', async () => {
    const terminal = await day();
    await did(terminal, 'i-b', { action: 'created', table: 'rtb-1', destination: subnet(9), after: 'eni-2', why: 'x' });
    const count = async (asked: string): Promise<number> => rows((await terminal.type(`audit ${asked}`)).out).length;
    assert.equal(await count('--table rtb-2'), 1);
    assert.equal(await count('--table rtb-1 --table rtb-2'), 4);
    assert.equal(await count('--subnet 10.42.7.0/24'), 3);
    assert.equal(await count('--subnet 10.42.9.77'), 1);
    assert.equal(await count('--subnet 10.42.0.0/16 --table rtb-2'), 1);
    const { err, exit } = await terminal.type('audit --subnet lambda');
    assert.deepEqual([exit, /--subnet "lambda": expected a subnet like 10\.42\.9\.0\/24/.test(err)], [2, true]);
  });

  it('leaves the oldest out where there are too many, and says so', async () => {
    const { out } = await (await day()).type('audit --limit 1');
    assert.match(out, /^3 earlier lines left out; --limit shows more\.\n\nTIME/);
    assert.match(out, /removed/);
    assert.doesNotMatch(out, /created/);
  });

  it('names what another hand has written, and shows the rest', async () => {
    const terminal = await day();
    const { records } = terminal;
    await records.put('audit', 'notes', 'mine', undefined, signal);
    await records.put('audit', '2026-01-01T20:00:00.000Z/x', { v: 1, entries: [{}, 7] }, undefined, signal);
    const { out, exit } = await terminal.type('audit');
    assert.equal(exit, 0);
    assert.equal(rows(out).filter((line) => line.startsWith('2026')).length, 4);
    assert.ok(
      out.endsWith(`
Cannot be read:
  "2026-01-01T20:00:00.000Z/x": 2 entries are none
  "notes": not a record of audit entries
`),
      out,
    );
  });

  it('shows once what a lost answer made stand twice', async () => {
    const terminal = await day();
    const standing = [...(terminal.network.records.get('audit')?.values() ?? [])];
    for (const { key, value } of standing)
      await terminal.records.put('audit', `${key}-again`, value, undefined, signal);
    assert.equal(rows((await terminal.type('audit')).out).length, 4);
  });

  it('is JSON for programs', async () => {
    const terminal = await day();
    const shown = JSON.parse((await terminal.type('audit --json --limit 2')).out) as { entries: AuditEntry[] };
    assert.deepEqual(shown, {
      entries: [
        { at: '2026-01-01T10:00:00.000Z', by: 'lambda', action: 'handed over', why: 'RouteWriter is "reconciler" now' },
        {
          at: '2026-01-01T20:00:00.000Z',
          by: 'lambda',
          action: 'removed',
          table: 'rtb-1',
          destination: '10.42.7.0/24',
          before: 'eni-1',
          node: 'i-a',
          epoch: 1,
          why: 'its machine is terminated',
        },
      ],
      earlier: 2,
      skipped: [],
    });
  });

  it('ends with the error when the store is away', async () => {
    const terminal = await day();
    terminal.network.before = () => {
      throw unreachable();
    };
    const { err, exit } = await terminal.type('audit');
    assert.deepEqual([exit, /STORE_UNREACHABLE/.test(err)], [1, true]);
  });
});
