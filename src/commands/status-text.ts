/** A daemon's status for people: itself first, then what is wrong, then one line a peer. */
import type { CloudStatus, PeerStatus, Status, TunnelStatus } from '../core/status.ts';
import { age, textFields, textTable } from './text-table.ts';

/** @param nowMs milliseconds since 1970 */
export function statusText(status: Status, nowMs: number): string {
  return [aboutHost(status, nowMs), ...troubles(status), peers(status.peers, nowMs)].join('\n');
}

function aboutHost(status: Status, nowMs: number): string {
  const { pass, store } = status;
  const ago = (iso: string): string => age(nowMs - Date.parse(iso));
  return textFields([
    ['node', `${status.node} (instance ${status.instance}, weftd ${status.version})`],
    ['state', `${status.state}, ${status.ready ? 'ready' : `not ready: ${status.unready.join('; ')}`}`],
    ['network', status.network ?? 'not known yet'],
    ['subnet', subnet(status)],
    ['public IP', status.publicIP ?? 'not known yet'],
    ['store', `${store.kind}, ${store.reachable ? 'reachable' : `away: ${store.error ?? 'no answer'}`}`],
    ...(status.cloud === null ? [] : [cloud(status.cloud)]),
    ...(status.tunnel === null ? [] : [tunnel(status.tunnel)]),
    [
      'last pass',
      pass === null
        ? 'none yet'
        : `${ago(pass.at)} ago in ${Math.round(pass.durationMs)} ms: ${pass.applied} applied, ${pass.failed.length} failed, ${pass.held.length} held`,
    ],
  ]);
}

function subnet({ subnet: range, address, epoch }: Status): string {
  return range === null ? 'none leased yet' : `${range} (address ${address ?? 'none'}, epoch ${epoch ?? 'unknown'})`;
}

function cloud({ network, subnet: place, target, table, trouble, writer }: CloudStatus): [string, string] {
  const by = table === null ? 'its route table is not known yet' : `route table ${table}`;
  const hand = writer === 'node' ? '' : '; routes are written by the reconciler';
  return ['cloud', `${network}, ${place}, ${target}; ${by}${trouble === null ? '' : ` (${trouble})`}${hand}`];
}

function tunnel({ sentPackets, receivedPackets, dropped, reasons }: TunnelStatus): [string, string] {
  const why = Object.entries(reasons).map(([reason, packets]) => `${reason} ${packets}`);
  const lost = dropped === 0 ? '' : ` (${why.join(', ')})`;
  return ['udp tunnel', `${sentPackets} packets sent, ${receivedPackets} received, ${dropped} dropped${lost}`];
}

function troubles({ pass, findings, skipped, cloud: place }: Status): string[] {
  const lists = [
    list(
      "Routes to this host's containers, by the ledger:",
      (place?.routes ?? []).map(
        ({ table, target, state, why }) => `${table}: ${state}, to ${target}${why === null ? '' : `: ${why}`}`,
      ),
    ),
    list(
      'Failed:',
      (pass?.failed ?? []).map(({ entry, code, message }) => `${entry}: ${code}: ${message}`),
    ),
    list(
      'Held back:',
      (pass?.held ?? []).map(({ entry, why }) => `${entry}: ${why}`),
    ),
    list(
      'Findings:',
      findings.map(({ code, message }) => `${code}: ${message}`),
    ),
    list(
      'Skipped in the store:',
      skipped.map(({ key, why }) => `${key}: ${why}`),
    ),
  ];
  return lists.filter((text) => text !== '');
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function peers(all: readonly PeerStatus[], nowMs: number): string {
  if (all.length === 0) return 'No peers.\n';
  const rows = all.map((peer) => [
    peer.node ?? '(flanneld)',
    peer.subnet,
    peer.publicIP,
    peer.path,
    peer.mtu === null ? '-' : String(peer.mtu),
    age(nowMs - Date.parse(peer.since)),
    [...(peer.trouble === null ? [] : [peer.trouble]), ...peer.refused.map(({ path, why }) => `${path}: ${why}`)].join(
      '; ',
    ),
  ]);
  return textTable(['PEER', 'SUBNET', 'PUBLIC IP', 'PATH', 'MTU', 'SINCE', 'REFUSED'], rows);
}
