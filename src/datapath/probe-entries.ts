/**
 * What probes travel by: for each path a table of its own with the route to each peer that may be reached that way, whichever way is taken, and two rules that send
 * marked packets there and nowhere else.
 *
 *   mark of the path, to the Network ──► the path's table ──► unreachable
 *
 * The second rule is what makes a probe mean something: without it a probe that has no route would leave by the main table's, and be answered.
 */
import type { HostEntry } from '../core/host-entry.ts';
import { MAIN_TABLE, steeringOf } from '../core/instance.ts';
import type { PathName } from '../core/path.ts';
import type { Datapath, Self } from './datapath.ts';

export function probeRules({ config, numbers }: Self, paths: readonly Datapath[]): HostEntry[] {
  const to = config.v4.network;
  return paths.flatMap(({ name }): HostEntry[] => {
    const { mark, mask, table, lookupPriority, unreachablePriority } = steeringOf(numbers, name);
    const marked = { kind: 'rule', to, mark, markMask: mask } as const;
    return [
      { ...marked, priority: lookupPriority, action: table },
      { ...marked, priority: unreachablePriority, action: 'unreachable' },
    ];
  });
}

/**
 * What the path sends by, its routes in the path's own table. The rest (neighbours, forwarding entries) is the same whether traffic or probes go that way.
 * @param isTaken traffic goes that way: all but those routes is there already
 */
export function addProbeEntries(
  entries: HostEntry[],
  self: Self,
  path: PathName,
  sends: readonly HostEntry[],
  isTaken: boolean,
): void {
  const { table } = steeringOf(self.numbers, path);
  for (const entry of sends) {
    if (entry.kind === 'route' && entry.table === MAIN_TABLE) entries.push({ ...entry, table });
    else if (!isTaken) entries.push(entry);
  }
}
