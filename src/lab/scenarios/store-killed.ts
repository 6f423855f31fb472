/** The store dies for half a minute, in which every lease is due for renewal; it comes back with its data, and goes on as if nothing had been. */
import { begin } from '../steps/begin.ts';
import { join } from '../steps/join.ts';
import { matrixStep } from '../steps/matrix-step.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { storeKilled } from '../steps/store-killed.ts';
import type { Scenario } from '../scenario.ts';
import { twoSegments } from '../two-segments.ts';

const OUTAGE_MS = 30_000;

const FLOWS = [
  ['a1', 'a2'],
  ['a2', 'a1'],
  ['a1', 'b1'],
  ['b1', 'a1'],
] as const;

export const storeKilledScenario: Scenario = {
  name: 'store-killed',
  summary: 'the store is killed for 30 s, while leases want to be renewed, and started again',
  topology: twoSegments,
  // Renewed each 25 s: once at least while there is no store, and good until it is back.
  config: { Network: '10.42.0.0/16', Weft: { Paths: ['direct', 'vxlan'], LeaseTTL: '75s' } },
  async play(stage) {
    const { lab, report } = stage;
    const hosts = [...lab.hosts.values()];
    const first = hosts.filter(({ plan }) => plan.joinsLater !== true);
    report.add('store', lab.store.kind);
    await begin(stage, first, this.config);
    await matrixStep(stage, first, 'at first');
    await storeKilled(stage, FLOWS, OUTAGE_MS);
    // What is written from now on is seen: every agent watches again.
    await join(stage, lab.host('b2'), first, FLOWS);
    const pairs = await matrixStep(stage, hosts, 'after all that');
    addHosts(report, hosts);
    addPairs(report, pairs, ['direct', 'vxlan']);
  },
};
