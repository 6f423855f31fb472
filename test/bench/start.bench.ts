/** From the start of the process to subnet.env, beside an empty Node, where the lease is adopted and the host is right. */
import { interleaved, median, report, round } from './measure.ts';
import { World } from './world.ts';

const LEASES = [1, 1000, 5000] as const;
const ROUNDS = 11;
const AT_MOST = 3;

const worlds = await Promise.all(LEASES.map((leases) => World.open(leases)));
for (const [index, leases] of LEASES.entries()) await worlds[index]?.ask({ ask: 'settle', leases });

const subject = (index: number, ask: 'empty node' | 'start to file') => (): Promise<number> => {
  const world = worlds[index];
  if (world === undefined) throw new Error(`there is no world ${index}`);
  return world.ask<number>({ ask });
};
const measured = await interleaved(ROUNDS, {
  'node -e 0': subject(0, 'empty node'),
  '1 lease': subject(0, 'start to file'),
  '1000 leases': subject(1, 'start to file'),
  '5000 leases': subject(2, 'start to file'),
});
for (const world of worlds) await world.close();

const base = median(measured['node -e 0']);
const names = Object.keys(measured) as (keyof typeof measured)[];
report(
  `Start to subnet.env, DynamoDB, lease adopted; medians of ${ROUNDS}, milliseconds`,
  ['', 'median', 'least', 'x node -e 0'],
  names.map((name) => [
    name,
    round(median(measured[name])),
    round(Math.min(...measured[name])),
    round(median(measured[name]) / base),
  ]),
  names.slice(1).map((name) => ({
    what: `start to subnet.env, ${name}`,
    value: median(measured[name]) / base,
    atMost: AT_MOST,
    unit: ' x node -e 0',
  })),
);
