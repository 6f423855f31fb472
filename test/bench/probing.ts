/** What probing costs: emulated peers at the far end of the uplink, and an idle daemon whose requests and processor time the kernel counts. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ProbePeer } from '../../src/contracts/path-probe.ts';
import { offset, parseAddress } from '../../src/core/address.ts';
import type { Advert, Lease } from '../../src/core/lease.ts';
import type { NodeId } from '../../src/core/node-id.ts';
import { baseOf } from '../../src/core/subnet.ts';
import { newProbeKey, publicProbeKey } from '../../src/host/probe-keys.ts';
import { leaseNumber } from './large-cluster.ts';

export const PROBE_PORT = 8286;
export const VXLAN_PORT = 8472;
/** Of every peer, and the host's: one segment for all, so that each peer has both. */
export const PEER_PATHS = ['direct', 'vxlan'] as const;
export const HOST = '172.16.3.232';
/** Longer than the minute in which every peer is asked. */
const WINDOW_MS = 65_000;
const SAMPLE_MS = 20;

export interface Emulated {
  readonly host: ProbePeer;
  readonly others: readonly { readonly node: NodeId; readonly base: string; readonly privateKey: string }[];
}

export type Told =
  | { readonly kind: 'ready' | 'answering' }
  | {
      readonly kind: 'requests';
      readonly requests: readonly { readonly base: string; readonly atMs: number }[];
      /** How many have been asked often enough to be idle. */
      readonly settledPeers: number;
    };

export interface Probed {
  /** In the busiest span of one second. */
  readonly mostInASecond: number;
  readonly aSecond: number;
  readonly longestGapSeconds: number;
  /** Of one core, all threads, in percent, and those that have most of it. */
  readonly percent: number;
  readonly threads: readonly { readonly name: string; readonly percent: number }[];
}

interface ProbedLease {
  readonly lease: Lease;
  readonly privateKey: string;
}

/** As in `leaseNumber`, with a key, and all on the host's segment. */
export function probedLeases(count: number): readonly ProbedLease[] {
  return Array.from({ length: count }, (_, at) => {
    const lease = leaseNumber(at + 1);
    const { weft } = lease.attributes;
    if (weft === undefined) throw new Error('a lease without a member of ours');
    const privateKey = newProbeKey();
    const advert: Advert = { ...weft, probe: { key: publicProbeKey(privateKey), port: PROBE_PORT } };
    const publicIP = offset(parseAddress(HOST), at + 1);
    return { lease: { ...lease, attributes: { publicIP, weft: advert } }, privateKey };
  });
}

