/** A small account on a clock of the test's, behind a real server, asked by the real SDK. */
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { buildAccount, planned, type VpcPlan } from '../../../src/lab/aws/account.ts';
import { EmulatedAws } from '../../../src/lab/aws/cloud.ts';
import { apiServer } from '../../../src/lab/aws/api-server.ts';
import type { AwsSettings } from '../../../src/lab/aws/settings.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';

export const REGION = 'eu-central-1';

/** Two subnets with a table each, a third one that the main table serves, and an edge table. */
export const PLAN: VpcPlan = {
  name: 'lab',
  ranges: ['10.0.0.0/16'],
  tables: [
    { name: 'main' },
    { name: 'table-a', internet: 'igw', tags: { 'weft:managed': 'true' } },
    { name: 'table-b' },
    { name: 'edge', edgeOf: 'igw' },
  ],
  subnets: [
    { name: 'a', range: '10.0.1.0/24', zone: 'eu-central-1a', table: 'table-a' },
    { name: 'b', range: '10.0.2.0/24', zone: 'eu-central-1b', table: 'table-b' },
    { name: 'c', range: '10.0.3.0/24', zone: 'eu-central-1b' },
  ],
  groups: [{ name: 'nodes', ingress: [{ peer: 'nodes' }, { peer: '10.42.0.0/16' }] }],
  instances: [
    { name: 'a1', subnet: 'a', address: '10.0.1.11', groups: ['nodes'], role: 'weft-node' },
    { name: 'a2', subnet: 'a', address: '10.0.1.12', groups: ['nodes'], role: 'weft-node' },
    { name: 'b1', subnet: 'b', address: '10.0.2.11', groups: ['nodes'], role: 'weft-node' },
  ],
};

export const OTHER: VpcPlan = {
  name: 'other',
  ranges: ['10.9.0.0/16'],
  tables: [{ name: 'other-main' }],
  subnets: [{ name: 'o', range: '10.9.1.0/24', zone: 'eu-central-1a' }],
  groups: [],
  instances: [{ name: 'o1', subnet: 'o', address: '10.9.1.11', groups: [] }],
};

export const ids = {
  tableA: planned.table('table-a'),
  tableB: planned.table('table-b'),
  main: planned.table('main'),
  edge: planned.table('edge'),
  a1: planned.interface('a1'),
  a2: planned.interface('a2'),
  b1: planned.interface('b1'),
  other: planned.interface('o1'),
};

interface ClientOptions {
  readonly secret?: string;
  readonly skewMs?: number;
  readonly attempts?: number;
}

export class AccountFixture {
  readonly clock: ManualClock;
  readonly cloud: EmulatedAws;
  readonly url: string;
  readonly #server: Server;
  readonly #clients: { destroy(): void }[] = [];

  private constructor(cloud: EmulatedAws, clock: ManualClock, server: Server) {
    this.cloud = cloud;
    this.clock = clock;
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(
    settings: Partial<AwsSettings> = {},
    plans: readonly VpcPlan[] = [PLAN, OTHER],
    clock = new ManualClock(),
  ): Promise<AccountFixture> {
    const cloud = new EmulatedAws({ state: buildAccount(plans), clock, region: REGION, settings });
    const server = apiServer(cloud);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new AccountFixture(cloud, clock, server);
  }

  /** One that tries once, and whose clock is the account's as it is now. */
  client(who = 'a1', options: ClientOptions = {}): EC2Client {
    return this.#kept(new EC2Client(this.#config(who, options)));
  }

  scaling(who = 'operator', options: ClientOptions = {}): AutoScalingClient {
    return this.#kept(new AutoScalingClient(this.#config(who, options)));
  }

  quotas(who = 'operator', options: ClientOptions = {}): ServiceQuotasClient {
    return this.#kept(new ServiceQuotasClient(this.#config(who, options)));
  }

  #config(who: string, options: ClientOptions) {
    const { id, secret } = this.cloud.credentials.add(who);
    return {
      endpoint: this.url,
      region: REGION,
      credentials: { accessKeyId: id, secretAccessKey: options.secret ?? secret },
      systemClockOffset: this.cloud.clock.wallTime() - Date.now() + (options.skewMs ?? 0),
      maxAttempts: options.attempts ?? 1,
    };
  }

  #kept<Client extends { destroy(): void }>(client: Client): Client {
    this.#clients.push(client);
    return client;
  }

  async control(method: string, path: string, value?: unknown): Promise<unknown> {
    const body = value === undefined ? null : JSON.stringify(value);
    const response = await fetch(`${this.url}/_lab/${path}`, { method, body });
    return await response.json();
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.cloud.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The code of the error that a call ends with; `ok` when it does not. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
