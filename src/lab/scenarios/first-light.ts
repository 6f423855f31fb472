/** Containers on several hosts reach each other, whatever happens to the agents and the store. */
import { begin, showRoutes } from '../steps/begin.ts';
import { drain } from '../steps/drain.ts';
import { join } from '../steps/join.ts';
import { matrixStep } from '../steps/matrix-step.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { restart } from '../steps/restart.ts';
import { storeDown } from '../steps/store-down.ts';
import type { Scenario } from '../scenario.ts';
import { twoSegments } from '../two-segments.ts';

/** Few, so that they measure the network and not the machine: both directions of a direct pair and of a vxlan pair. */
const FLOWS = [
  ['a1', 'a2'],
  ['a2', 'a1'],
  ['a1', 'b1'],
  ['b1', 'a1'],
] as const;

export const firstLight: Scenario = {
  name: 'first-light',
  summary: 'containers reach each other directly and by vxlan, whatever happens to agents and store',
  topology: twoSegments,
  config: { Network: '10.42.0.0/16', Weft: { Paths: ['direct', 'vxlan'] } },
  async play(stage) {
    const { lab, report } = stage;
    const hosts = [...lab.hosts.values()];
    const first = hosts.filter(({ plan }) => plan.joinsLater !== true);
    const [a1, a2, b1, b2] = ['a1', 'a2', 'b1', 'b2'].map((name) => lab.host(name));
    if (a1 === undefined || a2 === undefined || b1 === undefined || b2 === undefined)
      throw new Error('four hosts are needed');
    report.add('store', lab.store.kind);

    await begin(stage, first, this.config);
    await showRoutes(stage, a1);
    await matrixStep(stage, first, 'at first');
    await join(stage, b2, first, FLOWS);
    const { sentPings, lostPings } = await restart(stage, a1, FLOWS);
    report.add('restart', { sentPings, lostPings });
    await storeDown(stage, FLOWS, a2, b1);
    const pairs = await matrixStep(stage, hosts, 'after all that');
    addHosts(report, hosts);
    addPairs(report, pairs, ['direct', 'vxlan']);
    await drain(stage, b2, first, FLOWS);
    await matrixStep(stage, first, 'without it');
  },
};
