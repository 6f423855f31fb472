/** Cloud routes to one host turn into black holes while containers talk, and work again later. */
import { eventually } from '../eventually.ts';
import type { LabHost } from '../lab-host.ts';
import { Stopwatch } from '../stopwatch.ts';
import { trafficRouteTo } from '../traffic-routes.ts';
import type { Stage } from '../scenario.ts';
import { SteadyFlows, type Loss } from '../steady-flows.ts';
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

/** Members of the JSON report. */
export interface Fall {
  readonly lostPings: number;
  /** From the order to the emulated cloud until the kernel of the last sender had its route to the victim on the tunnel. */
  readonly fellBackMs: number;
}

const FALL_BACK_MS = 5000;
const RETURN_MS = 15_000;
/** A wait goes on beyond what is asked, so that the true figure is seen. */
const PATIENCE_MS = 30_000;
/** Pings of each flow before and after. */
const PINGS = 100;

export async function routesDie(stage: Stage, hole: BlackHole): Promise<Fall> {
  const { lab, screen, report, signal } = stage;
  const { victim, bystanders } = hole;
  const step = screen.step(`the cloud routes to ${victim.name} become black holes`);
  const hosts = lab.running;
  const before = await turnsOf(hosts);
  const affected = new SteadyFlows(lab, affectedBy(hole));
  const others = new SteadyFlows(lab, bystanders);
  await affected.more(PINGS, signal);
  const watch = new Stopwatch();
  await awsOf(lab).do('kill-routes', { instance: victim.name });
  step.update('EC2 says "active"; no packet comes through');
  const moves = await whenAll(stage, hole, watch, (device) => device !== UPLINK);
  await affected.more(PINGS, signal, (text) => step.update(`by vxlan: ${text}`));
  const loss = await affected.stop();
  const untouched = await others.stop();
  const fellBackMs = Math.max(...moves.values());
  const inTime = report.check(
    `whoever sends to ${victim.name} is on vxlan within ${FALL_BACK_MS / 1000} s of the black hole`,
    fellBackMs <= FALL_BACK_MS,
    `after ${inSeconds(fellBackMs)}`,
  );
  if (inTime) step.done(`on a tunnel after ${inSeconds(fellBackMs)}, unasked`);
  else step.failed(`on a tunnel only after ${inSeconds(fellBackMs)}`);

  const routes = containerRoutes(awsOf(lab).cloud.state).filter(({ to }) => to === victim.name);
  const shown = routes.map(({ table, destination, shownAs }) => `${destination} in ${table} is ${shownAs}`).join(', ');
  report.check('EC2 calls the dead routes active', routes.every(isActive) && routes.length > 0, shown);
  screen.line(`    ${screen.paint('dim', `EC2 still says: ${shown}`)}`);
  showFlows(stage, loss, moves, 'fabric → vxlan');
  screen.line(`    all others: as before, ${lostOf(untouched.lostPings, untouched.sentPings)}`);
  checkNoLoss(report, 'the routes of others are dead', untouched);
  const what = `the directions to ${victim.name} move to vxlan, and no other moves`;
  checkMoved(stage, what, before, await turnsOf(hosts), directionsOf(hole), 'vxlan');
  return { lostPings: loss.lostPings, fellBackMs: Math.round(fellBackMs) };
}

/** @returns milliseconds from the order until the kernel of the last sender had its route on the fabric again */
export async function routesMend(stage: Stage, hole: BlackHole): Promise<number> {
  const { lab, screen, report, signal } = stage;
  const { victim, bystanders } = hole;
  const step = screen.step(`the cloud routes to ${victim.name} work again`);
  const hosts = lab.running;
  const before = await turnsOf(hosts);
  const affected = new SteadyFlows(lab, affectedBy(hole));
  const others = new SteadyFlows(lab, bystanders);
  await affected.more(PINGS, signal);
  const watch = new Stopwatch();
  await awsOf(lab).do('mend-routes', { instance: victim.name });
  step.update('probes come through; now the path has to hold');
  const moves = await whenAll(stage, hole, watch, (device) => device === UPLINK);
  await affected.more(PINGS, signal, (text) => step.update(`by the fabric: ${text}`));
  const loss = await affected.stop();
  const untouched = await others.stop();
  const returnedMs = Math.max(...moves.values());
  const inTime = report.check(
    `whoever sends to ${victim.name} is on the fabric within ${RETURN_MS / 1000} s of the repair`,
    returnedMs <= RETURN_MS,
    `after ${inSeconds(returnedMs)}`,
  );
  const lostPings = loss.lostPings + untouched.lostPings;
  if (!inTime) step.failed(`back on the fabric only after ${inSeconds(returnedMs)}`);
  else if (lostPings > 0) step.failed(`back on the fabric after ${inSeconds(returnedMs)}, but pings were lost`);
  else step.done(`back on the fabric after ${inSeconds(returnedMs)}, unasked`);

  showFlows(stage, loss, moves, 'vxlan → fabric');
  screen.line(`    all others: as before, ${lostOf(untouched.lostPings, untouched.sentPings)}`);
  checkNoLoss(report, 'pairs return to the fabric', loss);
  checkNoLoss(report, 'pairs of others return to the fabric', untouched);
  const what = `the directions to ${victim.name} move back to the fabric, and no other moves`;
  checkMoved(stage, what, before, await turnsOf(hosts), directionsOf(hole), 'fabric');
  return Math.round(returnedMs);
}

const affectedBy = ({ senders, victim }: BlackHole): readonly (readonly [string, string])[] =>
  senders.map(({ name }) => [name, victim.name]);

const directionsOf = (hole: BlackHole): ReadonlySet<string> =>
  new Set(affectedBy(hole).map(([from, to]) => `${from}>${to}`));

const isActive = ({ shownAs }: { readonly shownAs: string }): boolean => shownAs === 'active';

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

const lostOf = (lost: number, sent: number): string => `${lost} of ${sent} pings lost`;

/** Each flow's own figures. */
function showFlows({ screen }: Stage, { flows }: Loss, moves: ReadonlyMap<string, number>, move: string): void {
  for (const { from, to, sent, lost, outageMs } of flows) {
    const after = `after ${inSeconds(moves.get(from) ?? Number.NaN)}`;
    const silence = lost === 0 ? '' : screen.paint('dim', `  no answer for ${inSeconds(outageMs)}`);
    screen.line(`    ${screen.paint('bold', `${from} → ${to}`)}  ${move} ${after}, ${lostOf(lost, sent)}${silence}`);
  }
}

/** By sender: milliseconds until its kernel has a route to the victim's subnet on such a device. */
async function whenAll(
  { signal }: Stage,
  { senders, victim }: BlackHole,
  watch: Stopwatch,
  isRight: (device: string) => boolean,
): Promise<ReadonlyMap<string, number>> {
  const { subnet } = victim.container;
  const times = senders.map(async (sender): Promise<readonly [string, number]> => {
    const tookMs = await eventually(
      `${sender.name} sends to ${victim.name} by the other path`,
      PATIENCE_MS,
      async () => {
        const route = await trafficRouteTo(sender, subnet);
        const device = / dev (\S+)/.exec(route)?.[1];
        return device !== undefined && isRight(device) ? { found: watch.ms } : { missing: `its route is ${route}` };
      },
      signal,
    );
    return [sender.name, tookMs];
  });
  const all = new Map(await Promise.all(times));
  watch.stop();
  return all;
}
