/** A thousand nodes join at once: every one of them becomes a route, and when. The store is looked at once a second. */
import { median, report, round } from './measure.ts';
import { World } from './world.ts';

const JOINING = 1000;
const ROUNDS = 3;
/** One look a second, the looks that 1,000 changes take, and the pass over all of them. */
const AT_MOST_MS = 4000;

const arrivals: number[] = [];
const programmed: number[] = [];
for (let at = 0; at < ROUNDS; at++) {
  const world = await World.open(1);
  await world.ask({ ask: 'settle', leases: 1 });
  const burst = await world.ask<{ arrival: number; programmed: number }>({
    ask: 'burst',
    leases: JOINING,
    arrival: 'together',
  });
  arrivals.push(burst.arrival);
  programmed.push(burst.programmed);
  await world.close();
}

report(
  `${JOINING} nodes join at once, medians of ${ROUNDS}, milliseconds; all ${JOINING} programmed each time`,
  ['', 'median', 'least', 'most'],
  [
    ['their arrival, at the emulator', ...figures(arrivals)],
    ['last write to last route', ...figures(programmed)],
  ],
  [{ what: 'last write to last route', value: median(programmed), atMost: AT_MOST_MS, unit: ' ms' }],
);

function figures(values: readonly number[]): string[] {
  return [median(values), Math.min(...values), Math.max(...values)].map(round);
}
