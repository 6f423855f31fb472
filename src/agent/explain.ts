/** Why a peer is reached the way it is: the whole list of paths with its verdicts, what stands for the one taken, and the MTU's sum. */
import type { HostNetwork } from '../contracts/host-network.ts';
import { tryAddress } from '../core/address.ts';
import type { LedgerRow } from '../core/cloud-route.ts';
import { describeHostEntry, hostEntryKey, sameHostEntry, type HostEntry } from '../core/host-entry.ts';
import type { Reach, Refusal } from '../core/path.ts';
import { contains, trySubnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import { extensionWay } from '../datapath/extension.ts';
import { mtuBounds, type MtuBounds } from '../datapath/mtu.ts';
import { datapathsOf } from '../datapath/paths.ts';
import { hostScope } from '../reconcile/host-scope.ts';
import type { PathTurn, PathWords, ProbedPath } from './path-words.ts';
import type { PassReport, PeerPath } from '../reconcile/pass-report.ts';

export interface ExplainedPath {
  readonly path: Refusal['path'];
  readonly verdict: 'taken' | 'refused' | 'usable';
  /** Of a refusal; else what probes say. */
  readonly why: string | null;
}

export interface Explanation {
  readonly node: string | null;
  readonly subnet: string;
  readonly publicIP: string;
  readonly epoch: number;
  readonly path: Reach;
  /** When this path was taken, ISO 8601, and what was taken before: null when the peer was new. */
  readonly since: string;
  readonly before: Reach | null;
  /** In the order of preference. */
  readonly paths: readonly ExplainedPath[];
  /** What the ledger says of the route to it in the table that this host's subnet uses; null: nothing, or no cloud. */
  readonly cloudRoute: {
    readonly table: string;
    readonly target: string;
    readonly epoch: number;
    readonly state: LedgerRow['state'];
    readonly why: string | null;
  } | null;
  /** The route's MTU is the smallest of these, in bytes; null where no path is taken. */
  readonly mtu: (MtuBounds & { readonly result: number; readonly overhead: number }) | null;
  /** What probes have said of each usable path, and how the path came to be taken, latest last. */
  readonly probes: readonly ProbedPath[];
  readonly turns: readonly PathTurn[];
  /** What must stand on this host for it; whether it does was looked up for this answer. */
  readonly entries: readonly { readonly entry: string; readonly stands: boolean }[];
}

export interface ExplainParts {
  readonly host: HostNetwork;
  readonly self: Self;
  /** The path before the one that the peer is on now. */
  readonly before: Reach | undefined;
  readonly words: PathWords;
}

/** The peer of that node id, subnet, public IP, or address of a container. */
export function findPeer(report: PassReport, text: string): PeerPath | undefined {
  const subnet = trySubnet(text);
  const address = tryAddress(text);
  const peers = [...report.peers.values()];
  return (
    peers.find(({ peer }) => peer.attributes.weft?.node === text || peer.key === text) ??
    peers.find(({ peer }) => peer.subnet.v4 === subnet || peer.attributes.publicIP === address) ??
    peers.find(({ peer }) => address !== undefined && contains(peer.subnet.v4, address))
  );
}

function explainPaths(
  self: Self,
  { peer, path: taken }: PeerPath,
  { refused, trouble, probes }: PathWords,
): ExplainedPath[] {
  if (self.config.extension !== undefined)
    return taken === 'extension'
      ? [{ path: taken, verdict: 'taken', why: null }]
      : refused.map(({ path, why }) => ({ path, verdict: 'refused', why }));
  return datapathsOf(self.config.paths).map((path) => {
    const says = probes.find((one) => one.path === path.name)?.says ?? null;
    if (path.name === taken) return { path: path.name, verdict: 'taken', why: trouble ?? says };
    const refusal = refused.find((one) => one.path === path.name);
    if (refusal !== undefined) return { path: path.name, verdict: 'refused', why: refusal.why };
    // Behind the one taken nobody has asked yet.
    const verdict = path.judge(self, peer);
    return verdict.usable
      ? { path: path.name, verdict: 'usable', why: says }
      : { path: path.name, verdict: 'refused', why: verdict.why };
  });
}

function cloudRoute(row: LedgerRow | undefined): Explanation['cloudRoute'] {
  if (row === undefined) return null;
  const { table, target, epoch, state, why = null } = row;
  return { table, target, epoch, state, why };
}

function byCommands({ config }: Self, { peer, path }: PeerPath): HostEntry[] {
  const way = config.extension === undefined || path !== 'extension' ? undefined : extensionWay(config.extension, peer);
  return way !== undefined && 'entry' in way ? [way.entry] : [];
}

export async function explain(
  { host, self, before, words }: ExplainParts,
  found: PeerPath,
  signal: AbortSignal,
): Promise<Explanation> {
  const { peer, path: taken } = found;
  const path = datapathsOf(self.config.paths).find(({ name }) => name === taken);
  const wanted = path?.send(self, peer, undefined) ?? byCommands(self, found);
  const scope = { ...hostScope(self, [], [], []), only: new Set(wanted.map(hostEntryKey)) };
  const observed = wanted.length === 0 ? [] : (await host.observe(scope, signal)).entries;
  const overhead = path?.overheadBytes ?? 0;
  return {
    node: peer.attributes.weft?.node ?? null,
    subnet: peer.subnet.v4,
    publicIP: peer.attributes.publicIP,
    epoch: peer.epoch,
    path: taken,
    since: new Date(found.sinceMs).toISOString(),
    before: before ?? null,
    paths: explainPaths(self, found, words),
    probes: words.probes,
    turns: words.turns,
    cloudRoute: cloudRoute(self.cloud?.rows.get(peer.subnet.v4)),
    mtu:
      path === undefined || found.mtuBytes === undefined
        ? null
        : { result: found.mtuBytes, overhead, ...mtuBounds(self, peer, overhead) },
    entries: wanted.map((entry) => ({
      entry: describeHostEntry(entry),
      stands: observed.some((other) => sameHostEntry(other, entry)),
    })),
  };
}
