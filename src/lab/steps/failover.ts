/** Cloud routes to one host turn into black holes while containers talk, and are repaired later. */
import { eventually } from '../eventually.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { UPLINK } from '../world.ts';
import { awsOf, containerRoutes } from './cloud-routes.ts';
import { checkNoLoss } from './loss.ts';
import { checkMoved, turnsOf } from './turns.ts';

/** What happens to whom. */
export interface BlackHole {
  /** Whose routes die. */
  readonly victim: LabHost;
  /** Those that send to it by these routes, and have traffic. */
  readonly senders: readonly LabHost[];
  /** Pairs that have nothing to do with it: from, to. */
  readonly bystanders: readonly (readonly [string, string])[];
}

export interface Fall {
  readonly lostPings: number;
  readonly fellBackMs: number;
}

const FALL_BACK_MS = 5000;
const RETURN_MS = 15_000;
/** How long a wait goes on beyond what is asked, so that the true figure is seen. */
const PATIENCE_MS = 30_000;
/** Pings of each flow before and after. */
const PINGS = 100;

export async function routesDie(stage: Stage, { victim, senders, bystanders }: BlackHole): Promise<Fall> {
  const { lab, screen, report, signal } = stage;
  const step = screen.step(`every cloud route to ${victim.name} becomes a black hole`);
  const hosts = lab.running;
  const before = await turnsOf(hosts);
  const affected = new SteadyFlows(lab, towards(senders, victim));
  const others = new SteadyFlows(lab, bystanders);
  await affected.more(PINGS, signal);
  const startMs = performance.now();
  await awsOf(lab).do('kill-routes', { instance: victim.name });
  step.update(`EC2 goes on saying "active"; ${senders.map(({ name }) => name).join(' and ')} miss answers`);
  const fellBackMs = await whenAll(stage, senders, victim, startMs, (device) => device !== UPLINK);
  await affected.more(PINGS, signal, (text) => step.update(`by vxlan: ${text}`));
  const { lostPings, sentPings, outageMs } = await affected.stop();
  checkNoLoss(report, 'routes of others are dead', await others.stop());
  report.check(
    `whoever sends to ${victim.name} is on vxlan ${FALL_BACK_MS / 1000} s after the black hole at the latest`,
    fellBackMs <= FALL_BACK_MS,
    `after ${fellBackMs.toFixed(0)} ms`,
  );
  const routes = containerRoutes(awsOf(lab).cloud.state).filter(({ to }) => to === victim.name);
  report.check(
    'EC2 calls the dead routes active',
    routes.length > 0 && routes.every(({ shownAs }) => shownAs === 'active'),
    routes.map(({ table, shownAs }) => `${table}: ${shownAs}`).join(', '),
  );
  const moved = new Set(towards(senders, victim).map(([from, to]) => `${from}>${to}`));
  const what = `only the directions to ${victim.name} move, and only to vxlan`;
  checkMoved(stage, what, before, await turnsOf(hosts), moved, 'vxlan');
  step.done(
    `on vxlan after ${inSeconds(fellBackMs)}; ${lostPings} of ${sentPings} pings lost, silence ${inSeconds(outageMs)}`,
  );
  return { lostPings, fellBackMs: Math.round(fellBackMs) };
}

/** Resolves with the milliseconds from the repair until the last of them was back. */
export async function routesMend(stage: Stage, { victim, senders, bystanders }: BlackHole): Promise<number> {
  const { lab, screen, report, signal } = stage;
  const step = screen.step(`the routes to ${victim.name} work again`);
  const hosts = lab.running;
  const before = await turnsOf(hosts);
  const flows = new SteadyFlows(lab, [...towards(senders, victim), ...bystanders]);
  await flows.more(PINGS, signal);
  const startMs = performance.now();
  await awsOf(lab).do('mend-routes', { instance: victim.name });
  step.update('probes are answered; the path has to hold first');
  const returnedMs = await whenAll(stage, senders, victim, startMs, (device) => device === UPLINK);
  await flows.more(PINGS, signal, (text) => step.update(`by the fabric: ${text}`));
  const loss = await flows.stop();
  checkNoLoss(report, 'the pairs return to the fabric', loss);
  report.check(
    `whoever sends to ${victim.name} is back on the fabric ${RETURN_MS / 1000} s after the repair at the latest`,
    returnedMs <= RETURN_MS,
    `after ${returnedMs.toFixed(0)} ms`,
  );
  const moved = new Set(towards(senders, victim).map(([from, to]) => `${from}>${to}`));
  const what = `only the directions to ${victim.name} move back, and only to the fabric`;
  checkMoved(stage, what, before, await turnsOf(hosts), moved, 'fabric');
  step.done(`back on the fabric after ${inSeconds(returnedMs)}; ${loss.lostPings} of ${loss.sentPings} pings lost`);
  return Math.round(returnedMs);
}

const towards = (senders: readonly LabHost[], victim: LabHost): readonly (readonly [string, string])[] =>
  senders.map(({ name }) => [name, victim.name]);

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** Milliseconds until the kernel of each sender has a route to the victim's subnet on such a device. */
async function whenAll(
  { signal }: Stage,
  senders: readonly LabHost[],
  victim: LabHost,
  startMs: number,
  isRight: (device: string) => boolean,
): Promise<number> {
  const { subnet } = victim.container;
  const times = await Promise.all(
    senders.map((sender) =>
      eventually(
        `${sender.name} sends to ${victim.name} another way`,
        PATIENCE_MS,
        async () => {
          const route = await sender.run(['ip', 'route', 'show', subnet]);
          const device = / dev (\S+)/.exec(route)?.[1];
          return device !== undefined && isRight(device)
            ? { found: performance.now() - startMs }
            : { missing: route.trim() };
        },
        signal,
      ),
    ),
  );
  return Math.max(...times);
}
