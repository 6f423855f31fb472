/**
 * A host in a network namespace of its own, with a store on its loopback that holds any number of leases. Started by world.ts; measures what it is
 * asked to, so that the numbers hold no time of the way between the two.
 */
import { BatchWriteItemCommand, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, watch } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { attributeItem, plainItem, type Plain } from '../../providers/dynamodb/attributes.ts';
import { connect } from '../../providers/dynamodb/client.ts';
import { openDynamoStore } from '../../providers/dynamodb/open-store.ts';
import { leasedItem } from '../../providers/dynamodb/rows.ts';
import { COUNTER_ROW, deltaRow, leaseRow, networkPartition } from '../../providers/dynamodb/sort-keys.ts';
import type { Lease } from '../../src/core/lease.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { CryptoRandom } from '../../src/system/crypto-random.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { startDynamoDB } from '../dynamodb/emulator.ts';
import { attributesOf, CONFIG_TEXT, leaseNumber } from './large-cluster.ts';
import { EmulatedPeers, probedLeases, type Probed } from './probing.ts';
import type { Question, Reply } from './world.ts';

const TABLE = 'weft';
const NETWORK = 'default';
const REGION = 'eu-bench-1';
const TTL_MS = 24 * 3_600_000;
/** BatchWriteItem takes so many. */
const BATCH = 25;
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
const dynamodb = await startDynamoDB();
process.env['AWS_REGION'] = REGION;
process.env['AWS_ENDPOINT_URL_DYNAMODB'] = dynamodb.endpoint;
const connection = connect({});
const store = openDynamoStore(`dynamodb://${TABLE}`, { clock: new SystemClock(), random: new CryptoRandom() });
await store.create(never);
await store.store.writeConfig(CONFIG_TEXT, 'absent', never);

/** As many leases as asked for, written past the daemon: of other nodes, from another time. */
async function fill(leases: readonly Lease[]): Promise<void> {
  const items = leases.map(({ key, attributes }, index) => {
    const node = parseNodeId(`node-${index + 1}`);
    return row(leaseRow(key), leasedItem(node, attributes, index + 1, TTL_MS, index + 1));
  });
  await write([...items, row(COUNTER_ROW, { seq: leases.length + 1 })]);
}

async function write(items: readonly ReturnType<typeof row>[]): Promise<void> {
  for (let at = 0; at < items.length; at += BATCH) {
    const RequestItems = { [TABLE]: items.slice(at, at + BATCH) };
    await connection.client.send(new BatchWriteItemCommand({ RequestItems }));
  }
}

const row = (name: string, attributes: Plain) => ({
  PutRequest: { Item: attributeItem({ PK: networkPartition(NETWORK), SK: name, ...attributes }) },
});

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
  return spawn(process.execPath, ['dist/weftd.mjs', 'run', '--store', `dynamodb://${TABLE}?poll=${poll}`, ...own], {
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

/** So many nodes join at once, as fast as the store takes it: how long that took, and from the last write to the last route, in ms. */
async function burst(joining: number): Promise<{ arrival: number; programmed: number }> {
  const before = routes();
  const daemon = startDaemon();
  await untilRoutes(before, daemon);
  // The daemon has drawn numbers since the store was filled; the next is the first of the burst.
  const last = await lastNumber();
  const newcomers = Array.from({ length: joining }, (_, at) => ({
    lease: leaseNumber(FIRST_NEWCOMER + at),
    seq: last + 1 + at,
  }));
  const items = newcomers.flatMap(({ lease: { key, attributes }, seq }, at) => {
    const content = leasedItem(parseNodeId(`node-${FIRST_NEWCOMER + at}`), attributes, seq, TTL_MS, seq);
    return [row(leaseRow(key), content), row(deltaRow(seq), { ...content, row: leaseRow(key) })];
  });
  const start = performance.now();
  await write(items);
  await write([row(COUNTER_ROW, { seq: last + joining })]);
  const arrived = performance.now();
  await untilRoutes(before + joining, daemon);
  const end = performance.now();
  await stopDaemon(daemon);
  return { arrival: arrived - start, programmed: end - arrived };
}

/** Peers that answer, in place of those that are nothing but a lease. */
async function probing(leases: number): Promise<Probed> {
  const others = probedLeases(leases);
  await fill(others.map(({ lease }) => lease));
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
  for await (const { view } of store.store.watch(never))
    for (const lease of view.leases.values()) if (lease.attributes.weft?.node === node) return lease;
  throw new Error('the store ended');
}

async function lastNumber(): Promise<number> {
  const Key = attributeItem({ PK: networkPartition(NETWORK), SK: COUNTER_ROW });
  const { Item } = await connection.client.send(new GetItemCommand({ TableName: TABLE, Key, ConsistentRead: true }));
  return Number(plainItem(Item ?? {})['seq']);
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
      return fill(Array.from({ length: question.leases }, (_, index) => leaseNumber(index + 1)));
    case 'settle':
      return settle(question.leases);
    case 'memory':
      return memory(question.leases);
    case 'burst':
      return burst(question.leases);
    case 'probing':
      return probing(question.leases);
    case 'empty node':
      return emptyNode();
    case 'start to file':
      return startToFile();
  }
}

function end(): void {
  dynamodb.stop();
  store.close();
  connection.close();
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}

process.on('disconnect', end);
process.on('message', (question: Question) => {
  const reply = (content: Reply): void => void process.send?.(content);
  answer(question).then(
    (value) => reply({ value }),
    (error: unknown) => reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.send?.({ value: 'ready' } satisfies Reply);
