/** A group ends one of its machines, which two tools hold up: Weft until nobody sends to it any more, the other for work of its own. */
import { DEFAULT_LIFECYCLE_HOOK } from '../../core/lifecycle-hook.ts';
import { planned } from '../aws/account.ts';
import type { AwsState } from '../aws/model.ts';
import { completeWait } from '../aws/scaling-life.ts';
import { eventually } from '../eventually.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { awsOf, containerRoutes } from './cloud-routes.ts';
import { forgets } from './forget.ts';
import { checkNoLoss } from './loss.ts';
import { seconds } from './told.ts';

/** Of the example of the reconciler's policy. */
export const GROUP = 'weft-nodes';
export const OTHER_HOOK = 'ship-logs';

/** To it by its route and within its subnet, and from it. */
const FLOWS = [
  ['a1', 'b2'],
  ['b1', 'b2'],
  ['b2', 'a2'],
] as const;
const WITHIN_MS = 60_000;

/** Milliseconds since the group's decision. */
export interface Left {
  /** Until the last sender was on a tunnel, until no table had the route, and until Weft's action was completed. */
  readonly movedMs: number;
  readonly routeGoneMs: number;
  readonly letGoMs: number;
  /** Pings to and from it until its route was gone. */
  readonly lostToLeaver: number;
  readonly sentToLeaver: number;
}

/**
 * Until Weft has let it go. Pings with it are counted until its route is gone: its lease is given back next, and whoever hears of that may forget it, which on
 * a busy machine can be before the account hears that it may go.
 */
export async function scalesIn(stage: Stage, leaver: LabHost, stayers: readonly LabHost[]): Promise<Left> {
  const { lab, screen, report, signal } = stage;
  const aws = awsOf(lab);
  const { cloud } = aws;
  const { subnet } = leaver.container;
  const flows = new SteadyFlows(lab, FLOWS);
  const step = screen.step(`the group ${GROUP} scales in: ${leaver.name} shall go`);
  const startMs = performance.now();
  const sinceStart = (): number => Math.round(performance.now() - startMs);
  const routeStands = (): boolean => containerRoutes(cloud.state).some(({ destination }) => destination === subnet);
  // In the middle of the call that takes it away: nothing of what follows has begun.
  const counted = new Promise<void>((resolve) =>
    cloud.timeline.onChange(() => (routeStands() ? undefined : resolve())),
  ).then(() => flows.stop());
  counted.catch(() => {});
  await aws.do('scale-in', { instance: leaver.name });

  // Those of its own subnet need no route.
  const senders = stayers.filter(({ plan }) => plan.segment !== leaver.plan.segment);
  await Promise.all(
    senders.map((host) =>
      host.await(
        `sends to ${leaver.name} by vxlan`,
        ({ peers }) => (peers.some((peer) => peer.subnet === subnet && peer.path === 'vxlan') ? true : undefined),
        signal,
        WITHIN_MS,
      ),
    ),
  );
  const movedMs = sinceStart();
  report.check(`all senders have left the route to ${leaver.name} while it still stands`, routeStands(), 'it is gone');
  step.update(`its senders are on a tunnel after ${seconds(movedMs)}; its route stands for a while yet`);
  await until(stage, `no route table has ${subnet}`, () => !routeStands());
  const routeGoneMs = sinceStart();
  await until(stage, `${leaver.name} may go`, () => !holdersOf(cloud.state, leaver).includes(DEFAULT_LIFECYCLE_HOOK));
  const letGoMs = sinceStart();
  const { state } = cloud;
  const loss = await counted;
  const { lostPings, sentPings } = loss;
  checkNoLoss(report, `${leaver.name} is left`, loss);
  const lease = (await stayers[0]?.weftd(['lease', 'list'])) ?? subnet;
  report.check(`its lease is released by then`, !lease.includes(subnet), lease);
  checkHeld(stage, leaver, state);
  step.done(`let go after ${seconds(letGoMs)}; ${lostPings} of ${sentPings} pings with it lost`);
  return { movedMs, routeGoneMs, letGoMs, lostToLeaver: lostPings, sentToLeaver: sentPings };
}

/** The other tool is done: the instance ends. */
export async function ends(stage: Stage, leaver: LabHost, stayers: readonly LabHost[]): Promise<void> {
  const { lab, screen, report, signal } = stage;
  const { cloud } = awsOf(lab);
  const { subnet } = leaver.container;
  const id = planned.instance(leaver.name);
  const step = screen.step(`${leaver.name} leaves the cluster by itself, and the other tool lets it go`);
  await until(stage, `the daemon of ${leaver.name} ends`, () => leaver.daemon?.ending !== undefined);
  const ending = leaver.daemon?.ending;
  report.check('its daemon has ended as drained', ending === 'exit code 0', String(ending));
  completeWait(cloud, { group: GROUP, hook: OTHER_HOOK, instance: id }, 'CONTINUE');
  await lab.setCable(leaver, 'down');
  await leaver.removeContainers();
  await until(stage, `${leaver.name} is terminated`, () => cloud.state.instances.get(id)?.state === 'terminated');
  await Promise.all(stayers.map((host) => forgets(host, subnet, signal)));
  step.done('terminated, and forgotten by all');
}

/** The other tool's action is that tool's. */
function checkHeld({ lab, report }: Stage, leaver: LabHost, state: AwsState): void {
  const completed = awsOf(lab)
    .cloud.journal.entries.filter(({ action }) => action === 'CompleteLifecycleAction')
    .map(({ who = '?', parameters, outcome }) => `${who} ${parameters['LifecycleHookName'] ?? '?'} ${outcome}`);
  report.check(
    'the function has completed the action of its own hook, and no other',
    completed.join() === `reconciler ${DEFAULT_LIFECYCLE_HOOK} ok`,
    completed.join('\n'),
  );
  const held = holdersOf(state, leaver);
  const word = state.instances.get(planned.instance(leaver.name))?.state;
  report.check(
    `${leaver.name} runs on for the other tool`,
    held.join() === OTHER_HOOK && word === 'running',
    `${String(word)}, held by ${held.join(', ') || 'nobody'}`,
  );
}

const holdersOf = ({ scaling }: AwsState, { name }: LabHost): readonly string[] => [
  ...(scaling.get(GROUP)?.members.get(planned.instance(name))?.waits.keys() ?? []),
];

const until = ({ signal }: Stage, what: string, isSo: () => boolean): Promise<true> =>
  eventually(what, WITHIN_MS, () => (isSo() ? { found: true } : { missing: 'not yet' }), signal);
