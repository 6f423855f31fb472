/** One more host joins while the others talk; nobody is told but by its lease. */
import type { LabHost } from '../lab-host.ts';
import { eventually } from '../eventually.ts';
import type { Stage } from '../scenario.ts';
import { startHosts } from '../start-hosts.ts';
import { SteadyFlows } from '../steady-flows.ts';
import { awaitPaths, bestPath } from './best-path.ts';
import { checkNoLoss } from './loss.ts';
import { showLeases } from './begin.ts';

export async function join(
  stage: Stage,
  joiner: LabHost,
  present: readonly LabHost[],
  flows: readonly (readonly [string, string])[],
): Promise<void> {
  const { lab, screen, report, signal } = stage;
  const step = screen.step(`${joiner.name} joins`);
  const steady = new SteadyFlows(lab, flows);
  const startMs = performance.now();
  let reachedMs = startMs;
  joiner.startDaemon();
  const container = await joiner.addContainer(signal);
  step.update(`it has ${container.subnet}; the others look for it`);
  await Promise.all(
    present.map(async (host) => {
      const flow = lab.pinger.start({ from: host.container.name, to: container.address, intervalMs: 10 });
      await eventually(
        `${host.name} reaches ${joiner.name}`,
        60_000,
        async () => ((await flow.look()).answered > 0 ? { found: true } : { missing: 'no ping is answered' }),
        signal,
      );
      reachedMs = performance.now();
      flow.cancel();
    }),
  );
  const seconds = (reachedMs - startMs) / 1000;
  await startHosts([], [...present, joiner], signal);
  step.update(`reached by all after ${seconds.toFixed(2)} s; every pair finds its best path`);
  await awaitPaths(stage, [...present, joiner], bestPath(lab.topology));
  const bestSeconds = (performance.now() - startMs) / 1000;
  const loss = await steady.stop();
  step.done(`reached by all ${seconds.toFixed(2)} s after its start, best paths after ${bestSeconds.toFixed(2)} s`);
  await showLeases(stage, [joiner]);
  checkNoLoss(report, 'a host joins', loss);
}
