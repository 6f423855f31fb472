/** Somebody switches a source/destination check on again: the VPC drops container packets of that host, until its agent has put it right. */
import { oneVpc } from '../one-vpc.ts';
import type { Scenario } from '../scenario.ts';
import { begin } from '../steps/begin.ts';
import { bestPath } from '../steps/best-path.ts';
import { checkNothingForeign } from '../steps/ec2-calls.ts';
import { addCalls } from '../steps/journal.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { settleOn } from '../steps/settle-on.ts';
import { switchCheckOn } from '../steps/source-check.ts';
import { tell } from '../steps/told.ts';
import { QUICK } from './quick-config.ts';

export const srcDstCheck: Scenario = {
  name: 'src-dst-check',
  summary: "the source/destination check of a host's interface is switched on while containers talk",
  topology: oneVpc({ a: 2, b: 1 }),
  config: QUICK,
  async play(stage) {
    const { lab, report } = stage;
    const hosts = [...lab.hosts.values()];
    const best = bestPath(lab.topology);
    await begin(stage, hosts, this.config);
    const { pairs } = await settleOn(stage, 'every pair finds its best path', 'at first', best);
    addHosts(report, hosts);
    addPairs(report, pairs, ['fabric', 'direct']);
    const routed = await switchCheckOn(stage, lab.host('b1'), lab.host('a1'));
    const direct = await switchCheckOn(stage, lab.host('a2'), lab.host('a1'));
    await settleOn(stage, 'every pair is on its best path', 'after all that', best);
    checkNothingForeign(stage);
    report.add('failover', { ...routed });
    report.add('failoverInSubnet', { ...direct });
    addCalls(report, lab);
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
    tell(stage, {
      broken:
        "the VPC dropped every packet with a container's address, first at b1's interface, then at a2's: across subnets and within one alike.",
      weft: `moved pairs with traffic to vxlan within ${seconds(Math.max(routed.fellBackMs, direct.fellBackMs))}, switched the check off again, and went back to the best paths after ${seconds(routed.returnedMs)} and ${seconds(direct.returnedMs)}.`,
      lost: `${routed.lostPings + direct.lostPings} of ${routed.sentPings + direct.sentPings} pings, in the first ${seconds(Math.max(routed.outageMs, direct.outageMs))}.`,
    });
  },
};
