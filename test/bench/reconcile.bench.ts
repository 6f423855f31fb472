/**
 * The reconciler's function as it is uploaded: how many calls a thousand nodes in three tables cost it against the fewest that do, how long that takes by the
 * account's clock and by this machine's, and what a cold start costs beside an empty Node.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LambdaService } from '../../src/lab/aws/lambda-service.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { BUNDLE, REGION } from '../lambda/lambda-world.ts';
import { BIG_NETWORK, fewestCalls } from '../lambda/thousand-nodes.ts';
import { ThousandRun } from '../lambda/thousand-run.ts';
import { interleaved, median, report, round, timed } from './measure.ts';

const QUOTAS = [1000, 500] as const;
const MOST_RUNS = 24;
const ROUNDS = 9;
const COLD_AT_MOST = 3;

const rows: string[][] = [];
const shares: number[] = [];
for (const quota of QUOTAS) {
  const run = await ThousandRun.start(quota);
  await run.untilIdle(MOST_RUNS);
  const working = run.invoked.filter(({ changes }) => changes > 0);
  const idle = run.invoked.at(-1);
  await run.close();
  const sum = (of: 'changes' | 'tookMs' | 'realMs'): number => working.reduce((all, one) => all + one[of], 0);
  const fewest = fewestCalls(quota);
  shares.push(sum('changes') / fewest);
  rows.push([
    `quota ${quota}`,
    String(sum('changes')),
    String(fewest),
    round(sum('tookMs') / 60_000),
    round(sum('realMs') / 1000),
    String(idle?.calls ?? 0),
    round((idle?.realMs ?? 0) / 1000),
  ]);
}

/** An event that is none: the function loads, reads its settings and opens its clients, and no more. */
async function coldStart(): Promise<number> {
  const environment = {
    WEFT_STORE: 'dynamodb://weft',
    WEFT_VPC: BIG_NETWORK,
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
  };
  const plan = {
    name: 'bench',
    account: '1',
    region: REGION,
    folder: BUNDLE,
    handler: 'index.handler',
    environment,
    timeoutMs: 60_000,
  };
  const service = new LambdaService(plan, { clock: new SystemClock() });
  const { coldMs, tookMs } = await service.invoke({});
  service.close();
  return (coldMs ?? Number.NaN) + tookMs;
}
const measured = await interleaved(ROUNDS, {
  'node -e 0': () => timed(() => spawnSync(process.execPath, ['-e', '0'])),
  'cold start to first answer': coldStart,
});
const [base, cold] = [median(measured['node -e 0']), median(measured['cold start to first answer'])];

/** Bytes of the handler, of EC2's client, and of all that they import at once. */
function readByRun(): number {
  const files = new Set(['index.mjs', ...readdirSync(BUNDLE).filter((name) => /^client-\w+\.mjs$/.test(name))]);
  let bytes = 0;
  for (const file of files) {
    const text = readFileSync(path.join(BUNDLE, file), 'utf8');
    bytes += Buffer.byteLength(text);
    for (const [, imported = ''] of text.matchAll(/\bimport[^("']*["']\.\/([^"']+)["']/g)) files.add(imported);
  }
  return bytes;
}
const size = readByRun();

report(
  'A thousand nodes, three tables, by the bundle; runs that change something',
  ['', 'calls', 'fewest', 'minutes', 'seconds here', 'calls of an idle run', 'its seconds here'],
  rows,
  QUOTAS.map((quota, index) => ({
    what: `calls against the fewest, quota ${quota}`,
    value: shares[index] ?? Number.NaN,
    atMost: 1.05,
    unit: ' x',
  })),
);
report(
  `The bundle; medians of ${ROUNDS}, milliseconds`,
  ['', 'median', 'x node -e 0'],
  [
    ['node -e 0', round(base), '1'],
    ['cold start to first answer', round(cold), round(cold / base)],
  ],
  [
    { what: 'cold start', value: cold / base, atMost: COLD_AT_MOST, unit: ' x node -e 0' },
    { what: 'bundle as a run with DynamoDB reads it', value: size / 1000, atMost: 1000, unit: ' kB' },
  ],
);
