/** Nodes without the right to write a route; the reconciler writes them all. Then the nodes take over, and give it back: nobody who talks notices. */
import type { JsonObject } from '../../core/json.ts';
import type { RouteWriter } from '../../core/route-writer.ts';
import type { AwsState } from '../aws/model.ts';
import { oneVpc } from '../one-vpc.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { begin } from '../steps/begin.ts';
import { bestPath } from '../steps/best-path.ts';
import { awsOf, checkTables, containerRoutes, showTables } from '../steps/cloud-routes.ts';
import { addCalls } from '../steps/journal.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { callsFrom, callsUntilNow, checkRuns, deploy, needsDynamoDB, nodesMay } from '../steps/reconciler.ts';
import { settleOn } from '../steps/settle-on.ts';
import { tell } from '../steps/told.ts';

const WITHIN_MS = 40_000;
/** Of each flow after a handover. */
const PINGS = 400;

const configOf = (writer: RouteWriter['mode']): JsonObject => ({
  Network: '10.42.0.0/16',
  Weft: { RouteWriter: writer, Probe: { Interval: '500ms', Hold: '3s' } },
});

export const reconciler: Scenario = {
  name: 'reconciler',
  summary:
    'nodes have no right to write routes, and a Lambda function does it; later nodes take over, and give it back',
  topology: oneVpc({ a: 2, b: 2 }),
  policed: true,
  config: configOf('reconciler'),
  async play(stage) {
    needsDynamoDB(stage, this);
    const { lab, report, signal } = stage;
    const hosts = [...lab.hosts.values()];
    const isNode = (name: string): boolean => lab.hosts.has(name);
    nodesMay(lab, 'node-policy-without-routes.json');
    const service = deploy(stage);
    await begin(stage, hosts, this.config);
    const { pairs } = await settleOn(stage, 'each pair finds its best path', 'at first', bestPath(lab.topology));
    checkTables(stage, hosts, 'at first');
    showTables(stage);
    const asked = callsFrom(lab, isNode);
    report.check('no node asked EC2 to change a route', asked.length === 0, asked.join('\n'));

    const lost = watchRoutes(stage);
    const flows = new SteadyFlows(lab, [
      ['a1', 'b1'],
      ['b1', 'a1'],
      ['a2', 'b2'],
      ['b2', 'a2'],
      ['a1', 'a2'],
    ]);
    nodesMay(lab, 'node-policy.json');
    await handOver(stage, 'node', flows);
    const back = callsUntilNow(lab);
    await handOver(stage, 'reconciler', flows);
    nodesMay(lab, 'node-policy-without-routes.json');
    await flows.more(PINGS, signal);
    const late = callsFrom(lab, isNode, back);
    report.check(
      'after the nodes gave it back none of them asked EC2 to change a route',
      late.length === 0,
      late.join('\n'),
    );
    report.check('no route was taken away or changed at a handover', lost().length === 0, lost().join('\n'));
    const { lostPings, sentPings, losers } = await flows.stop();
    report.check('no ping is lost from one handover to the other', lostPings === 0 && sentPings > 0, losers.join(', '));
    checkTables(stage, hosts, 'after two handovers');
    checkRuns(stage, service);
    addHosts(report, hosts);
    addPairs(report, pairs, ['fabric', 'direct']);
    addCalls(report, lab);
    report.add('handover', { lostPings, sentPings });
    tell(stage, {
      broken: 'nothing: an operator changed Weft.RouteWriter, twice, while containers talked.',
      weft: 'handed the writing of routes over by a record in the store; whoever takes over finds in the ledger what stands, and changes nothing.',
      lost: `${lostPings} of ${sentPings} pings.`,
    });
  },
};

async function handOver(stage: Stage, to: RouteWriter['mode'], flows: SteadyFlows): Promise<void> {
  const { lab, screen, signal } = stage;
  const words = to === 'node' ? 'nodes take over from the reconciler' : 'the reconciler takes over from the nodes';
  const step = screen.step(words);
  await lab.writeConfig(configOf(to));
  await Promise.all(
    lab.running.map((host) =>
      host.await(
        `routes are written by ${to}`,
        ({ cloud }) => (cloud?.writer === to ? true : undefined),
        signal,
        WITHIN_MS,
      ),
    ),
  );
  await flows.more(PINGS, signal, (text) => step.update(text));
  step.done('nobody else noticed');
}

/** @returns what was taken away or changed since, among the routes to containers */
function watchRoutes({ lab }: Stage): () => readonly string[] {
  const { cloud } = awsOf(lab);
  const lost: string[] = [];
  let before = textsOf(cloud.state);
  cloud.timeline.onChange((state) => {
    const now = textsOf(state);
    for (const text of before) if (!now.has(text)) lost.push(text);
    before = now;
  });
  return () => lost;
}

const textsOf = (state: AwsState): ReadonlySet<string> =>
  new Set(containerRoutes(state).map(({ table, destination, to }) => `${destination} to ${to} in ${table}`));
