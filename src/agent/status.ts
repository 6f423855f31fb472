/** The facts as plain JSON: `GET /status`. */
import { baseOf } from '../core/subnet.ts';
import type { CloudStatus, PassStatus, PeerStatus, Status } from '../core/status.ts';
import type { HostEntry } from '../core/host-entry.ts';
import type { FailedChange, PeerPath } from '../reconcile/pass-report.ts';
import type { Facts, PassFacts } from './facts.ts';
import type { PathWords } from './path-words.ts';
import { describeChange } from './pass-journal.ts';

/** A peer whose entries fail is that pair's trouble; it takes no other's traffic away from this host. */
const OF_PEERS: ReadonlySet<HostEntry['kind']> = new Set(['route', 'neighbour', 'fdb', 'tunnel']);

const concernsHost = ({ change }: FailedChange): boolean =>
  !OF_PEERS.has((change.op === 'put' ? change.want : change.was).kind);

/** Why this node should get no containers now; empty when it may. */
export function unreadyReasons({ phase, leaseTrouble, passes, subnetFileWritten, findings }: Facts): string[] {
  const reasons = leaseTrouble === undefined ? [] : [leaseTrouble];
  if (!subnetFileWritten) reasons.push('the subnet file is not written');
  if (passes.trouble !== undefined) reasons.push(`the last pass could not be made: ${passes.trouble.message}`);
  else if (passes.last === undefined) reasons.push('no pass has been made yet');
  for (const { change, error } of passes.failed.filter(concernsHost))
    reasons.push(`${describeChange(change)}: ${error.message}`);
  // What it waits for explains why it has not come further.
  if (phase === 'starting') reasons.push(...findings.map(({ code, message }) => `${code}: ${message}`));
  return reasons;
}

const iso = (ms: number): string => new Date(ms).toISOString();

function peerStatus({ peer, path, mtuBytes, sinceMs }: PeerPath, { refused, trouble, settled }: PathWords): PeerStatus {
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

function cloudStatus({ facts, own }: NonNullable<Facts['cloud']>): CloudStatus {
  const { identity, table, trouble } = facts;
  return {
    network: identity.network,
    subnet: identity.subnet,
    target: identity.target,
    table: table ?? null,
    trouble: trouble ?? null,
    routes: own.map((row) => ({ table: row.table, target: row.target, state: row.state, why: row.why ?? null })),
  };
}

export function statusOf(facts: Facts): Status {
  const { version, node, instance, phase, config, uplink, lease, view, passes, store, cloud } = facts;
  const unready = unreadyReasons(facts);
  const peers = [...(passes.last?.peers.values() ?? [])].map((peer) => peerStatus(peer, facts.wordsOf(peer)));
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
    peers,
    pass: passStatus(passes),
    findings: facts.findings,
    skipped: view?.skipped ?? [],
  };
}
