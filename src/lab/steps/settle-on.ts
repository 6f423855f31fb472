/** Pairs find the paths that they should have: by their own word, by the kernel's routes, and by pings. */
import type { PathName } from '../../core/path.ts';
import { trafficRoutes } from '../traffic-routes.ts';
import type { LabHost } from '../lab-host.ts';
import type { PairResult } from '../matrix.ts';
import type { Stage } from '../scenario.ts';
import { gatewayOf, segmentOf, type Topology } from '../topology.ts';
import { UPLINK } from '../world.ts';
import { awaitPaths, type PathOf } from './best-path.ts';
import { matrixStep } from './matrix-step.ts';

/** @param when ends the names of checks: `..., WHEN`. Resolves with the pairs, and the milliseconds that they took to move. */
export async function settleOn(
  stage: Stage,
  title: string,
  when: string,
  pathOf: PathOf,
): Promise<{ readonly pairs: readonly PairResult[]; readonly tookMs: number }> {
  const { lab, screen, report } = stage;
  const hosts = lab.running;
  const startMs = performance.now();
  const step = screen.step(title);
  await awaitPaths(stage, hosts, pathOf);
  const tookMs = Math.round(performance.now() - startMs);
  step.done();
  const pairs = await matrixStep(stage, hosts, when, pathOf);
  const wrong: string[] = [];
  for (const from of hosts) {
    const routes = await kernelPaths(lab.topology, from);
    for (const to of hosts) {
      if (from === to) continue;
      const path = routes.get(to.container.subnet) ?? 'none';
      if (path !== pathOf(from, to)) wrong.push(`${from.name}>${to.name} ${path}`);
    }
  }
  report.check(`the kernel's routes lead by the same paths, ${when}`, wrong.length === 0, wrong.join(', '));
  return { pairs, tookMs };
}

/** By the destination of each of our routes. */
async function kernelPaths(topology: Topology, host: LabHost): Promise<ReadonlyMap<string, PathName>> {
  const gateway = gatewayOf(segmentOf(topology, host.plan));
  const routes = await trafficRoutes(host);
  return new Map(
    routes.map((line): readonly [string, PathName] => {
      const [destination = ''] = line.split(' ');
      if (!line.includes(` dev ${UPLINK} `)) return [destination, line.includes(' via ') ? 'vxlan' : 'udp'];
      return [destination, line.includes(` via ${gateway} `) ? 'fabric' : 'direct'];
    }),
  );
}
