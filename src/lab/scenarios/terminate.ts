/** An instance is terminated by a call of the API: what the cluster knew of it goes by itself, and its subnet comes back when nobody can meet the old owner under it. */
import type { LambdaService } from '../aws/lambda-service.ts';
import { eventually } from '../eventually.ts';
import type { LabHost } from '../lab-host.ts';
import { oneVpcAndOneMore } from '../one-vpc.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { begin } from '../steps/begin.ts';
import { bestPath } from '../steps/best-path.ts';
import { awsOf, checkTables, containerRoutes, showTables } from '../steps/cloud-routes.ts';
import { forgets } from '../steps/forget.ts';
import { addCalls } from '../steps/journal.ts';
import { checkNoLoss } from '../steps/loss.ts';
import { addHosts, addPairs } from '../steps/members.ts';
import { checkRuns, deploy, needsDynamoDB, nodesMay } from '../steps/reconciler.ts';
import { settleOn } from '../steps/settle-on.ts';
import { awaitFinding, quote, seconds, tell } from '../steps/told.ts';

/** AWS takes its time, which nobody wants to watch. */
const SHUTTING_DOWN_MS = 4000;
/** Beyond the 15 minutes of quarantine. */
const QUARANTINE_OVER_MS = 16 * 60_000;
/** Signatures of callers whose clocks follow the store's are good all the same. */
const SIGNATURE_WINDOW_MS = 3_600_000;
const WITHIN_MS = 40_000;

export const terminate: Scenario = {
  name: 'terminate',
  summary:
    'an instance is terminated by the API; the reconciler takes its routes and its lease away, and the next one gets its subnet',
  topology: oneVpcAndOneMore(),
  policed: true,
  // As many subnets as there are hosts at first.
  config: {
    Network: '10.42.0.0/16',
    SubnetMin: '10.42.1.0',
    SubnetMax: '10.42.4.0',
    Weft: { Probe: { Interval: '500ms', Hold: '3s' } },
  },
  async play(stage) {
    needsDynamoDB(stage, this);
    const { lab, screen, report, signal } = stage;
    const aws = awsOf(lab);
    const { cloud } = aws;
    cloud.settings = { ...cloud.settings, shuttingDownMs: SHUTTING_DOWN_MS, signatureWindowMs: SIGNATURE_WINDOW_MS };
    nodesMay(lab, 'node-policy.json');
    const service = deploy(stage);
    const joiner = lab.host('b3');
    const first = [...lab.hosts.values()].filter((host) => host !== joiner);
    await begin(stage, first, this.config);
    await settleOn(stage, 'each pair finds its best path', 'at first', bestPath(lab.topology));
    checkTables(stage, first, 'at first');

    const victim = lab.host('b2');
    const { subnet } = victim.container;
    const survivors = first.filter((host) => host !== victim);
    const flows = new SteadyFlows(lab, [
      ['a1', 'b1'],
      ['b1', 'a2'],
      ['a1', 'a2'],
    ]);
    const gone = await end(stage, victim, survivors, service);
    checkTables(stage, survivors, 'without b2');
    showTables(stage);
    await audited(stage, survivors, subnet);

    joiner.startDaemon();
    const refusal = await awaitFinding(joiner, 'NO_SUBNET', signal);
    report.check(
      `${joiner.name}, which comes in its place, does not get ${subnet} yet: it is quarantined`,
      / 1 freed too recently; the first returns in 1[45]m/.test(refusal),
      refusal,
    );
    quote(stage, `${joiner.name}: NO_SUBNET`, refusal);
    const step = screen.step('16 minutes pass by the clock of the store');
    cloud.settings = { ...cloud.settings, storeClockOffsetMs: QUARANTINE_OVER_MS };
    const container = await joiner.addContainer(signal);
    report.check(
      `${joiner.name} gets ${subnet} when the quarantine is over`,
      container.subnet === subnet,
      container.subnet,
    );
    step.done(`${joiner.name} has ${container.subnet}`);
    const { pairs } = await settleOn(stage, 'each pair finds its best path', 'with b3', bestPath(lab.topology));
    checkTables(stage, [...survivors, joiner], 'with b3');
    const loss = await flows.stop();
    checkNoLoss(report, 'another instance goes and one comes', loss);
    const { lostPings, sentPings } = loss;
    checkRuns(stage, service);
    addHosts(report, lab.running);
    addPairs(report, pairs, ['fabric', 'direct']);
    addCalls(report, lab);
    report.add('terminate', { ...gone, lostPings, sentPings });
    tell(stage, {
      broken: `instance ${victim.name} was terminated by a call of the API, without a word to weftd.`,
      weft: `the reconciler heard of it from the account, took its routes away ${seconds(gone.routesGoneMs)} after the call and its lease ${seconds(gone.leaseGoneMs)} after it; the others forgot it, and its subnet waited 15 minutes before ${joiner.name} got it.`,
      lost: `${lostPings} of ${sentPings} pings among the others.`,
    });
  },
};

interface Gone {
  /** From the call: until no table has its routes, until its lease and all peers' routes to it are gone. */
  readonly routesGoneMs: number;
  readonly leaseGoneMs: number;
}

async function end(
  stage: Stage,
  victim: LabHost,
  survivors: readonly LabHost[],
  service: LambdaService,
): Promise<Gone> {
  const { lab, screen, report, signal } = stage;
  const aws = awsOf(lab);
  const { subnet } = victim.container;
  const step = screen.step(`TerminateInstances ${victim.name}`);
  const startMs = performance.now();
  await aws.do('terminate', { instance: victim.name });
  // Its power goes, too.
  await victim.killDaemon();
  await lab.setCable(victim, 'down');
  await victim.removeContainers();
  const inTables = (): readonly string[] =>
    containerRoutes(aws.cloud.state).flatMap(({ destination, table }) => (destination === subnet ? table : []));
  await eventually(
    `no route table has ${subnet}`,
    WITHIN_MS,
    () => {
      const left = inTables();
      return left.length === 0 ? { found: true } : { missing: `${left.join(', ')}; ${lastWords(service)}` };
    },
    signal,
  );
  const routesGoneMs = Math.round(performance.now() - startMs);
  step.update(`its routes are gone after ${seconds(routesGoneMs)}`);
  await Promise.all(survivors.map((host) => forgets(host, subnet, signal)));
  const leaseGoneMs = Math.round(performance.now() - startMs);
  const neighbours = await Promise.all(
    survivors.map(async (host) => (await host.run(['bridge', 'fdb', 'show'])).includes(` dst ${victim.plan.address} `)),
  );
  report.check('no host has a tunnel to it any more', !neighbours.includes(true), neighbours.join(', '));
  step.done(
    `its routes are gone after ${seconds(routesGoneMs)}, its lease and the others' tunnels after ${seconds(leaseGoneMs)}`,
  );
  return { routesGoneMs, leaseGoneMs };
}

/** What was done stands in the store, for people who ask later. */
async function audited(stage: Stage, [host]: readonly LabHost[], subnet: string): Promise<void> {
  const { report, screen } = stage;
  const told = (await host?.weftd(['audit', '--subnet', subnet])) ?? '';
  report.check(
    'weftd audit tells who took the routes and the lease away, and why',
    /removed/.test(told) && /released/.test(told),
    told,
  );
  screen.line(`    ${screen.paint('dim', `${host?.name ?? ''}$ weftd audit --subnet ${subnet}`)}`);
  screen.lines(
    told
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
  );
}

const lastWords = ({ lines }: LambdaService): string => lines.slice(-3).join(' | ');
