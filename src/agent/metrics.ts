/** The facts in Prometheus' text form. Loaded with the first question for it: most hosts are asked late, some never. */
import { Counter, Gauge, Registry } from 'prom-client';
import { PATH_NAMES } from '../core/path.ts';
import type { OwnerPhase } from '../core/status.ts';
import type { TunnelCounters } from '../core/tunnel-counters.ts';
import type { Facts } from './facts.ts';
import type { Answer } from './routes.ts';
import { unreadyReasons } from './status.ts';

const PHASES: readonly OwnerPhase[] = ['starting', 'held', 'unsure', 'fenced', 'draining'];

/** Made anew for each answer: all that is counted is counted in the facts. */
export async function metricsOf(facts: Facts): Promise<Answer> {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, value: number): void => new Gauge({ name, help, registers }).set(value);
  const counter = (name: string, help: string, value: number): void =>
    new Counter({ name, help, registers }).inc(value);
  const { passes, lease, renewals, store } = facts;
  const tunnel = facts.tunnel();

  new Gauge({
    name: 'weft_info',
    help: 'Always 1; version, node and store as labels',
    labelNames: ['version', 'node', 'store'],
    registers,
  }).set({ version: facts.version, node: facts.node, store: store.kind }, 1);
  gauge('weft_ready', '1 when this node may take containers', unreadyReasons(facts).length === 0 ? 1 : 0);
  const state = new Gauge({
    name: 'weft_lease_state',
    help: '1 for the state that the lease is in',
    labelNames: ['state'],
    registers,
  });
  for (const phase of PHASES) state.set({ state: phase }, phase === facts.phase ? 1 : 0);
  if (lease !== undefined) gauge('weft_lease_epoch', 'Fencing token of the lease', lease.epoch);
  counter('weft_lease_renewals_total', 'Renewals that the store took', renewals.made);
  counter('weft_lease_renewal_failures_total', 'Renewals and claims that failed', renewals.failed);
  gauge('weft_store_reachable', '1 when the store answered the last time', store.trouble === undefined ? 1 : 0);

  const peers = new Gauge({
    name: 'weft_peers',
    help: 'Peers by the path they are reached by',
    labelNames: ['path'],
    registers,
  });
  const counts = new Map<string, number>([...PATH_NAMES, 'extension', 'none'].map((path) => [path, 0]));
  for (const { path } of passes.last?.peers.values() ?? []) counts.set(path, (counts.get(path) ?? 0) + 1);
  for (const [path, count] of counts) peers.set({ path }, count);

  if (facts.cloud !== undefined) cloudMetrics(facts.cloud, registers);
  if (tunnel !== undefined) tunnelMetrics(tunnel, registers);
  counter('weft_passes_total', 'Passes made over this host', passes.totals.passes);
  counter('weft_passes_broken_total', 'Passes that could not be made', passes.totals.broken);
  counter('weft_pass_seconds_total', 'Time that passes took', passes.totals.durationMs / 1000);
  counter('weft_changes_total', 'Changes made to this host', passes.totals.applied);
  gauge('weft_changes_failed', 'Changes that have failed and are tried again', passes.failed.length);
  gauge('weft_changes_held', 'Removals that are held back', passes.held.length);
  gauge('weft_leases_skipped', 'Leases in the store that cannot be read', facts.view?.skipped.length ?? 0);
  gauge('weft_findings', 'Things that need attention', facts.findings.length);
  gauge('weft_uptime_seconds', 'Since the daemon started', (facts.nowMs - facts.startedMs) / 1000);
  gauge('process_resident_memory_bytes', 'Resident memory', process.memoryUsage.rss());
  const { user, system } = process.cpuUsage();
  counter('process_cpu_seconds_total', 'User and system time', (user + system) / 1e6);
  return { status: 200, type: registry.contentType, body: await registry.metrics() };
}

/** Of the cloud routes to this host: how many of those asked for the ledger has, and why others are missing. */
function cloudMetrics({ own, counts, writer }: NonNullable<Facts['cloud']>, registers: Registry[]): void {
  const gauge = (name: string, help: string, value: number): void => new Gauge({ name, help, registers }).set(value);
  const standing = own.filter(({ state }) => state === 'committed').length;
  gauge('weft_cloud_routes_asked', "Cloud routes to this host's containers that ought to stand", counts.asked);
  gauge('weft_cloud_routes_standing', 'Of those, that stand by the ledger', standing);
  gauge('weft_cloud_routes_by_reconciler', '1 when the reconciler writes cloud routes', writer.mode === 'node' ? 0 : 1);
  const refused = new Gauge({
    name: 'weft_cloud_routes_refused',
    help: 'Of those, that are refused, by reason',
    labelNames: ['reason'],
    registers,
  });
  for (const [reason, count] of counts.refused) refused.set({ reason }, count);
}

/** Of the user-space tunnel as a whole, and packets by peer: status has the rest. */
function tunnelMetrics({ total, dropped, errorsSent, peers }: TunnelCounters, registers: Registry[]): void {
  const ways = { sent: [total.sentPackets, total.sentBytes], received: [total.receivedPackets, total.receivedBytes] };
  const packets = new Counter({
    name: 'weft_udp_packets_total',
    help: 'Packets that the user-space tunnel has carried',
    labelNames: ['way'],
    registers,
  });
  const bytes = new Counter({
    name: 'weft_udp_bytes_total',
    help: 'Bytes of those packets, without the tunnel around them',
    labelNames: ['way'],
    registers,
  });
  for (const [way, [count = 0, size = 0]] of Object.entries(ways)) {
    packets.inc({ way }, count);
    bytes.inc({ way }, size);
  }
  const drops = new Counter({
    name: 'weft_udp_dropped_total',
    help: 'Packets that the user-space tunnel has dropped, by reason',
    labelNames: ['reason'],
    registers,
  });
  for (const [reason, count] of Object.entries(dropped)) drops.inc({ reason }, count);
  new Counter({ name: 'weft_udp_icmp_errors_total', help: 'ICMP errors sent about them', registers }).inc(errorsSent);
  const byPeer = new Counter({
    name: 'weft_udp_peer_packets_total',
    help: 'Packets by peer that the tunnel has seen any of: sent, received, dropped',
    labelNames: ['subnet', 'way'],
    registers,
  });
  for (const [subnet, carried] of peers) {
    // Thousands stand by in the table and never send: three lines of zeros for each take longer to write than all the rest.
    if (carried.sentPackets + carried.receivedPackets + carried.dropped === 0) continue;
    byPeer.inc({ subnet, way: 'sent' }, carried.sentPackets);
    byPeer.inc({ subnet, way: 'received' }, carried.receivedPackets);
    byPeer.inc({ subnet, way: 'dropped' }, carried.dropped);
  }
}
