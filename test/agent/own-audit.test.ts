import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnAudit } from '../../src/agent/own-audit.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { never } from '../contract/store-world.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

test('where no reconciler runs, nodes take records of the audit away that are older than thirty days', async () => {
  const clock = new ManualClock(0, Date.UTC(2026, 5, 1));
  const network = new MemoryNetwork(clock);
  const records = new MemoryRecords(network);
  const parts = { records, clock, random: new SeededRandom(3), log: new ListLog(), node: parseNodeId('node-1') };
  const audit = new OwnAudit(parts);
  const write = async (): Promise<void> => {
    await audit.add({ action: 'prepared', why: 'its check was on' }, never());
    await audit.flush(never());
  };
  const kept = () =>
    [...(network.records.get('audit')?.keys() ?? [])].filter((key) => key.startsWith('2026-06')).length;
  for (let n = 0; n < 20; n++) await write();
  assert.equal(kept(), 20);
  await clock.advance(31 * 86_400_000);
  for (let n = 0; n < 1000; n++) await write();
  assert.equal(kept(), 0);
});
