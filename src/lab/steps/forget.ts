/** A host hears that another has gone. */
import { eventually } from '../eventually.ts';
import type { LabHost } from '../lab-host.ts';

/** Its status names no such peer, and its kernel has neither route nor neighbour in that subnet. */
export async function forgets(host: LabHost, subnet: string, signal: AbortSignal): Promise<void> {
  await host.await(
    `forgets ${subnet}`,
    ({ peers }) => (peers.some((peer) => peer.subnet === subnet) ? undefined : true),
    signal,
  );
  await eventually(
    `${host.name} has no route to ${subnet}`,
    60_000,
    async () => {
      const left = (await host.run(['ip', 'route', 'show', 'table', 'all', 'root', subnet])).trim();
      return left === '' ? { found: true } : { missing: left };
    },
    signal,
  );
}
