/** What etcd tells, and when it is a route: a thousand nodes at once, one among few, one among thousands, and the start. */
import { interleaved, median, report, round } from './measure.ts';
import { World } from './world.ts';

const BURST = { leases: 1000, rounds: 5, atMostMs: 300 };
const SINGLE = { joining: 50, few: 50, fewMs: 5, many: 5000, manyMs: 30 };
const START = { rounds: 11, atMost: 4 };

const figures = (values: readonly number[]): string[] =>
  [median(values), Math.min(...values), Math.max(...values)].map(round);

async function open(leases: number): Promise<World> {
  const world = await World.open(leases, 'etcd');
  await world.ask({ ask: 'settle', leases });
  return world;
}

async function bursts(): Promise<void> {
  const rows: string[][] = [];
  const bars = [];
  for (const arrival of ['one by one', 'together'] as const) {
    const arrivals: number[] = [];
    const programmed: number[] = [];
    for (let at = 0; at < BURST.rounds; at++) {
      const world = await open(1);
      const burst = await world.ask<{ arrival: number; programmed: number }>({
        ask: 'burst',
        leases: BURST.leases,
        arrival,
      });
      arrivals.push(burst.arrival);
      programmed.push(burst.programmed);
      await world.close();
    }
    const what = arrival === 'together' ? 'in one transaction per 100' : 'in a burst of puts';
    rows.push([`${what}: first put to last acknowledgement`, ...figures(arrivals)]);
    rows.push([`${what}: last acknowledgement to last route`, ...figures(programmed)]);
    bars.push({
      what: `${what}, last put to last route`,
      value: median(programmed),
      atMost: BURST.atMostMs,
      unit: ' ms',
    });
  }
  const title = `${BURST.leases} nodes join at once, etcd, medians of ${BURST.rounds}, milliseconds; all programmed each time`;
  report(title, ['', 'median', 'least', 'most'], rows, bars);
}

async function singles(): Promise<void> {
  const rows: string[][] = [];
  const bars = [];
  for (const [leases, atMost] of [
    [SINGLE.few, SINGLE.fewMs],
    [SINGLE.many, SINGLE.manyMs],
  ] as const) {
    const world = await open(leases);
    const took = await world.ask<number[]>({ ask: 'single', leases: SINGLE.joining });
    await world.close();
    const what = `${leases} to ${leases + SINGLE.joining} leases`;
    rows.push([what, ...figures(took)]);
    bars.push({ what: `one more, ${what}`, value: median(took), atMost, unit: ' ms' });
  }
  const title = `One node joins, etcd: from the acknowledged put to its route, ${SINGLE.joining} times, milliseconds`;
  report(title, ['', 'median', 'least', 'most'], rows, bars);
}

async function start(): Promise<void> {
  const world = await open(1);
  const measured = await interleaved(START.rounds, {
    'node -e 0': () => world.ask<number>({ ask: 'empty node' }),
    '1 lease': () => world.ask<number>({ ask: 'start to file' }),
  });
  await world.close();
  const base = median(measured['node -e 0']);
  const times = median(measured['1 lease']) / base;
  report(
    `Start to subnet.env, etcd, lease adopted; medians of ${START.rounds}, milliseconds`,
    ['', 'median', 'least', 'most', 'x node -e 0'],
    [
      ['node -e 0', ...figures(measured['node -e 0']), round(1)],
      ['1 lease', ...figures(measured['1 lease']), round(times)],
    ],
    [{ what: 'start to subnet.env, 1 lease', value: times, atMost: START.atMost, unit: ' x node -e 0' }],
  );
}

await start();
await singles();
await bursts();
