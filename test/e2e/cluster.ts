/** A running cluster for one test file: the first-light topology, real daemons from the bundle, the emulator. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '../../src/core/json.ts';
import { LAB_FOLDER } from '../../src/lab/inside.ts';
import { Lab, type LabOptions } from '../../src/lab/lab.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';
import { pingAllPairs } from '../../src/lab/matrix.ts';
import { startHosts } from '../../src/lab/start-hosts.ts';
import type { Topology } from '../../src/lab/topology.ts';
import { twoSegments } from '../../src/lab/two-segments.ts';
import { bundle } from '../lab/enclosed.ts';
import { ForeignWatch } from '../lab/aws/foreign-watch.ts';

export const NETWORK = '10.42.0.0/16';
/** Hosts draw their subnets from these hundred by chance: whatever a test gives to others, or holds to be free, lies outside. */
export const DRAWN = { Network: NETWORK, SubnetMin: '10.42.100.0', SubnetMax: '10.42.199.0' } as const;
export const CONFIG: JsonObject = { ...DRAWN, Weft: { Paths: ['direct', 'vxlan'] } };

export const never = new AbortController().signal;

const labs: Lab[] = [];
const watches: ForeignWatch[] = [];
const LOG_LINES = 40;

/** The store runs; it holds no config, and no host has a daemon yet. */
export async function startLab(options: Partial<LabOptions> = {}, topology: Topology = twoSegments): Promise<Lab> {
  const lab = await Lab.start(topology, { executable: bundle(), folder: LAB_FOLDER, ...options }, never);
  if (labs.length === 0) process.on('exit', printLogs);
  labs.push(lab);
  if (lab.aws !== undefined) watches.push(new ForeignWatch(lab.aws.cloud));
  return lab;
}

/** These hosts run, have a container each, and a path to each other. */
export async function startCluster(names: readonly string[], options: Partial<LabOptions> = {}): Promise<Lab> {
  const lab = await startLab(options);
  await lab.writeConfig(CONFIG);
  const hosts = names.map((name) => lab.host(name));
  await startHosts(hosts, hosts, never);
  return lab;
}

/** Of another network in the lab's store. */
export const networkUrl = (lab: Lab, network: string): string => lab.store.networkUri(network);

/** `a1>b1 vxlan` for each pair that is reached, `a1>b1 LOST` for the others; sorted. */
export async function reached(lab: Lab, hosts: readonly LabHost[] = lab.running): Promise<readonly string[]> {
  const pairs = await pingAllPairs(hosts, lab.pinger);
  return pairs.map(({ from, to, path: by, ok }) => `${from}>${to} ${ok ? by : 'LOST'}`).toSorted();
}

/** What `reached` yields of these three when all is well. */
export const A1_A2_B1 = ['a1>a2 direct', 'a1>b1 vxlan', 'a2>a1 direct', 'a2>b1 vxlan', 'b1>a1 vxlan', 'b1>a2 vxlan'];

/** For `after`: also where `before` has failed, or the file would never end. In a cloud no call has touched what is not ours. */
export async function closeLabs(): Promise<void> {
  await Promise.all(labs.splice(0).map((lab) => lab.close()));
  for (const watch of watches.splice(0)) watch.assertNone();
}

/** What the daemons said is gone with the namespaces: whoever reads of a failure wants it. */
function printLogs(code: number): void {
  if (code === 0) return;
  for (const name of readdirSync(LAB_FOLDER, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.log')) continue;
    const lines = readFileSync(path.join(LAB_FOLDER, name), 'utf8').trimEnd().split('\n');
    console.log(`\n── ${name}\n${lines.slice(-LOG_LINES).join('\n')}`);
  }
}
