/** The facts as plain JSON: `GET /status`. */
import { baseOf } from '../core/subnet.ts';
import { isDevice } from '../core/device.ts';
import { isTunnel } from '../core/path.ts';
import type { CloudStatus, PassStatus, PeerStatus, Status, TunnelStatus } from '../core/status.ts';
import type { TunnelCounters } from '../core/tunnel-counters.ts';
import { linkUnder, type HostEntry } from '../core/host-entry.ts';
import type { FailedChange, PeerPath } from '../reconcile/pass-report.ts';
import type { Facts, PassFacts } from './facts.ts';
import type { PathWords } from './path-words.ts';
import { describeChange } from './pass-journal.ts';

/** A peer whose entries fail is that pair's trouble; it takes no other's traffic away from this host. */
const OF_PEERS: ReadonlySet<HostEntry['kind']> = new Set(['route', 'neighbour', 'fdb', 'tunnel', 'extension']);

const entryOf = ({ change }: FailedChange): HostEntry => (change.op === 'put' ? change.want : change.was);

const deviceOf = (entry: HostEntry): string | undefined => (isDevice(entry) ? entry.name : linkUnder(entry));

/** A tunnel that cannot be had is no reason where another one stands: a kernel without vxlan is what the others are there for. */
function concernHost({ failed, last }: PassFacts): FailedChange[] {
  const spared = new Set<string | undefined>();
  if (last?.receives.some(isTunnel) === true)
    for (const entry of failed.map(entryOf))
      if (isDevice(entry) || entry.kind === 'socket') spared.add(deviceOf(entry));
  return failed.filter((one) => {
    const entry = entryOf(one);
    return !OF_PEERS.has(entry.kind) && !(deviceOf(entry) !== undefined && spared.has(deviceOf(entry)));
  });
}

/** Why this node should get no containers now; empty when it may. */
export function unreadyReasons({ phase, leaseTrouble, passes, subnetFileWritten, findings }: Facts): string[] {
  const reasons = leaseTrouble === undefined ? [] : [leaseTrouble];
  if (!subnetFileWritten) reasons.push('the subnet file is not written');
  if (passes.trouble !== undefined) reasons.push(`the last pass could not be made: ${passes.trouble.message}`);
  else if (passes.last === undefined) reasons.push('no pass has been made yet');
  for (const { change, error } of concernHost(passes)) reasons.push(`${describeChange(change)}: ${error.message}`);
  // What it waits for explains why it has not come further.
  if (phase === 'starting') reasons.push(...findings.map(({ code, message }) => `${code}: ${message}`));
  return reasons;
}

const iso = (ms: number): string => new Date(ms).toISOString();

function peerStatus(
  { peer, path, mtuBytes, sinceMs }: PeerPath,
  { refused, trouble, settled }: PathWords,
  tunnel: TunnelCounters | undefined,
): PeerStatus {
  const { weft, publicIP } = peer.attributes;
  return {
    node: weft?.node ?? null,
    subnet: peer.subnet.v4,
    publicIP,
    path,
    mtu: mtuBytes ?? null,
    since: iso(sinceMs),
    refused,
    trouble,
    tunnel: tunnel?.peers.get(peer.subnet.v4) ?? null,
    settled,
  };
}

function passStatus({ last, failed, held }: PassFacts): PassStatus | null {
  if (last === undefined) return null;
  return {
    number: last.number,
    at: iso(last.atMs),
    durationMs: last.durationMs,
    applied: last.applied.length,
    failed: failed.map(({ change, error }) => ({
      entry: describeChange(change),
      code: error.code,
      message: error.message,
    })),
    held: held.map(({ change, why }) => ({ entry: describeChange(change), why })),
  };
}

function cloudStatus({ facts, own, writer }: NonNullable<Facts['cloud']>): CloudStatus {
  const { identity, table, trouble } = facts;
  return {
    network: identity.network,
    subnet: identity.subnet,
    target: identity.target,
    table: table ?? null,
    trouble: trouble ?? null,
    writer: writer.mode,
    routes: own.map((row) => ({ table: row.table, target: row.target, state: row.state, why: row.why ?? null })),
  };
}

function tunnelStatus({ total, dropped }: TunnelCounters): TunnelStatus {
  const reasons = Object.fromEntries(Object.entries(dropped).filter(([, packets]) => packets > 0));
  return { ...total, reasons };
}

export function statusOf(facts: Facts): Status {
  const { version, node, instance, phase, config, uplink, lease, view, passes, store, cloud } = facts;
  const tunnel = facts.tunnel();
  const unready = unreadyReasons(facts);
  const peers = [...(passes.last?.peers.values() ?? [])].map((peer) => peerStatus(peer, facts.wordsOf(peer), tunnel));
  return {
    version,
    node,
    instance,
    state: phase,
    ready: unready.length === 0,
    unready,
    network: config?.v4.network ?? null,
    subnet: lease?.subnet.v4 ?? null,
    address: lease === undefined ? null : baseOf(lease.subnet.v4),
    publicIP: uplink?.publicIP ?? null,
    epoch: lease?.epoch ?? null,
    store: { kind: store.kind, reachable: store.trouble === undefined, error: store.trouble?.message ?? null },
    cloud: cloud === undefined ? null : cloudStatus(cloud),
    tunnel: tunnel === undefined ? null : tunnelStatus(tunnel),
    peers,
    pass: passStatus(passes),
    findings: facts.findings,
    skipped: view?.skipped ?? [],
  };
}
