/** A thousand idle peers: how often they are asked, and how much of a core the whole daemon takes for asking them, and for answering as many. */
import { report, round } from './measure.ts';
import type { Probed } from './probing.ts';
import { World } from './world.ts';

const PEERS = 1000;

const world = await World.open(0);
const probed = await world.ask<Probed>({ ask: 'probing', leases: PEERS });
await world.close();

report(
  `${PEERS} idle peers with two paths each, which ask as often as they are asked; one idle daemon`,
  ['', ''],
  [
    ['requests a second', round(probed.aSecond)],
    ...probed.threads.map(({ name, percent }) => [`percent of a core, thread ${name}`, round(percent)]),
  ],
  [
    { what: 'requests in the busiest second', value: probed.mostInASecond, atMost: 50, unit: '' },
    { what: 'longest time between two requests to one peer', value: probed.longestGapSeconds, atMost: 60, unit: ' s' },
    { what: 'of one core, all threads', value: probed.percent, atMost: 2, unit: ' %' },
  ],
);
