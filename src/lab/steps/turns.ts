/** Which directions have changed their path, as each host's daemon explains it. */
import type { LabHost } from '../lab-host.ts';
import type { Stage } from '../scenario.ts';

/** By direction, `a1>b1`: the paths taken since the daemon's start. */
export type Turns = ReadonlyMap<string, readonly string[]>;

export async function turnsOf(hosts: readonly LabHost[]): Promise<Turns> {
  const directions = hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => ({ from, to })));
  return new Map(
    await Promise.all(
      directions.map(async ({ from, to }): Promise<readonly [string, readonly string[]]> => {
        const turns = await from.turnsTo(to);
        return [`${from.name}>${to.name}`, turns.map(({ to: path }) => path)];
      }),
    ),
  );
}

/** These directions have taken this path, once, and no other has moved. No daemon may have been restarted in between. */
export function checkMoved(
  { report }: Stage,
  what: string,
  before: Turns,
  after: Turns,
  directions: ReadonlySet<string>,
  path: string,
): void {
  const moved = [...after]
    .map(([direction, turns]) => ({ direction, since: turns.slice(before.get(direction)?.length ?? 0) }))
    .filter(({ since }) => since.length > 0);
  report.check(
    what,
    moved.length === directions.size &&
      moved.every(({ direction, since }) => directions.has(direction) && since.join() === path),
    moved.map(({ direction, since }) => `${direction} to ${since.join(', then ')}`).join('; ') || 'none has moved',
  );
}