export class EmulatedPeers {
  readonly #process: ChildProcess;
  readonly #requests: { readonly base: string; readonly atMs: number }[] = [];
  #settled = 0;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (told: Told) => {
      if (told.kind !== 'requests') return;
      this.#requests.push(...told.requests);
      this.#settled = told.settledPeers;
    });
  }

  /** Takes the far end of the uplink with it. */
  static async open(own: Lease, leases: readonly ProbedLease[]): Promise<EmulatedPeers> {
    const file = fileURLToPath(new URL('./probed-peers.js', import.meta.url));
    const child = spawn('unshare', ['--net', process.execPath, '--enable-source-maps', file], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await told(child, 'ready');
    const moved = spawnSync('ip', ['link', 'set', 'far0', 'netns', String(child.pid)], { encoding: 'utf8' });
    if (moved.status !== 0) throw new Error(`ip: ${moved.stderr}`);
    const { weft } = own.attributes;
    if (weft?.probe === undefined) throw new Error('the daemon does not probe');
    const subnet = own.subnet.v4;
    const { node, incarnation } = weft;
    const host = { node, incarnation, subnet, base: baseOf(subnet), paths: PEER_PATHS, ...weft.probe };
    const others = leases.map(({ lease, privateKey }) => {
      if (lease.attributes.weft === undefined) throw new Error('a peer without a node');
      return { node: lease.attributes.weft.node, base: baseOf(lease.subnet.v4), privateKey };
    });
    const answering = told(child, 'answering');
    child.send({ host, others } satisfies Emulated);
    await answering;
    return new EmulatedPeers(child);
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }

  /** When every peer was heard three times on each path, what the daemon does while nothing else happens. */
  async measure(daemon: ChildProcess, peers: number): Promise<Probed> {
    const deadline = performance.now() + 600_000;
    while (this.#settled < peers) {
      if (performance.now() > deadline) throw new Error(`only ${this.#settled} of ${peers} peers are settled`);
      await wait(1000);
    }
    await wait(10_000);
    this.#requests.length = 0;
    const mostInASecond = await busiestSecond(daemon);
    // The last second is told when it is over.
    await wait(1500);
    const longestGapSeconds = longestGapMs(this.#requests, peers) / 1000;

    this.#process.send('ask');
    this.#requests.length = 0;
    const before = processorTicks(daemon);
    const startMs = performance.now();
    await wait(WINDOW_MS);
    const seconds = (performance.now() - startMs) / 1000;
    const after = processorTicks(daemon);
    const percentOf = (ticks: number): number => ((ticks / TICKS_A_SECOND) * 100) / seconds;
    const threads = [...after.threads].map(([id, { name, ticks }]) => ({
      name: id === String(daemon.pid) ? 'main' : `${name} ${id}`,
      percent: percentOf(ticks - (before.threads.get(id)?.ticks ?? 0)),
    }));
    return {
      mostInASecond,
      aSecond: this.#requests.length / seconds,
      longestGapSeconds,
      percent: percentOf(after.ticks - before.ticks),
      threads: threads.filter(({ percent }) => percent >= 0.01).toSorted((a, b) => b.percent - a.percent),
    };
  }
}

async function told(child: ChildProcess, kind: Told['kind']): Promise<void> {
  for (;;) {
    const [message] = (await once(child, 'message')) as [Told];
    if (message.kind === kind) return;
  }
}

/** The kernel counts in USER_HZ, which is 100 everywhere that Node runs. */
const TICKS_A_SECOND = 100;

interface Thread {
  readonly name: string;
  readonly ticks: number;
}

/** Time in user and kernel mode: proc_pid_stat(5), fields 14 and 15. */
function processorTicks({ pid }: ChildProcess): { readonly ticks: number; readonly threads: Map<string, Thread> } {
  const read = (file: string): Thread => {
    const text = readFileSync(file, 'utf8');
    const end = text.lastIndexOf(')');
    const fields = text.slice(end + 2).split(' ');
    return { name: text.slice(text.indexOf('(') + 1, end), ticks: Number(fields[11]) + Number(fields[12]) };
  };
  const ids = readdirSync(`/proc/${pid}/task`);
  return {
    ticks: read(`/proc/${pid}/stat`).ticks,
    threads: new Map(ids.map((id) => [id, read(`/proc/${pid}/task/${id}/stat`)])),
  };
}

interface Sample {
  readonly fromMs: number;
  readonly toMs: number;
  readonly sent: number;
}

/**
 * The most requests that left in a second, while peers ask nothing: then every datagram that the host's sockets send is one. Counted where they leave, since
 * those who answer them are late to see them when the machine has other things to do.
 */
async function busiestSecond(daemon: ChildProcess): Promise<number> {
  const samples: Sample[] = [];
  const endMs = performance.now() + WINDOW_MS;
  let most = 0;
  let first = 0;
  for (let toMs = 0; toMs < endMs; await wait(SAMPLE_MS)) {
    const fromMs = performance.now();
    const sent = datagramsSent(daemon);
    toMs = performance.now();
    samples.push({ fromMs, toMs, sent });
    while (toMs - (samples[first]?.fromMs ?? toMs) > 1000) first += 1;
    most = Math.max(most, sent - (samples[first]?.sent ?? sent));
  }
  return most;
}

/** OutDatagrams of the daemon's network namespace: those of tunnel devices are not among them. */
function datagramsSent({ pid }: ChildProcess): number {
  const [names = '', values = ''] = readFileSync(`/proc/${pid}/net/snmp`, 'utf8').match(/^Udp: .*$/gm) ?? [];
  return Number(values.split(' ')[names.split(' ').indexOf('OutDatagrams')]);
}

/** Between two requests to one peer; all of the window for one that was never asked. */
function longestGapMs(requests: readonly { readonly base: string; readonly atMs: number }[], peers: number): number {
  const last = new Map<string, number>();
  let longest = 0;
  for (const { base, atMs } of requests) {
    const before = last.get(base);
    if (before !== undefined) longest = Math.max(longest, atMs - before);
    last.set(base, atMs);
  }
  return last.size < peers ? WINDOW_MS : longest;
}
