/**
 * A host in a network namespace of its own, with a store on its loopback that holds any number of leases. Started by world.ts; measures what it is
 * asked to, so that the numbers hold no time of the way between the two.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { offset } from '../../src/core/address.ts';
import type { Lease } from '../../src/core/lease.ts';
import { baseOf } from '../../src/core/subnet.ts';
import type { Arrival } from './bench-store.ts';
import { dynamoBenchStore } from './dynamodb-store.ts';
import { etcdBenchStore } from './etcd-store.ts';
import { attributesOf, leaseNumber, subnetNumber } from './large-cluster.ts';
import { EmulatedPeers, probedLeases, type Probed } from './probing.ts';
import { RouteMonitor } from './route-monitor.ts';
import type { Question, Reply } from './world.ts';

/** Behind any number of leases that a store is filled with. */
const FIRST_NEWCOMER = 10_000;

const folder = mkdtempSync(path.join(os.tmpdir(), 'weft-bench-'));
const subnetFile = path.join(folder, 'subnet.env');
const logFile = path.join(folder, 'weftd.log');
const never = new AbortController().signal;

ip(
  'link set lo up',
  'link add eth0 type veth peer name far0',
  `address add ${attributesOf(0).publicIP}/16 dev eth0`,
  'link set eth0 up',
);
// A subnet that no other node of the benchmark has; by chance it might be a newcomer's.
writeFileSync(
  subnetFile,
  `FLANNEL_NETWORK=10.0.0.0/8\nFLANNEL_SUBNET=${offset(baseOf(subnetNumber(0)), 1)}/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n`,
);
const store = await (process.argv[2] === 'etcd' ? etcdBenchStore() : dynamoBenchStore());

function startDaemon(poll = '1s'): ChildProcess {
  const log = openSync(logFile, 'a');
  const own = [
    '--node-id',
    'node-0',
    '--state-dir',
    path.join(folder, 'state'),
    '--subnet-file',
    subnetFile,
    '--iface',
    'eth0',
    // Wherever the benchmark runs.
    '--cloud',
    'none',
  ];
  return spawn(process.execPath, ['dist/weftd.mjs', 'run', '--store', store.url(poll), ...own], {
    stdio: ['ignore', log, log],
  });
}

async function stopDaemon(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode === null && daemon.kill('SIGKILL')) await once(daemon, 'exit');
}

/** Resolves when the file stands; at once when it does already. */
function written(file: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(path.dirname(file), () => look());
    const look = (): void => {
      if (!existsSync(file)) return;
      watcher.close();
      resolve();
    };
    look();
  });
}

const routes = (): number => ipText('-4', 'route', 'show', 'proto', '87').split('\n').length - 1;

async function untilRoutes(count: number, daemon: ChildProcess): Promise<void> {
  const deadline = performance.now() + 120_000;
  while (routes() < count) {
    if (daemon.exitCode !== null)
      throw new Error(`weftd ended with ${daemon.exitCode}: ${readFileSync(logFile, 'utf8')}`);
    if (performance.now() > deadline)
      throw new Error(`${routes()} of ${count} routes after two minutes: ${readFileSync(logFile, 'utf8')}`);
    await wait(10);
  }
}

/** Node itself: from its start to its end, when it has nothing to do. */
async function emptyNode(): Promise<number> {
  const start = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - start;
}

/** From the start of the daemon to its subnet.env. */
async function startToFile(): Promise<number> {
  rmSync(subnetFile, { force: true });
  const start = performance.now();
  const standing = written(subnetFile);
  const daemon = startDaemon();
  await standing;
  const ms = performance.now() - start;
  await stopDaemon(daemon);
  return ms;
}

/** The daemon once with everything, so that the next start finds its lease and a host that is right. */
async function settle(leases: number): Promise<number> {
  const daemon = startDaemon();
  await untilRoutes(leases, daemon);
  await stopDaemon(daemon);
  return 0;
}

/** Resident memory in MB: as it settles, and the most it ever was. */
async function memory(leases: number): Promise<{ settled: number; peak: number }> {
  const daemon = startDaemon();
  await untilRoutes(leases, daemon);
  // Several looks at the store, and the collector's own pace.
  await wait(8000);
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  const megabytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  const measured = { settled: megabytes('VmRSS'), peak: megabytes('VmHWM') };
  await stopDaemon(daemon);
  return measured;
}

