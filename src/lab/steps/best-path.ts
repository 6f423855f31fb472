/** By which path each host sends to each other when all is well, and waiting until they do. */
import type { PathName } from '../../core/path.ts';
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';
import { segmentOf, siteOf, type Topology } from '../topology.ts';

/** Says by which path `from` is to send to `to`. */
export type PathOf = (from: LabHost, to: LabHost) => PathName;

/** Directly on one layer 2, by route tables inside a VPC, else by vxlan. */
export function bestPath(topology: Topology): PathOf {
  return (from, to) => {
    if (segmentOf(topology, from.plan) === segmentOf(topology, to.plan)) return 'direct';
    const site = siteOf(topology, from.plan);
    return site.vpc !== undefined && site === siteOf(topology, to.plan) ? 'fabric' : 'vxlan';
  };
}

/** The same, but for the directions that are named: `a1>b1`. */
export const bestPathBut =
  (topology: Topology, path: PathName, directions: ReadonlySet<string>): PathOf =>
  (from, to) =>
    directions.has(`${from.name}>${to.name}`) ? path : bestPath(topology)(from, to);

/** Probes of three seconds, and a hold of eight, where the machine has nothing else to do. */
const FIRST_PATHS_MS = 90_000;

/** Waits until every host says that it sends so. */
export async function awaitPaths({ signal }: Stage, hosts: readonly LabHost[], pathOf: PathOf): Promise<void> {
  await Promise.all(
    hosts.map(async (from) => {
      const wanted = hosts.filter((to) => to !== from).map((to) => ({ to, path: pathOf(from, to) }));
      await from.await(
        `sends ${wanted.map(({ to, path }) => `to ${to.name} by ${path}`).join(', ')}`,
        ({ peers }) =>
          wanted.every(({ to, path }) =>
            peers.some((peer) => peer.subnet === to.container.subnet && peer.path === path),
          )
            ? true
            : undefined,
        signal,
        FIRST_PATHS_MS,
      );
    }),
  );
}
