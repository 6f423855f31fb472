/** The emulated account with its DynamoDB behind the gate, and our providers in it with a role's credentials: what a policy says decides. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { PolicyDocument } from '../../infra/policy-document.ts';
import type { PolicyScope } from '../../infra/policies.ts';
import { AwsInventory } from '../../providers/aws/aws-inventory.ts';
import { AwsNetwork } from '../../providers/aws/aws-network.ts';
import { connectEc2 } from '../../providers/aws/client.ts';
import { connectLifecycle } from '../../providers/aws/lifecycle-client.ts';
import { connectQuotas } from '../../providers/aws/quota-client.ts';
import { connect } from '../../providers/dynamodb/client.ts';
import { createTable } from '../../providers/dynamodb/create-table.ts';
import { DynamoLeaseStore } from '../../providers/dynamodb/dynamo-lease-store.ts';
import { DynamoRecords } from '../../providers/dynamodb/dynamo-records.ts';
import { Feed } from '../../providers/dynamodb/feed.ts';
import { Partition } from '../../providers/dynamodb/partition.ts';
import { writeSnapshot } from '../../providers/dynamodb/snapshot.ts';
import type { LifecycleAction } from '../../src/contracts/cloud-inventory.ts';
import { asWeftError } from '../../src/core/errors.ts';
import { buildAccount, planned } from '../../src/lab/aws/account.ts';
import { apiServer } from '../../src/lab/aws/api-server.ts';
import { ACCOUNT, EmulatedAws } from '../../src/lab/aws/cloud.ts';
import { dynamoDBGate } from '../../src/lab/aws/dynamodb-gate.ts';
import { DynamoUpstream } from '../../src/lab/aws/dynamodb-upstream.ts';
import { operate } from '../../src/lab/aws/lab-operations.ts';
import { waitOf } from '../../src/lab/aws/scaling.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { startDynamoDB, type TestDynamoDB } from '../dynamodb/emulator.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { OTHER, PLAN, REGION } from '../lab/aws/account-fixture.ts';

export const ROLE = 'weft';
export const GROUP = 'nodes';
/** Polls fast, so that a watch sees at once what a test has written. */
const PACE = { fastMs: 50, slowMs: 50 };

export type Hands = ReturnType<PolicyWorld['hands']>;

export class PolicyWorld {
  readonly cloud: EmulatedAws;
  readonly clock = new SystemClock();
  readonly #dynamo: TestDynamoDB;
  readonly #servers: readonly Server[];
  readonly #open: { close(): void }[] = [];
  #networks = 0;

  private constructor(cloud: EmulatedAws, dynamo: TestDynamoDB, servers: readonly Server[]) {
    this.cloud = cloud;
    this.#dynamo = dynamo;
    this.#servers = servers;
  }

  static async start(): Promise<PolicyWorld> {
    const dynamo = await startDynamoDB();
    const settings = { throttling: false };
    const state = buildAccount([PLAN, OTHER]);
    const cloud = new EmulatedAws({ state, clock: new SystemClock(), region: REGION, settings });
    const servers = [apiServer(cloud), dynamoDBGate(cloud, new DynamoUpstream(dynamo.endpoint))];
    await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')));
    return new PolicyWorld(cloud, dynamo, servers);
  }

  /** The account is as it was at first: with a group whose machine a2 waits to be let go. */
  forget(): LifecycleAction {
    const { cloud } = this;
    cloud.timeline.change(() => buildAccount([PLAN, OTHER]));
    operate(cloud, { op: 'scaling-group', name: GROUP, instances: 'a2', hook: 'weft-drain' });
    operate(cloud, { op: 'scale-in', instance: 'a2' });
    const wait = waitOf(cloud.state, { group: GROUP, hook: 'weft-drain' });
    if (wait === undefined) throw new Error('a2 does not wait');
    return wait;
  }

  /** A network that nobody has used, in a table that is there unless it is named. */
  scope(change: Partial<PolicyScope> = {}): PolicyScope {
    this.#networks += 1;
    return {
      partition: 'aws',
      region: REGION,
      account: ACCOUNT,
      tableArn: tableArn('weft'),
      networks: [`n${this.#networks}`],
      vpcs: [planned.vpc('lab')],
      routeTables: { by: 'vpc' },
      ...change,
    };
  }

  /** From now on the role may do this and nothing else. */
  allow(...documents: readonly PolicyDocument[]): void {
    this.cloud.policies.attach({ [ROLE]: documents });
  }

  /** Our providers, as this role has them. */
  hands(network: string, table = 'weft') {
    const [api, gate] = this.#servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const { clock } = this;
    const random = new SeededRandom(1);
    const { id, secret } = this.cloud.credentials.add('the role', { kind: 'role', name: ROLE, session: 'test' });
    const credentials = async () => ({ accessKeyId: id, secretAccessKey: secret });
    const there = { region: REGION, endpoint: api ?? '' };
    const [ec2, quotas, lifecycle] = [connectEc2(there), connectQuotas(there), connectLifecycle(there)];
    for (const { client } of [ec2, quotas, lifecycle]) client.config.credentials = credentials;
    const connection = connect({ region: REGION, endpoint: gate ?? '' });
    connection.client.config.credentials = credentials;
    this.#open.push(ec2, quotas, lifecycle, connection);
    const partition = new Partition({ connection, table, network, clock, random });
    const feed = new Feed(partition, PACE);
    const parts = { ec2: async () => ec2.api, clock, random };
    const imds = { identify: () => Promise.reject(new Error('no metadata server here')) };
    return {
      ec2: ec2.client,
      dynamo: connection.client,
      store: new DynamoLeaseStore(partition, feed, PACE),
      records: new DynamoRecords(partition, feed, PACE),
      network: new AwsNetwork({ ...parts, imds }),
      inventory: new AwsInventory({ ...parts, quotas: async () => quotas.api, lifecycle: async () => lifecycle.api }),
      writeSnapshot: (signal: AbortSignal) => writeSnapshot(partition, signal),
      create: (signal: AbortSignal) => createTable({ connection, table, clock, random }, signal),
    };
  }

  /** Actions that calls needed since the last question, refused ones too. */
  seen(): readonly string[] {
    const { journal, storeJournal } = this.cloud;
    const calls = journal.entries.map(({ service, action }) => `${service}:${action}`);
    const items = storeJournal.entries.flatMap(({ parameters }) => (parameters['needs'] ?? '').split(' '));
    journal.clear();
    storeJournal.clear();
    return [...new Set([...calls, ...items])].filter((it) => it !== '').toSorted();
  }

  async close(): Promise<void> {
    for (const open of this.#open) open.close();
    this.cloud.close();
    await Promise.all(
      this.#servers.map((server) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }),
    );
    this.#dynamo.stop();
  }
}

export const GROUP_ARN = `arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/${GROUP}`;
export const tableArn = (table: string): string => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${table}`;

/** All actions of a policy, sorted. */
export const actionsOf = ({ Statement }: PolicyDocument): readonly string[] =>
  [...new Set(Statement.flatMap(({ Action }) => Action))].toSorted();

/** The same policy without one action, everywhere. */
export const lacking = (policy: PolicyDocument, action: string): PolicyDocument => ({
  ...policy,
  Statement: policy.Statement.flatMap((statement) => {
    const Action = statement.Action.filter((it) => it !== action);
    return Action.length === 0 ? [] : [{ ...statement, Action }];
  }),
});

/** "CODE message" of what a piece of work ends with; `done` when it does not. */
export async function ending(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    const { code, message } = asWeftError(error);
    return `${code} ${message}`;
  }
}