let newcomers = 0;
const nextNewcomers = (count: number): Lease[] =>
  Array.from({ length: count }, () => leaseNumber(FIRST_NEWCOMER + (newcomers += 1)));

/** A daemon that follows the store, since what was put there last has become a route, and has come to rest. */
async function watchingDaemon(): Promise<{ daemon: ChildProcess; monitor: RouteMonitor }> {
  const monitor = await RouteMonitor.start();
  const daemon = startDaemon();
  for (const lease of nextNewcomers(2)) {
    await store.join([lease], 'one by one');
    await programmedAt(monitor, [lease]);
  }
  await wait(2000);
  return { daemon, monitor };
}

async function programmedAt(monitor: RouteMonitor, leases: readonly Lease[]): Promise<number> {
  try {
    return await monitor.standing(leases.map(({ subnet }) => subnet.v4));
  } catch (error) {
    throw new Error(`the kernel has ${routes()} routes; weftd says: ${readFileSync(logFile, 'utf8')}`, {
      cause: error,
    });
  }
}

/** So many nodes join at once, as fast as the store takes it: how long that took, and from the last write to the last route, in ms. */
async function burst(joining: number, arrival: Arrival): Promise<{ arrival: number; programmed: number }> {
  const { daemon, monitor } = await watchingDaemon();
  const leases = nextNewcomers(joining);
  const start = performance.now();
  await store.join(leases, arrival);
  const arrived = performance.now();
  const end = await programmedAt(monitor, leases);
  await monitor.stop();
  await stopDaemon(daemon);
  return { arrival: arrived - start, programmed: end - arrived };
}

/** One node after the other joins a cluster at rest: from each acknowledged write to its route, in ms. */
async function single(joining: number): Promise<number[]> {
  const { daemon, monitor } = await watchingDaemon();
  const took: number[] = [];
  for (const lease of nextNewcomers(joining)) {
    // Longer than what a look at everything takes, and the rest behind it.
    await wait(300);
    await store.join([lease], 'one by one');
    const acknowledged = performance.now();
    took.push((await programmedAt(monitor, [lease])) - acknowledged);
  }
  await monitor.stop();
  await stopDaemon(daemon);
  return took;
}

/** Peers that answer, in place of those that are nothing but a lease. */
async function probing(leases: number): Promise<Probed> {
  const others = probedLeases(leases);
  await store.fill(others.map(({ lease }) => lease));
  const daemon = startDaemon('1m');
  try {
    await untilRoutes(leases, daemon);
    const peers = await EmulatedPeers.open(await leaseOf('node-0'), others);
    const probed = await peers.measure(daemon, leases);
    await peers.close();
    return probed;
  } finally {
    await stopDaemon(daemon);
  }
}

async function leaseOf(node: string): Promise<Lease> {
  for await (const { view } of store.leases.watch(never))
    for (const lease of view.leases.values()) if (lease.attributes.weft?.node === node) return lease;
  throw new Error('the store ended');
}

function ip(...lines: string[]): void {
  const { status, stderr } = spawnSync('ip', ['-batch', '-'], { input: lines.join('\n'), encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip: ${stderr}`);
}

function ipText(...args: string[]): string {
  return spawnSync('ip', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }).stdout;
}

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'fill':
      return store.fill(Array.from({ length: question.leases }, (_, index) => leaseNumber(index + 1)));
    case 'settle':
      return settle(question.leases);
    case 'memory':
      return memory(question.leases);
    case 'burst':
      return burst(question.leases, question.arrival);
    case 'single':
      return single(question.leases);
    case 'probing':
      return probing(question.leases);
    case 'empty node':
      return emptyNode();
    case 'start to file':
      return startToFile();
  }
}

async function end(): Promise<void> {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}

process.on('disconnect', () => void end());
process.on('message', (question: Question) => {
  const reply = (content: Reply): void => void process.send?.(content);
  answer(question).then(
    (value) => reply({ value }),
    (error: unknown) => reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.send?.({ value: 'ready' } satisfies Reply);
