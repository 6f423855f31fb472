/**
 * An Auto Scaling group ends an instance: senders leave it, its routes and its lease go, and only then Weft lets it go, while another tool still has it. A new
 * one comes, and the table's stream wakes the function that writes its route.
 */
import { DEFAULT_LIFECYCLE_HOOK } from '../../core/lifecycle-hook.ts';
import { oneVpcAndOneMore } from '../one-vpc.ts';
import type { LabHost } from '../lab-host.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { begin } from '../steps/begin.ts';
import { bestPath } from '../steps/best-path.ts';
import { awsOf, checkTables, showTables } from '../steps/cloud-routes.ts';
import { addCalls } from '../steps/journal.ts';
import { checkNoLoss } from '../steps/loss.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { checkRuns, deploy, needsDynamoDB, nodesMay, routeCalls } from '../steps/reconciler.ts';
import { ends, GROUP, OTHER_HOOK, scalesIn } from '../steps/scale-in.ts';
import { settleOn } from '../steps/settle-on.ts';
import { seconds, tell } from '../steps/told.ts';
import { wokenBy } from '../steps/woken.ts';
import type { LambdaService } from '../aws/lambda-service.ts';

/** Deployed it is a minute. Here nothing comes by the clock: what is seen was told by an event, or by the table's stream. */
const EVERY_MS = 3_600_000;
/** AWS takes its time, which nobody wants to watch. */
const SHUTTING_DOWN_MS = 2000;

export const scaleIn: Scenario = {
  name: 'scale-in',
  summary:
    'an Auto Scaling group ends an instance: nobody sends to it any more when it goes, and the one in its place has its route by the stream of the table',
  topology: oneVpcAndOneMore(),
  policed: true,
  config: {
    Network: '10.42.0.0/16',
    Weft: { RouteWriter: 'reconciler', Probe: { Interval: '500ms', Hold: '3s' } },
  },
  async play(stage) {
    needsDynamoDB(stage, this);
    const { lab, screen, report, signal } = stage;
    const aws = awsOf(lab);
    aws.cloud.settings = { ...aws.cloud.settings, shuttingDownMs: SHUTTING_DOWN_MS };
    nodesMay(lab, 'node-policy-without-routes.json');
    const joiner = lab.host('b3');
    const first = [...lab.hosts.values()].filter((host) => host !== joiner);
    const names = first.map(({ name }) => name).join(',');
    await aws.do('scaling-group', { name: GROUP, instances: names, hook: DEFAULT_LIFECYCLE_HOOK });
    await aws.do('lifecycle-hook', { group: GROUP, hook: OTHER_HOOK });
    const service = deploy(stage, { everyMs: EVERY_MS, groups: [GROUP] });
    await begin(stage, first, this.config);
    await settleOn(stage, 'each pair finds its best path', 'at first', bestPath(lab.topology));
    checkTables(stage, first, 'at first');

    const leaver = lab.host('b2');
    const stayers = first.filter((host) => host !== leaver);
    const others = new SteadyFlows(lab, [
      ['a1', 'b1'],
      ['b1', 'a2'],
    ]);
    const left = await scalesIn(stage, leaver, stayers);
    checkTables(stage, stayers, 'without b2');
    await ends(stage, leaver, stayers);

    const step = screen.step(`the group starts ${joiner.name} in its place`);
    joiner.startDaemon();
    await joiner.addContainer(signal);
    step.done(`it has ${joiner.container.subnet}`);
    const { pairs } = await settleOn(stage, 'each pair finds its best path', 'with b3', bestPath(lab.topology));
    checkTables(stage, [...stayers, joiner], 'with b3');
    showTables(stage);
    await checkWaker(stage, joiner, service);
    const loss = await others.stop();
    checkNoLoss(report, 'another instance goes and one comes', loss);
    const { lostPings, sentPings } = loss;
    checkRuns(stage, service);
    addHosts(report, lab.running);
    addPairs(report, pairs, ['fabric', 'direct']);
    addCalls(report, lab);
    report.add('scaleIn', { ...left, lostPings, sentPings });
    tell(stage, {
      broken: `nothing: the group scaled in, and ${leaver.name} had to go.`,
      weft: `the function heard of it by its lifecycle hook: senders were on a tunnel ${seconds(left.movedMs)} later, the route was gone after ${seconds(left.routeGoneMs)}, and the instance was let go after ${seconds(left.letGoMs)}; the other tool's hook was left to that tool.`,
      lost: `${left.lostToLeaver} of ${left.sentToLeaver} pings with ${leaver.name} until its route was gone, ${lostPings} of ${sentPings} among the others.`,
    });
  },
};

async function checkWaker({ lab, report }: Stage, joiner: LabHost, service: LambdaService): Promise<void> {
  const { subnet } = joiner.container;
  const call = routeCalls(lab).find(
    ({ action, outcome, parameters }) =>
      action === 'CreateRoute' && outcome === 'ok' && parameters['DestinationCidrBlock'] === subnet,
  );
  const waker = call === undefined ? 'nobody' : await wokenBy(service, call);
  report.check(
    `the run that wrote the route to ${joiner.name} was woken by the table's stream`,
    waker === 'stream',
    waker,
  );
}
