/** Hosts come into a cluster: daemons, containers, and paths to all others. */
import type { LabHost } from './lab-host.ts';

/** Starts the daemons of these hosts at once, gives each a container, and waits until each sees `among` (all others) by the path that it will stay on. */
export async function startHosts(
  hosts: readonly LabHost[],
  among: readonly LabHost[],
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    hosts.map(async (host) => {
      host.startDaemon();
      await host.addContainer(signal);
    }),
  );
  await Promise.all(among.map((host) => seesAll(host, among, signal)));
}

/** The host is ready and has a path to each of the others. */
async function seesAll(host: LabHost, among: readonly LabHost[], signal: AbortSignal): Promise<void> {
  const others = new Map(
    among.filter((other) => other !== host).map(({ container, plan }) => [container.subnet as string, plan.node]),
  );
  await host.await(
    `sees ${others.size} peers`,
    ({ ready, peers }) => {
      // Of a subnet that went to another node it may know the old one still.
      const isThere = ({ subnet, node }: (typeof peers)[number]): boolean =>
        others.has(subnet) && (node === null || node === others.get(subnet));
      const reached = peers.filter((peer) => isThere(peer) && peer.path !== 'none' && peer.settled);
      return ready && reached.length === others.size ? true : undefined;
    },
    signal,
  );
}
