/** Resident memory of the whole daemon, its worker included, some seconds after all peers are programmed. */
import { median, report, round } from './measure.ts';
import { World } from './world.ts';

const BARS = [
  { leases: 1, megabytes: 80 },
  { leases: 1000, megabytes: 90 },
  { leases: 5000, megabytes: 110 },
];
const ROUNDS = 3;

const measured = [];
for (const { leases, megabytes } of BARS) {
  const world = await World.open(leases);
  const settled: number[] = [];
  const peak: number[] = [];
  for (let at = 0; at < ROUNDS; at++) {
    const memory = await world.ask<{ settled: number; peak: number }>({ ask: 'memory', leases });
    settled.push(memory.settled);
    peak.push(memory.peak);
  }
  await world.close();
  measured.push({ leases, megabytes, settled: median(settled), peak: median(peak) });
}

report(
  `Resident memory, medians of ${ROUNDS} runs, MB`,
  ['leases', 'settled', 'peak'],
  measured.map(({ leases, settled, peak }) => [String(leases), round(settled), round(peak)]),
  measured.map(({ leases, megabytes, settled }) => ({
    what: `${leases} leases`,
    value: settled,
    atMost: megabytes,
    unit: ' MB',
  })),
);
