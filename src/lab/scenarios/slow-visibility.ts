/** What is written to EC2 shows seconds later: nothing is written twice for that, not even by an agent that was killed in between. */
import { eventually } from '../eventually.ts';
import { oneVpc } from '../one-vpc.ts';
import type { Scenario } from '../scenario.ts';
import { begin, showLeases } from '../steps/begin.ts';
import { bestPath } from '../steps/best-path.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { awsOf, checkTables } from '../steps/cloud-routes.ts';
import { callsOfAll, checkNothingForeign } from '../steps/ec2-calls.ts';
import { addCalls, callsBy, outcomesOf } from '../steps/journal.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { settleOn } from '../steps/settle-on.ts';
import { tell } from '../steps/told.ts';
import { QUICK } from './quick-config.ts';

const LAG_MS = 4000;
/** A host that joins: who it is, its check and its route; what it reads again and again until that shows. */
const MOST_CALLS = 40;

export const slowVisibility: Scenario = {
  name: 'slow-visibility',
  summary: 'what is written to EC2 shows 4 s later; an agent is killed just after it has made its route',
  topology: oneVpc({ a: 2, b: 1 }),
  config: QUICK,
  async play(stage) {
    const { lab, screen, report, signal } = stage;
    const { cloud } = awsOf(lab);
    const hosts = [...lab.hosts.values()];
    const [a1, a2, b1] = [lab.host('a1'), lab.host('a2'), lab.host('b1')];
    cloud.settings = { ...cloud.settings, visibilityMs: LAG_MS };
    screen.line(`  What is written to EC2 takes effect at once, and is shown by reads ${LAG_MS / 1000} s later.`);
    screen.line();
    await begin(stage, [a1, a2], this.config);
    const flows = new SteadyFlows(lab, [['a1', 'a2']]);
    const step = screen.step('b1 joins; its agent is killed when its route is made and does not show');
    b1.startDaemon();
    await b1.addContainer(signal);
    await eventually(
      'b1 makes its route',
      30_000,
      () => {
        const calls = callsBy(lab, b1.name, 'CreateRoute');
        return calls.some(({ outcome }) => outcome === 'ok') ? { found: true } : { missing: outcomesOf(calls) };
      },
      signal,
    );
    await b1.killDaemon();
    b1.startDaemon();
    step.done('the new one finds no route, and no word of its success');
    await showLeases(stage, [b1]);
    const { pairs, tookMs } = await settleOn(
      stage,
      'every pair finds its best path',
      'shown late',
      bestPath(lab.topology),
    );
    addHosts(report, hosts);
    addPairs(report, pairs, ['fabric', 'direct']);
    checkTables(stage, hosts, 'shown late');
    checkNothingForeign(stage);
    const made = hosts.map(({ name }) => `${name}: ${outcomesOf(callsBy(lab, name, 'CreateRoute'))}`).join('; ');
    const askedAgain = made.endsWith(', RouteAlreadyExists');
    report.check(
      'each route is made by one call; only the agent that was killed may ask once more, and adopts what stands',
      // On a slow machine its successor starts so late that the route is shown by then.
      made.replace(/, RouteAlreadyExists$/, '') === 'a1: ok; a2: ok; b1: ok',
      made,
    );
    const calls = callsOfAll(lab);
    report.check(
      'waiting for what was written costs few calls',
      Object.values(calls).every(({ total }) => total <= MOST_CALLS),
      JSON.stringify(calls),
    );
    const { lostPings, sentPings, losers } = await flows.stop();
    report.check('no ping is lost between the others', lostPings === 0 && sentPings > 0, losers.join(', '));
    report.add('slowVisibility', { lagMs: LAG_MS, movedMs: tookMs, askedAgain, lostPings, sentPings });
    addCalls(report, lab);
    tell(stage, {
      broken: `EC2 showed what was written ${LAG_MS / 1000} s late, and b1's agent was killed in between.`,
      weft: `kept pairs on vxlan until their routes were seen, and made each once. ${askedAgain ? "b1's new agent asked for its route again, was told that there is one, and took it for its own when it showed." : "b1's new agent found the route, and took it for its own."}`,
      lost: `${lostPings} of ${sentPings} pings.`,
    });
  },
};
