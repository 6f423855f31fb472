/** The source/destination check of one host is switched on by another hand; its own agent finds it and switches it off. */
import { planned } from '../aws/account.ts';
import { eventually } from '../eventually.ts';
import type { Lab } from '../lab.ts';
import type { LabHost } from '../lab-host.ts';
import type { Flow } from '../pinger.ts';
import type { Stage } from '../scenario.ts';
import { Stopwatch } from '../stopwatch.ts';
import { awaitPaths, bestPath } from './best-path.ts';
import { awsOf } from './cloud-routes.ts';
import { callsOfAll } from './ec2-calls.ts';

const FALL_BACK_MS = 5000;
const PATIENCE_MS = 30_000;
const PINGS = { count: 100, intervalMs: 5 };

export interface SourceCheckFall {
  readonly fellBackMs: number;
  readonly mendedMs: number;
  readonly returnedMs: number;
  /** The longest stretch of one flow without an answer. */
  readonly outageMs: number;
  readonly lostPings: number;
  readonly sentPings: number;
}

/** @param peer has traffic with it, in both directions. All pairs come back to their best paths. */
export async function switchCheckOn(stage: Stage, victim: LabHost, peer: LabHost): Promise<SourceCheckFall> {
  const { lab, screen, report, signal } = stage;
  const { name } = victim;
  const step = screen.step(`somebody switches ${name}'s source/destination check on`);
  const aws = awsOf(lab);
  const flows = [pings(lab, peer, victim), pings(lab, victim, peer)];
  await answered(flows, signal);
  const before = callsOfAll(lab);
  const watch = new Stopwatch();
  const since = (): number => Math.round(watch.ms);
  await aws.do('check', { instance: name, on: true });
  step.update('its packets die; probes are missed');
  const fellBackMs = await victim.await(
    'sends by vxlan',
    // Its agent is quick: when the first pair falls it puts right what ails them all.
    ({ peers }) => (peers.some(({ path }) => path === 'vxlan') ? since() : undefined),
    signal,
    PATIENCE_MS,
  );
  step.update(`on vxlan after ${fellBackMs} ms; its agent looks at the cloud`);
  const mendedMs = await eventually(
    `${name}'s check is off again`,
    PATIENCE_MS,
    () =>
      aws.cloud.state.interfaces.get(planned.interface(name))?.sourceDestCheck === false
        ? { found: since() }
        : { missing: 'it is on' },
    signal,
  );
  step.update(`switched off again after ${mendedMs} ms; the paths have to hold first`);
  await awaitPaths(stage, lab.running, bestPath(lab.topology));
  const returnedMs = since();
  watch.stop();
  await answered(flows, signal);
  const counts = await Promise.all(flows.map((flow) => flow.stop()));
  const lostPings = counts.reduce((sum, { lost }) => sum + lost, 0);
  const sentPings = counts.reduce((sum, { sent }) => sum + sent, 0);
  const outageMs = Math.round(Math.max(...counts.map((count) => count.outageMs)));
  const after = callsOfAll(lab);
  const changes = lab.running.map(
    (host) => `${host.name} ${(after[host.name]?.mutating ?? 0) - (before[host.name]?.mutating ?? 0)}`,
  );
  const wanted = lab.running.map((host) => `${host.name} ${host === victim ? 1 : 0}`);
  report.check(
    `${name}'s agent switches its check off with one call, and nobody else changes anything`,
    changes.join() === wanted.join(),
    changes.join(', '),
  );
  report.check(
    `${name} sends by vxlan where its packets die, ${FALL_BACK_MS / 1000} s later at the latest`,
    fellBackMs <= FALL_BACK_MS,
    `${fellBackMs} ms`,
  );
  report.check(
    `pings to and from ${name} are answered again ${FALL_BACK_MS / 1000} s later at the latest`,
    outageMs <= FALL_BACK_MS,
    `${outageMs} ms`,
  );
  step.done(
    `vxlan after ${(fellBackMs / 1000).toFixed(1)} s, check off after ${(mendedMs / 1000).toFixed(1)} s, back after ${(returnedMs / 1000).toFixed(1)} s; ${lostPings} of ${sentPings} pings lost`,
  );
  return { fellBackMs, mendedMs, returnedMs, outageMs, lostPings, sentPings };
}

const pings = ({ pinger }: Lab, from: LabHost, to: LabHost): Flow =>
  pinger.start({ from: from.container.name, to: to.container.address, intervalMs: PINGS.intervalMs });

/** Waits until so many more pings of each have been answered. */
async function answered(flows: readonly Flow[], signal: AbortSignal): Promise<void> {
  await Promise.all(
    flows.map(async (flow) => {
      const before = (await flow.look()).answered;
      await eventually(
        `${flow.plan.from} has ${PINGS.count} answers more`,
        PATIENCE_MS,
        async () => {
          const now = (await flow.look()).answered - before;
          return now >= PINGS.count ? { found: true } : { missing: `${now} so far` };
        },
        signal,
      );
    }),
  );
}
