/** The bundle as it is uploaded, and a thousand nodes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planned } from '../../src/lab/aws/account.ts';
import { isJsonObject } from '../../src/core/json.ts';
import { whyNoDynamoDB } from '../dynamodb/emulator.ts';
import { CHECKING, CONFLICTS, DEAD, expected, fewestCalls, LIVING } from './thousand-nodes.ts';
import { ThousandRun, tooFast } from './thousand-run.ts';

const MOST_RUNS = 24;

describe('a thousand nodes, three tables, and a bad week', { skip: whyNoDynamoDB() ?? false }, () => {
  for (const quota of [1000, 500]) {
    it(`ends with exactly the routes that ought to stand at a quota of ${quota}`, async (t) => {
      const run = await ThousandRun.start(quota);
      try {
        await run.untilIdle(MOST_RUNS);
        t.diagnostic(`\n${run.summary()}`);
        const { world } = run;
        const ledger = await world.records('ledger');

        for (const { table, surely, wanted, room } of expected(quota)) {
          const standing = world.routes(table);
          const ours = standing.filter((route) => wanted.has(route));
          assert.deepEqual(
            [...surely].filter((route) => !standing.includes(route)),
            [],
            `gone from ${table}`,
          );
          assert.deepEqual(
            standing.filter((route) => !wanted.has(route) && !surely.has(route)),
            [],
            `too much in ${table}`,
          );
          assert.equal(ours.length, room, `routes in ${table}`);

          const committed = ours.map((route) => ledger.get(`${table}/${route.split(' ')[0]}`)?.['state']);
          assert.deepEqual(new Set(committed), new Set(['committed']));
          const left = [...wanted]
            .filter((route) => !standing.includes(route))
            .map((route) => route.split(' ')[0] ?? '');
          assert.equal(left.length, wanted.size - room);
          for (const destination of left) {
            const row = ledger.get(`${table}/${destination}`);
            assert.equal(row?.['state'], 'refused', `${table} ${destination}`);
            assert.match(String(row['why']), /full|holds|room|quota/i);
          }
          const rows = [...ledger.values()].filter((row) => isJsonObject(row) && row['table'] === table);
          const conflicts = table === planned.table('table-c') ? CONFLICTS.length : 0;
          assert.equal(rows.length, wanted.size + conflicts, `rows of ${table}`);
        }
        for (const destination of CONFLICTS)
          assert.equal(ledger.get(`${planned.table('table-c')}/${destination}`)?.['state'], 'refused');

        const { interfaces } = world.cloud.state;
        assert.deepEqual(
          LIVING.filter(({ name }) => interfaces.get(planned.interface(name))?.sourceDestCheck !== false),
          [],
        );
        const leases = await world.rows('lease#');
        const freed = leases.filter(({ state }) => state === 'freed').map(({ SK }) => String(SK));
        assert.deepEqual(freed.toSorted(), DEAD.map(({ lease }) => `lease#${lease.replace('/', '-')}`).toSorted());

        // ForeignWatch says the same of each call as it comes (LambdaWorld.close).
        assert.deepEqual(world.foreign.touched, []);
        assert.deepEqual(tooFast(world.cloud.journal.entries), []);
        assert.deepEqual(
          world.cloud.journal.entries
            .filter(({ outcome }) => outcome !== 'ok')
            .map(({ action, outcome }) => `${action} ${outcome}`),
          [],
        );
        const made = run.invoked.reduce((sum, { changes }) => sum + changes, 0);
        const fewest = fewestCalls(quota);
        t.diagnostic(
          `${made} calls that change something, ${fewest} at the least (${CHECKING.length} of them for interfaces)`,
        );
        assert.ok(made <= fewest * 1.05, `${made} calls of ${fewest}`);
        assert.ok(run.invoked.length > 1);
        assert.equal(run.invoked.at(-1)?.changes, 0);
      } catch (error) {
        t.diagnostic(
          `\n${run.summary()}\n${run.log.lines
            .slice(-20)
            .map((line) => JSON.stringify(line))
            .join('\n')}`,
        );
        throw error;
      } finally {
        await run.close();
      }
    });
  }
});
