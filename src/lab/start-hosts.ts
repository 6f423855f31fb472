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
  const others = new Set(among.filter((other) => other !== host).map((other) => other.container.subnet as string));
  await host.await(
    `sees ${others.size} peers`,
    ({ ready, peers }) => {
      const reached = peers.filter(({ subnet, path, settled }) => others.has(subnet) && path !== 'none' && settled);
      return ready && reached.length === others.size ? true : undefined;
    },
    signal,
  );
}
