/** EC2 takes no calls for a while: a cluster starts all the same, on tunnels, and waits its turn without a storm of calls. */
import { oneVpc } from '../one-vpc.ts';
import type { Scenario } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { begin } from '../steps/begin.ts';
import { bestPath } from '../steps/best-path.ts';
import { awsOf, checkTables } from '../steps/cloud-routes.ts';
import { checkNothingForeign } from '../steps/ec2-calls.ts';
import { addCalls, mostLooks } from '../steps/journal.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { settleOn } from '../steps/settle-on.ts';
import { awaitFinding, awaitNoFinding, quote, tell } from '../steps/told.ts';
import { QUICK } from './quick-config.ts';

/** A look at the cloud makes two calls, three times each within seconds. */
const CALLS_A_LOOK = 6;

export const throttled: Scenario = {
  name: 'throttled',
  summary: 'EC2 answers every call with RequestLimitExceeded while the cluster starts; later it does not',
  topology: oneVpc({ a: 2, b: 1 }),
  config: QUICK,
  async play(stage) {
    const { lab, screen, report, signal } = stage;
    const { cloud } = awsOf(lab);
    const hosts = [...lab.hosts.values()];
    const code = 'RequestLimitExceeded';
    cloud.faults.add({ kind: 'error', code, message: 'Request limit exceeded.', status: 503 });
    screen.line(`  EC2 answers every call with ${code}.`);
    screen.line();
    const startMs = performance.now();
    await begin(stage, hosts, this.config);
    const flows = new SteadyFlows(lab, [
      ['a1', 'b1'],
      ['b1', 'a1'],
      ['a1', 'a2'],
    ]);
    const said = await Promise.all(hosts.map((host) => awaitFinding(host, 'CLOUD_THROTTLED', signal)));
    quote(stage, 'b1: CLOUD_THROTTLED', said.at(-1) ?? '');
    // No interface forwards yet: its source/destination check is on as long as no call is taken.
    const { pairs } = await settleOn(stage, 'all send by vxlan', 'throttled', () => 'vxlan');
    const refused = cloud.journal.entries.filter(({ outcome }) => outcome === code);
    const each = hosts.map(({ name }) => refused.filter(({ who }) => who === name).length);
    const most = CALLS_A_LOOK * mostLooks(performance.now() - startMs);
    report.check(
      'nobody makes a storm of calls that are refused',
      each.every((count) => count > 0 && count <= most),
      hosts.map(({ name }, index) => `${name}: ${each[index]}`).join(', '),
    );

    cloud.faults.clear();
    screen.line('  EC2 takes calls again. Nobody tells the hosts: they try again by themselves.');
    const free = await settleOn(stage, 'every pair finds its best path', 'not throttled', bestPath(lab.topology));
    await Promise.all(hosts.map((host) => awaitNoFinding(host, 'CLOUD_THROTTLED', signal)));
    addHosts(report, hosts);
    addPairs(report, free.pairs, ['fabric', 'direct']);
    checkTables(stage, hosts, 'not throttled');
    checkNothingForeign(stage);
    const { lostPings, sentPings, losers } = await flows.stop();
    report.check('no ping is lost from start to end', lostPings === 0 && sentPings > 0, losers.join(', '));
    report.add('throttled', {
      refusedCalls: refused.length,
      vxlanPairs: pairs.length,
      movedMs: free.tookMs,
      lostPings,
      sentPings,
    });
    addCalls(report, lab);
    tell(stage, {
      broken: 'EC2 took no calls at all, not even reads, while the hosts started.',
      weft: `brought every pair together by vxlan, asked EC2 ${refused.length} times in vain with growing pauses, and moved to the best paths when it answered.`,
      lost: `${lostPings} of ${sentPings} pings.`,
    });
  },
};
