/** How long a host thinks about 5,000 peers: the plan, and its difference to what stands. */
import { diff } from '../../src/core/diff.ts';
import { HOST_ENTRIES, type HostEntry } from '../../src/core/host-entry.ts';
import type { Lease } from '../../src/core/lease.ts';
import type { Self } from '../../src/datapath/datapath.ts';
import { hostBasics } from '../../src/datapath/host-basics.ts';
import { datapathsOf } from '../../src/datapath/paths.ts';
import { chooseFirst, planPeers } from '../../src/datapath/plan.ts';
import { median, report, round } from './measure.ts';
import { clusterOf } from './large-cluster.ts';

const PEERS = 5000;
const ROUNDS = 60;

function wantedEntries(self: Self, leases: Iterable<Lease>): HostEntry[] {
  const paths = datapathsOf(self.config.paths);
  const { entries } = planPeers({ self, paths, choose: chooseFirst, standing: new Map() }, leases);
  return hostBasics(self, paths).concat(entries);
}

const { self, leases } = clusterOf(PEERS);
// What the kernel shows is made of other objects than what is planned: copies, and a few changed by another hand.
const observed = wantedEntries(self, leases.values()).flatMap((entry, index) =>
  index % 1000 === 999 ? [] : [{ ...entry }],
);

const times = { plan: [] as number[], diff: [] as number[], both: [] as number[] };
let changes = 0;
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now();
  const wanted = wantedEntries(self, leases.values());
  const planned = performance.now();
  changes = diff(observed, wanted, HOST_ENTRIES).length;
  const end = performance.now();
  if (round < 10) continue;
  times.plan.push(planned - start);
  times.diff.push(end - planned);
  times.both.push(end - start);
}

const row = (name: keyof typeof times): string[] => [
  name,
  round(median(times[name])),
  round(Math.min(...times[name])),
  round(Math.max(...times[name])),
];
report(
  `Plan and difference, ${PEERS} peers, ${observed.length} entries, ${changes} changes; milliseconds`,
  ['', 'median', 'least', 'most'],
  [row('plan'), row('diff'), row('both')],
  [{ what: `plan and difference of ${PEERS} peers, warm median`, value: median(times.both), atMost: 25, unit: ' ms' }],
);
