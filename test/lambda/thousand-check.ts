/** What a thousand nodes come to, by the bundle as it is uploaded. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { planned } from '../../src/lab/aws/account.ts';
import { whyNoLambda } from './lambda-world.ts';
import { CONFLICTS, DEAD, expected, fewestCalls, LIVING } from './thousand-nodes.ts';
import { ThousandRun, tooFast } from './thousand-run.ts';

const MOST_RUNS = 24;

/** Each quota in a file of its own, so that they run beside each other. */
export function describeThousand(quota: number): void {
  describe('a thousand nodes, three tables, and a bad week', { skip: whyNoLambda() ?? false }, () => {
    it(`end with exactly the routes that ought to stand at a quota of ${quota}`, async (t) => {
      const run = await ThousandRun.start(quota);
      try {
        await run.untilIdle(MOST_RUNS);
        await routesAreRight(run, quota);
        await restIsRight(run);
        callsAreFew(run, quota, t);
      } catch (error) {
        const last = run.log.lines.slice(-10).map((line) => JSON.stringify(line));
        t.diagnostic(`\n${run.summary()}\n${last.join('\n')}`);
        throw error;
      } finally {
        await run.close();
      }
    });
  });
}

async function routesAreRight({ world }: ThousandRun, quota: number): Promise<void> {
  const ledger = await world.records('ledger');
  const stateOf = (table: string, route: string) => ledger.get(`${table}/${route.split(' ')[0]}`)?.['state'];
  for (const { table, surely, wanted, room } of expected(quota)) {
    const standing = new Set(world.routes(table));
    const ours = [...standing].filter((route) => wanted.has(route));
    assert.deepEqual(
      [...surely].filter((route) => !standing.has(route)),
      [],
      `gone from ${table}`,
    );
    assert.deepEqual(
      [...standing].filter((route) => !wanted.has(route) && !surely.has(route)),
      [],
      `too much in ${table}`,
    );
    assert.equal(ours.length, room, `routes in ${table}`);
    assert.deepEqual(
      ours.filter((route) => stateOf(table, route) !== 'committed'),
      [],
    );

    const left = [...wanted].filter((route) => !standing.has(route));
    assert.deepEqual(
      left.filter((route) => stateOf(table, route) !== 'refused'),
      [],
    );
    for (const route of left) {
      const why = ledger.get(`${table}/${route.split(' ')[0]}`)?.['why'];
      assert.ok(typeof why === 'string' && why.includes(table), `${route}: ${String(JSON.stringify(why))}`);
    }
    const conflicts = table === planned.table('table-c') ? CONFLICTS : [];
    assert.deepEqual(
      conflicts.filter((destination) => stateOf(table, destination) !== 'refused'),
      [],
    );
    const rows = [...ledger.values()].filter((row) => row['table'] === table);
    assert.equal(rows.length, wanted.size + conflicts.length, `rows of ${table}`);
  }
}

async function restIsRight({ world }: ThousandRun): Promise<void> {
  const { interfaces } = world.cloud.state;
  const checking = LIVING.filter(({ name }) => interfaces.get(planned.interface(name))?.sourceDestCheck !== false);
  assert.deepEqual(checking, []);
  const freed = (await world.rows('lease#')).filter(({ state }) => state === 'freed').map(({ SK }) => String(SK));
  assert.deepEqual(freed.toSorted(), DEAD.map(({ lease }) => `lease#${lease.replace('/', '-')}`).toSorted());
}

function callsAreFew({ world, invoked }: ThousandRun, quota: number, t: TestContext): void {
  const { entries } = world.cloud.journal;
  // ForeignWatch says so of each call as it comes.
  assert.deepEqual(world.foreign.touched, []);
  assert.deepEqual(tooFast(entries), []);
  assert.deepEqual(
    entries.filter(({ outcome }) => outcome !== 'ok'),
    [],
  );
  assert.ok(invoked.length > 1);
  assert.equal(invoked.at(-1)?.changes, 0);
  const made = invoked.reduce((sum, { changes }) => sum + changes, 0);
  const fewest = fewestCalls(quota);
  const seconds = (of: 'tookMs' | 'realMs') => (invoked.reduce((sum, one) => sum + one[of], 0) / 1000).toFixed(0);
  t.diagnostic(
    `${invoked.length} runs: ${made} calls that change something, ${fewest} at the least; ${seconds('tookMs')} s by the account's clock, ${seconds('realMs')} s here`,
  );
  assert.ok(made <= fewest * 1.05, `${made} calls of ${fewest}`);
}
