/** The cloud lab's VPC with real packets, on a clock of the test's; to be used inside an enclosure. */
import assert from 'node:assert/strict';
import type { Address } from '../../../src/core/address.ts';
import { planned } from '../../../src/lab/aws/account.ts';
import { AwsInLab } from '../../../src/lab/aws/aws-site.ts';
import { setSourceDestCheck } from '../../../src/lab/aws/interfaces.ts';
import type { AwsState } from '../../../src/lab/aws/model.ts';
import { createRoute, deleteRoute } from '../../../src/lab/aws/routes.ts';
import { cloudAndOffice } from '../../../src/lab/cloud-and-office.ts';
import { eventually } from '../../../src/lab/eventually.ts';
import { startProcess, type LabProcess } from '../../../src/lab/lab-process.ts';
import { insideOf, ip, runIn } from '../../../src/lab/namespaces.ts';
import { Pinger } from '../../../src/lab/pinger.ts';
import { attempt } from '../../../src/lab/program.ts';
import { buildWorld } from '../../../src/lab/world.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

const LOOP = new URL('../../../src/lab/pinger-loop.js', import.meta.url).href;
const CODE = `import { pingUntilStdinEnds } from ${JSON.stringify(LOOP)}; pingUntilStdinEnds();`;
const QUOTA = 500;
const PORTS = [7000, 7002];
export const SOCKET = '/run/aws.sock';
const never = new AbortController().signal;

/** What stands for a container of each host: an address of its own behind it. */
export const CONTAINERS = { a1: '10.42.1.2', a2: '10.42.2.2', b1: '10.42.3.2' } as const;
export type Host = keyof typeof CONTAINERS;
export const HOSTS = ['a1', 'a2', 'b1'] as const;

export const addressOf = (host: string): Address => {
  const plan = cloudAndOffice.hosts.find(({ name }) => name === host);
  assert.ok(plan);
  return plan.address;
};
export const rangeOf = (host: Host): string => CONTAINERS[host].replace(/2$/, '0/24');

export class VpcFixture {
  readonly clock: ManualClock;
  readonly pinger: Pinger;
  readonly aws: AwsInLab;
  readonly #listeners: readonly LabProcess[];

  private constructor(clock: ManualClock, pinger: Pinger, aws: AwsInLab, listeners: readonly LabProcess[]) {
    this.clock = clock;
    this.pinger = pinger;
    this.aws = aws;
    this.#listeners = listeners;
  }

  static async start(): Promise<VpcFixture> {
    const clock = new ManualClock();
    const pinger = new Pinger([process.execPath, '--input-type=module', '-e', CODE]);
    await buildWorld(cloudAndOffice, never);
    const settings = { stoppingMs: 1000, pendingMs: 1000 };
    const aws = await AwsInLab.start(cloudAndOffice, { clock, settings, socketPath: SOCKET });
    assert.ok(aws);
    for (const host of HOSTS) await ip([`address add ${CONTAINERS[host]}/32 dev lo`], host);
    return new VpcFixture(clock, pinger, aws, await Promise.all(['a1', 'o1'].map(listen)));
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.kill('SIGKILL');
    await Promise.all(this.#listeners.map(({ ended }) => ended));
    this.pinger.close();
    this.aws.close();
  }

  /** No routes of ours, checks on, nothing broken. */
  async reset(): Promise<void> {
    for (const host of HOSTS) {
      await this.setCheck(host, true);
      for (const table of ['table-a', 'table-b', 'main']) await this.#withdraw(table, host);
    }
    await this.aws.do('clear-damage');
    await this.ingress([{ peer: 'nodes' }, { peer: '10.42.0.0/16' }, { peer: '192.168.50.0/24' }]);
  }

  async change(make: (state: AwsState) => AwsState): Promise<void> {
    this.aws.cloud.write(make);
    await this.aws.settled();
  }

  async setCheck(host: Host, on: boolean): Promise<void> {
    await this.change((state) => setSourceDestCheck(state, planned.interface(host), on));
  }

  async advertise(table: string, host: Host, range = rangeOf(host)): Promise<void> {
    const target = { interface: planned.interface(host) };
    await this.change((state) => createRoute(state, planned.table(table), range, target, QUOTA));
  }

  async #withdraw(table: string, host: Host): Promise<void> {
    const id = planned.table(table);
    const has = [...(this.aws.cloud.state.tables.get(id)?.routes.keys() ?? [])].some((it) => it === rangeOf(host));
    if (has) await this.change((state) => deleteRoute(state, id, rangeOf(host)));
  }

  async ingress(rules: readonly object[]): Promise<void> {
    await this.aws.do('ingress', { group: 'nodes', rules });
  }

  /** Can packets go there and back? From a container's address when `source` is one. */
  async reaches(from: string, to: string, source?: string): Promise<boolean> {
    const words = ['ping', '-c', '2', '-i', '0.02', '-W', '1', ...(source === undefined ? [] : ['-I', source]), to];
    const [program, ...args] = insideOf(from, words);
    return (await attempt(program, args)).code === 0;
  }

  async containersReach(from: Host, to: Host): Promise<boolean> {
    return await this.reaches(from, CONTAINERS[to], CONTAINERS[from]);
  }

  /** Echo requests that have come in. */
  async requestsHeard(host: string): Promise<number> {
    const lines = (await runIn(host, ['cat', '/proc/self/net/snmp']))
      .split('\n')
      .filter((it) => it.startsWith('Icmp:'));
    const [names = [], values = []] = lines.map((line) => line.split(' '));
    return Number(values[names.indexOf('InEchos')]);
  }

  /** Does a TCP connection come about? */
  async connects(from: string, to: string, port: number): Promise<boolean> {
    const caller = `const c = require('net').connect({ host: '${to}', port: ${port}, timeout: 2000 });
      c.on('connect', () => process.exit(0)).on('timeout', () => process.exit(1)).on('error', () => process.exit(2));`;
    const [program, ...args] = insideOf(from, [process.execPath, '-e', caller]);
    return (await attempt(program, args)).code === 0;
  }
}

/** Answers connections on the ports that the tests use. */
async function listen(host: string): Promise<LabProcess> {
  const code = `for (const port of [${PORTS.join(', ')}]) require('net').createServer((c) => c.end()).listen(port);`;
  const logFile = `/run/${host}-listener.log`;
  const command = [process.execPath, '-e', code];
  const listener = startProcess({ name: host, namespace: host, command, logFile });
  await eventually(
    `${host} listens`,
    10_000,
    async () => {
      const sockets = await runIn(host, ['cat', '/proc/self/net/tcp6']);
      const up = PORTS.every((port) => sockets.includes(`:${port.toString(16).toUpperCase()} `));
      return up ? { found: true } : { missing: sockets };
    },
    never,
  );
  return listener;
}
