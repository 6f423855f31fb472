/** Who sends to whom by which path, and every change of that, by the senders' own word. */
import { askControl, instanceFolders } from '../../src/lab/control-socket.ts';
import type { PeerStatus } from '../../src/core/status.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { becomes } from './becomes.ts';

/** Also on a machine that is busy with other things. */
const WITHIN_MS = 60_000;

/** `a1>b1`: the paths that it was taken to, the latest last. */
export type Turns = Readonly<Record<string, readonly string[]>>;

interface Told {
  readonly turns: readonly { readonly to: string }[];
}

const directionsOf = (hosts: readonly LabHost[]): { readonly from: LabHost; readonly to: LabHost }[] =>
  hosts.flatMap((from) => hosts.filter((to) => to !== from).map((to) => ({ from, to })));

/** What `weftd explain` tells, without a process for each direction. */
async function turnsFrom(from: LabHost, to: LabHost): Promise<readonly string[]> {
  const [folder = ''] = instanceFolders(from.stateFolder);
  const told = JSON.parse(await askControl(folder, `/explain/${to.plan.node}`)) as Told;
  return told.turns.map((turn) => turn.to);
}

export async function turnsOf(hosts: readonly LabHost[]): Promise<Turns> {
  const all = directionsOf(hosts).map(
    async ({ from, to }) => [`${from.name}>${to.name}`, await turnsFrom(from, to)] as const,
  );
  return Object.fromEntries(await Promise.all(all));
}

/** The directions that have turned since, and where to. */
export async function turnedSince(before: Turns, hosts: readonly LabHost[]): Promise<Turns> {
  const now = Object.entries(await turnsOf(hosts));
  return Object.fromEntries(
    now
      .map(([direction, turns]) => [direction, turns.slice(before[direction]?.length)] as const)
      .filter(([, turns]) => turns.length > 0),
  );
}

/** `a1>b1`: what its sender says of it now. */
async function peersOf<T>(
  hosts: readonly LabHost[],
  view: (peer: PeerStatus) => T,
): Promise<Readonly<Record<string, T | 'none'>>> {
  const statuses = new Map(await Promise.all(hosts.map(async (host) => [host, await host.status()] as const)));
  return Object.fromEntries(
    directionsOf(hosts).map(({ from, to }) => {
      const peer = statuses.get(from)?.peers.find(({ node }) => node === to.plan.node);
      return [`${from.name}>${to.name}`, peer === undefined ? 'none' : view(peer)];
    }),
  );
}

/** `a1>b1`: the path that it takes now. */
export const takenBy = (hosts: readonly LabHost[]): Promise<Readonly<Record<string, string>>> =>
  peersOf(hosts, ({ path }) => path);

/** Waits until all directions are on just these paths, and stay there as long as nothing happens. */
export const settledOn = (paths: Readonly<Record<string, string>>, hosts: readonly LabHost[]): Promise<void> =>
  becomes(
    'directions are on their paths',
    paths,
    () => peersOf(hosts, ({ path, settled }) => (settled ? path : `${path}, unsettled`)),
    WITHIN_MS,
  );
