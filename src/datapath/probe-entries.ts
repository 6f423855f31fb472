/**
 * What probes travel by: for each path a table of its own that reaches each peer that may be reached that way, whichever way is taken, and two rules that send
 * marked packets there and nowhere else.
 *
 *   mark of the path, to the Network ──► the path's table ──► unreachable
 *
 * The second rule is what makes a probe mean something: without it a probe that has no route would leave by the main table's, and be answered.
 */
import type { HostEntry } from '../core/host-entry.ts';
import { MAIN_TABLE, probeTableOf, steeringOf } from '../core/instance.ts';
import type { Datapath, Self } from './datapath.ts';

/** What stands for probes whatever peers there are: the rules, and the routes of paths that reach all peers by one. */
export function probeBasics(self: Self, paths: readonly Datapath[]): HostEntry[] {
  const to = self.config.v4.network;
  return paths.flatMap(({ name, probeRoute }): HostEntry[] => {
    const { mark, mask, table, lookupPriority, unreachablePriority } = steeringOf(self.numbers, name);
    const marked = { kind: 'rule', to, mark, markMask: mask } as const;
    const route = probeRoute?.(self);
    return [
      ...(route === undefined ? [] : [route]),
      { ...marked, priority: lookupPriority, action: table },
      { ...marked, priority: unreachablePriority, action: 'unreachable' },
    ];
  });
}

/**
 * What a path sends to one peer by: for its traffic, if that goes this way, and for probes in any case. The route is traffic's alone; probes have the one to all peers,
 * or a copy in the path's own table. The rest (neighbours, forwarding entries) serves both.
 */
export function addEntries(
  entries: HostEntry[],
  self: Self,
  { name, probeRoute }: Datapath,
  sends: readonly HostEntry[],
  isTaken: boolean,
): void {
  for (const entry of sends) {
    const isRoute = entry.kind === 'route' && entry.table === MAIN_TABLE;
    if (isTaken || !isRoute) entries.push(entry);
    if (isRoute && probeRoute === null) entries.push({ ...entry, table: probeTableOf(self.numbers, name) });
  }
}
