/** One host's role lacks the right to make routes: it says which, the others reach it by the tunnel, and nobody asks without end. */
import { ALLOW_ALL, authorizerOf } from '../aws/permissions.ts';
import { oneVpc } from '../one-vpc.ts';
import type { Scenario } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { begin } from '../steps/begin.ts';
import { bestPath, bestPathBut } from '../steps/best-path.ts';
import { awsOf, checkTables } from '../steps/cloud-routes.ts';
import { checkNothingForeign } from '../steps/ec2-calls.ts';
import { addCalls, callsBy, mostLooks, outcomesOf } from '../steps/journal.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { settleOn } from '../steps/settle-on.ts';
import { awaitFinding, awaitNoFinding, quote, refusal, tell } from '../steps/told.ts';
import { QUICK } from './quick-config.ts';

export const denied: Scenario = {
  name: 'denied',
  summary: "one host's role may not CreateRoute; later it may",
  topology: oneVpc({ a: 2, b: 1 }),
  config: QUICK,
  async play(stage) {
    const { lab, screen, report, signal } = stage;
    const { cloud } = awsOf(lab);
    const hosts = [...lab.hosts.values()];
    const [a1, b1] = [lab.host('a1'), lab.host('b1')];
    cloud.authorizer = authorizerOf([{ effect: 'deny', who: b1.name, action: 'CreateRoute' }]);
    screen.line(`  EC2 refuses ${b1.name}'s calls of CreateRoute, and no others.`);
    screen.line();
    const startMs = performance.now();
    await begin(stage, hosts, this.config);
    const flows = new SteadyFlows(lab, [
      ['a1', 'b1'],
      ['b1', 'a2'],
      ['a1', 'a2'],
    ]);
    const said = await awaitFinding(b1, 'CLOUD_DENIED', signal);
    quote(stage, `${b1.name}: CLOUD_DENIED`, said);
    report.check(
      'the host without the right says which it lacks, and what to do',
      /UnauthorizedOperation.*CreateRoute.*Give the instance's role this right/.test(said),
      said,
    );
    const reduced = bestPathBut(lab.topology, 'vxlan', new Set(['a1>b1', 'a2>b1']));
    const { pairs } = await settleOn(
      stage,
      `subnet A sends to b1 by vxlan, all else by the best path`,
      'denied',
      reduced,
    );
    addHosts(report, hosts);
    addPairs(report, pairs, ['fabric', 'direct', 'vxlan']);
    const why = await refusal(a1, b1, 'fabric');
    report.check('its peers say why they do not use the fabric', why.includes('UnauthorizedOperation'), why);

    cloud.authorizer = ALLOW_ALL;
    b1.daemon?.kill('SIGHUP');
    screen.line('  The role gets the right, and b1 is told by SIGHUP.');
    const { tookMs } = await settleOn(stage, 'b1 gets its route', 'allowed', bestPath(lab.topology));
    await awaitNoFinding(b1, 'CLOUD_DENIED', signal);
    checkTables(stage, hosts, 'allowed');
    checkNothingForeign(stage);
    const calls = callsBy(lab, b1.name, 'CreateRoute');
    const refused = calls.filter(({ outcome }) => outcome === 'UnauthorizedOperation');
    report.check(
      'a refused call is repeated with growing pauses, and made once when it is allowed',
      refused.length >= 1 &&
        refused.length <= mostLooks(performance.now() - startMs) &&
        calls.length === refused.length + 1,
      outcomesOf(calls),
    );
    const { lostPings, sentPings, losers } = await flows.stop();
    report.check('no ping is lost from start to end', lostPings === 0 && sentPings > 0, losers.join(', '));
    report.add('denied', { refusedCalls: refused.length, movedMs: tookMs, lostPings, sentPings });
    addCalls(report, lab);
    tell(stage, {
      broken: 'b1 had no right to put its route into the route table of subnet A.',
      weft: `went on without it: a1 and a2 reached b1 by vxlan, b1 reached them by the fabric. It asked ${refused.length} times in vain, and had its route soon after the right was there.`,
      lost: `${lostPings} of ${sentPings} pings.`,
    });
  },
};
