/** How long a host thinks about 5,000 peers: the plan, and its difference to what stands. */
import { diff } from '../../src/core/diff.ts';
import { HOST_ENTRIES, type HostEntry } from '../../src/core/host-entry.ts';
import type { Lease } from '../../src/core/lease.ts';
import type { Self } from '../../src/datapath/datapath.ts';
import { hostBasics } from '../../src/datapath/host-basics.ts';
import { datapathsOf } from '../../src/datapath/paths.ts';
import { planPeers } from '../../src/datapath/plan.ts';
import { median, report, round } from './measure.ts';
import { clusterOf, vpcOf } from './large-cluster.ts';
import { chooseFirst } from '../datapath/choose-first.ts';

const PEERS = 5000;
const ROUNDS = 60;

function wantedEntries(self: Self, leases: Iterable<Lease>): HostEntry[] {
  const paths = datapathsOf(self.config.paths);
  const { entries } = planPeers({ self, paths, choose: chooseFirst, standing: new Map() }, leases);
  return hostBasics(self, paths).concat(entries);
}

interface Times {
  readonly plan: number[];
  readonly diff: number[];
  readonly both: number[];
}

function measure({ self, leases }: ReturnType<typeof clusterOf>): { times: Times; entries: number; changes: number } {
  // What the kernel shows is made of other objects than what is planned: copies, and a few changed by another hand.
  const observed = wantedEntries(self, leases.values()).flatMap((entry, index) =>
    index % 1000 === 999 ? [] : [{ ...entry }],
  );
  const times: Times = { plan: [], diff: [], both: [] };
  let changes = 0;
  for (let count = 0; count < ROUNDS; count++) {
    const start = performance.now();
    const wanted = wantedEntries(self, leases.values());
    const planned = performance.now();
    changes = diff(observed, wanted, HOST_ENTRIES).length;
    const end = performance.now();
    if (count < 10) continue;
    times.plan.push(planned - start);
    times.diff.push(end - planned);
    times.both.push(end - start);
  }
  return { times, entries: observed.length, changes };
}

const WORLDS = { 'half direct, half vxlan': clusterOf(PEERS), 'half direct, half fabric': vpcOf(PEERS) };

for (const [name, world] of Object.entries(WORLDS)) {
  const { times, entries, changes } = measure(world);
  report(
    `Plan and difference, ${PEERS} peers, ${name}, ${entries} entries, ${changes} changes; milliseconds`,
    ['', 'median', 'least', 'most'],
    Object.entries(times).map(([what, all]: [string, readonly number[]]) => [
      what,
      round(median(all)),
      round(Math.min(...all)),
      round(Math.max(...all)),
    ]),
    [
      {
        what: `plan and difference of ${PEERS} peers, ${name}, warm median`,
        value: median(times.both),
        atMost: 25,
        unit: ' ms',
      },
    ],
  );
}
