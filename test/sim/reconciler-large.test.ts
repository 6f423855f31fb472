/** A thousand nodes, and the quota that AWS grants with and without asking. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { largeWorld } from '../reconcile/large-world.ts';
import { changing, ledgerText } from '../reconcile/world-state.ts';

/** First runs put right, the quarantine of 15 minutes ends, and what then has room is put. */
const RUNS = 7;

describe('a reconciler with 1,000 nodes, 3 tables, 200 stale routes, 50 foreign ones and 20 black holes', () => {
  for (const quota of [1000, 500])
    it(`ends with exactly what ought to stand, with quota ${quota}, and calls no more than it must`, async () => {
      const { world, watch, expected, afterAdoption, least, leastOfAdoption } = await largeWorld(quota);
      const reports = await world.runs(RUNS);
      assert.deepEqual(world.cloud.text, expected.routes);
      watch.check();

      // Each that found no room is refused in the ledger, where its senders see it, and in the report, with the reason.
      const refused = ledgerText(world).filter((line) => line.includes(' refused '));
      assert.deepEqual(
        refused.map((line) => line.split(' ').slice(0, 2).join(' ')),
        expected.overflow,
      );
      const [last] = reports.slice(-1);
      const full = [...(last?.outcomes.values() ?? [])].filter(({ code }) => code === 'ROUTE_TABLE_FULL');
      assert.deepEqual(full.map(({ row }) => `${row.table} ${row.destination}`).toSorted(), expected.overflow);
      assert.equal(
        last?.tables.reduce((sum, { overflow }) => sum + overflow, 0),
        expected.overflow.length,
      );

      const calls = changing(world).length;
      assert.ok(calls >= least && calls <= Math.floor(least * 1.05), `${calls} calls, and ${least} are the least`);

      // Again: nothing.
      const seq = world.cloud.made.length;
      const again = await world.run();
      assert.deepEqual([again.how, again.calls, changing(world).length], ['done', 0, calls]);
      assert.ok(world.cloud.made.length > seq);

      // The black holes, once a person says so.
      await world.run(world.process(), { why: 'person', adopt: true });
      await world.runs(RUNS);
      assert.deepEqual(world.cloud.text, afterAdoption.routes);
      const adopting = changing(world).length - calls;
      assert.ok(
        adopting >= leastOfAdoption && adopting <= Math.ceil(leastOfAdoption * 1.05),
        `${adopting} calls, and ${leastOfAdoption} are the least`,
      );
      watch.check();
    });
});
