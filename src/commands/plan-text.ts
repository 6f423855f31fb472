/** What a pass would change, for people and for programs: each change with the peer it is for, and why peers are not on better paths. */
import { describeHostEntry, hostEntryKey, type HostEntry } from '../core/host-entry.ts';
import type { Change } from '../core/diff.ts';
import { standbyMetric } from '../core/instance.ts';
import type { Self } from '../datapath/datapath.ts';
import { datapathsOf } from '../datapath/paths.ts';
import type { PassReport, PeerPath } from '../reconcile/pass-report.ts';
import { planCloudText, type PlannedCloud } from './plan-cloud.ts';
import { textTable } from './text-table.ts';

export interface PlannedChange {
  readonly op: 'put' | 'remove';
  readonly entry: string;
  /** What stands there now, when a put replaces it. */
  readonly was: string | null;
  /** The peer that it is for; null: this host itself, or nothing any more. */
  readonly peer: string | null;
  /** Why it would wait. */
  readonly held: string | null;
}

export interface PlannedPeer {
  readonly node: string | null;
  readonly subnet: string;
  readonly path: PeerPath['path'];
  readonly mtu: number | null;
  readonly refused: PeerPath['refused'];
}

export interface Plan {
  readonly node: string;
  readonly subnet: string;
  readonly changes: readonly PlannedChange[];
  readonly peers: readonly PlannedPeer[];
  /** Null: this host is in no cloud whose routes are programmed. */
  readonly cloud: PlannedCloud | null;
  readonly findings: PassReport['findings'];
}

const nameOf = ({ peer }: PeerPath): string => peer.attributes.weft?.node ?? peer.attributes.publicIP;

export function planOf(node: string, self: Self, report: PassReport, cloud: PlannedCloud | null): Plan {
  const owners = new Map<string, string>();
  for (const peer of report.peers.values())
    for (const path of datapathsOf(peer.usable)) {
      const metric = path.name === peer.path ? undefined : standbyMetric(path.name);
      const label = `${nameOf(peer)} by ${path.name}`;
      for (const entry of path.send(self, peer.peer, metric)) owners.set(hostEntryKey(entry), label);
    }
  const held = new Map(report.held.map(({ change, why }) => [keyOf(change), why]));
  return {
    node,
    subnet: self.lease.subnet.v4,
    changes: report.planned.map((change) => planned(change, owners, held.get(keyOf(change)))),
    peers: [...report.peers.values()].map((peer) => ({
      node: peer.peer.attributes.weft?.node ?? null,
      subnet: peer.peer.subnet.v4,
      path: peer.path,
      mtu: peer.mtuBytes ?? null,
      refused: peer.refused,
    })),
    cloud,
    findings: report.findings,
  };
}

const keyOf = (change: Change<HostEntry>): string => hostEntryKey(change.op === 'put' ? change.want : change.was);

function planned(
  change: Change<HostEntry>,
  owners: ReadonlyMap<string, string>,
  held: string | undefined,
): PlannedChange {
  const was = change.op === 'put' && change.was !== undefined ? describeHostEntry(change.was) : null;
  return {
    op: change.op,
    entry: describeHostEntry(change.op === 'put' ? change.want : change.was),
    was,
    peer: owners.get(keyOf(change)) ?? null,
    held: held ?? null,
  };
}

export function planText({ node, subnet, changes, peers, cloud, findings }: Plan): string {
  const puts = changes.filter(({ op }) => op === 'put').length;
  const sum =
    changes.length === 0
      ? 'Nothing to change: this host is as it should be.\n'
      : `${puts} to put, ${changes.length - puts} to remove. Nothing was changed.\n`;
  const parts = [`Plan for node ${node}, subnet ${subnet}\n`];
  if (changes.length > 0) parts.push(changes.map(changeText).join(''));
  parts.push(sum);
  if (cloud !== null) parts.push(planCloudText(cloud));
  if (findings.length > 0) parts.push(findings.map(({ code, message }) => `${code}: ${message}\n`).join(''));
  if (peers.length > 0) parts.push(textTable(['PEER', 'SUBNET', 'PATH', 'MTU', 'REFUSED'], peers.map(peerRow)));
  return parts.join('\n');
}

function changeText({ op, entry, was, peer, held }: PlannedChange): string {
  const sign = op === 'remove' ? '-' : was === null ? '+' : '~';
  const lines = [`${sign} ${entry}${peer === null ? '' : `   (${peer})`}`];
  if (was !== null) lines.push(`    instead of ${was}`);
  if (held !== null) lines.push(`    held back: ${held}`);
  return `${lines.join('\n')}\n`;
}

const peerRow = ({ node, subnet, path, mtu, refused }: PlannedPeer): string[] => [
  node ?? '(flanneld)',
  subnet,
  path,
  mtu === null ? '-' : String(mtu),
  refused.map((refusal) => `${refusal.path}: ${refusal.why}`).join('; '),
];
