/** Takes away what stands on this host because of us. */
import type { HostNetwork } from '../contracts/host-network.ts';
import { diff } from '../core/diff.ts';
import { HOST_ENTRIES, type HostEntry, type HostFile } from '../core/host-entry.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import type { FailedChange } from '../reconcile/pass-report.ts';
import { hostScope } from '../reconcile/host-scope.ts';

/**
 * `peers`: the ways to peers, those of probes too, tunnels and the base address; the leak guard stays, so that no container's packet leaves in the clear.
 * `all`: everything but settings of the kernel, which others may have come to rely on, and subnet.env, which names the subnet to ask for again.
 */
export type TearDown = 'peers' | 'all';

const PEERS: ReadonlySet<HostEntry['kind']> = new Set([
  'extension',
  'route',
  'neighbour',
  'fdb',
  'tunnel',
  'socket',
  'address',
  'link',
  'tun',
]);
const ALL: ReadonlySet<HostEntry['kind']> = new Set([...PEERS, 'unreachable', 'accept', 'masquerade', 'file']);

export interface TearDownParts {
  readonly host: HostNetwork;
  readonly self: Self;
  /** Files besides subnet.env. */
  readonly files: readonly HostFile[];
  readonly previousNetworks: readonly Subnet[];
}

/** @returns what could not be removed */
export async function tearDown(
  what: TearDown,
  parts: TearDownParts,
  signal: AbortSignal,
): Promise<readonly FailedChange[]> {
  const { host, self, files, previousNetworks } = parts;
  const kinds = what === 'all' ? ALL : PEERS;
  const observed = await host.observe(hostScope(self, [], files, previousNetworks), signal);
  const standing = observed.entries.filter(({ kind }) => kinds.has(kind));
  const changes = diff(standing, [], HOST_ENTRIES);
  const outcomes = changes.length === 0 ? [] : await host.apply(changes, signal);
  return outcomes.flatMap(({ change, error }) => (error === undefined ? [] : [{ change, error }]));
}
