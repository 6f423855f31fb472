/** An emulated account behind its real API, a DynamoDB emulator with the table, and what the function is told of both. */
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  DeleteItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { attributeItem, plainItem, type Plain } from '../../providers/dynamodb/attributes.ts';
import { openDynamoStore, type DynamoStore } from '../../providers/dynamodb/open-store.ts';
import { networkPartition } from '../../providers/dynamodb/sort-keys.ts';
import { TABLE_SCHEMA } from '../../providers/dynamodb/table.ts';
import type { PolicyDocument } from '../../infra/policy-document.ts';
import { dynamoDBGate } from '../../src/lab/aws/dynamodb-gate.ts';
import { DynamoUpstream } from '../../src/lab/aws/dynamodb-upstream.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { RecordKind } from '../../src/contracts/records.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/core/json.ts';
import { buildAccount, type VpcPlan } from '../../src/lab/aws/account.ts';
import { apiServer } from '../../src/lab/aws/api-server.ts';
import { ACCOUNT, EmulatedAws } from '../../src/lab/aws/cloud.ts';
import type { FunctionPlan } from '../../src/lab/aws/lambda-runtime.ts';
import type { AwsSettings } from '../../src/lab/aws/settings.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { startDynamoDB, whyNoDynamoDB, type TestDynamoDB } from '../dynamodb/emulator.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { Lease } from '../../src/core/lease.ts';
import { attributesOf, DAY_MS, type LeasedNode } from './node-rows.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { ForeignWatch } from '../lab/aws/foreign-watch.ts';

export const REGION = 'eu-central-1';
export const BUNDLE = path.resolve('dist/lambda');
const TABLE = 'weft';
const NETWORK = 'default';
export const ROLE = 'weft-reconciler';

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** Why the function cannot run here; undefined when it can. */
export const whyNoLambda = (): string | undefined =>
  process.env['WEFT_TEST_DYNAMODB'] === 'local'
    ? 'DynamoDB Local gives each credential tables of its own, and the function has its role\u2019s'
    : whyNoDynamoDB();

export interface WorldPlan {
  readonly vpcs: readonly VpcPlan[];
  readonly networks: readonly string[];
  /** The account's. Undefined: this machine's. */
  readonly clock?: Clock;
  readonly settings?: Partial<AwsSettings>;
  /** What the function's role may do, in EC2 and in the table. Undefined: everything. */
  readonly policy?: PolicyDocument;
  /** A table without a stream, which nobody follows here, costs the emulator a quarter of the time. */
  readonly streamless?: boolean;
}

export class LambdaWorld {
  readonly cloud: EmulatedAws;
  readonly foreign: ForeignWatch;
  readonly database: TestDynamoDB;
  /** A node's own, as far as a test plays one. */
  readonly store: DynamoStore;
  readonly #servers: readonly Server[];
  /** Where the function finds DynamoDB. */
  readonly #table: string;
  readonly #networks: readonly string[];
  readonly #raw: DynamoDBClient;
  readonly #never = new AbortController().signal;

  private constructor(
    cloud: EmulatedAws,
    servers: readonly [api: Server, gate?: Server],
    database: TestDynamoDB,
    networks: readonly string[],
  ) {
    this.cloud = cloud;
    this.foreign = new ForeignWatch(cloud);
    this.database = database;
    this.#servers = servers.filter((server) => server !== undefined);
    this.#table = servers[1] === undefined ? database.endpoint : urlOf(servers[1]);
    this.#networks = networks;
    const { endpoint } = database;
    const seams = { clock: new SystemClock(), random: new SeededRandom(1) };
    this.store = openDynamoStore(`dynamodb://${TABLE}?network=${NETWORK}&region=${REGION}&poll=50ms`, {
      ...seams,
      endpoint,
    });
    this.#raw = new DynamoDBClient({ endpoint, region: REGION });
  }

  static async start({
    vpcs,
    networks,
    clock = new SystemClock(),
    settings = {},
    streamless = false,
    policy,
  }: WorldPlan): Promise<LambdaWorld> {
    const database = await startDynamoDB();
    const cloud = new EmulatedAws({ state: buildAccount(vpcs), clock, region: REGION, settings });
    const api = apiServer(cloud);
    const gate = policy === undefined ? undefined : dynamoDBGate(cloud, new DynamoUpstream(database.endpoint));
    for (const server of [api, gate]) {
      if (server !== undefined) await once(server.listen(0, '127.0.0.1'), 'listening');
    }
    if (policy !== undefined) cloud.policies.attach({ [ROLE]: [policy] });
    const world = new LambdaWorld(cloud, gate === undefined ? [api] : [api, gate], database, networks);
    if (streamless) await world.#createPlainTable();
    else await world.store.create(world.#never);
    return world;
  }

  /** What the function finds in its environment; the credentials are its role's. */
  environment(more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
    const { id, secret } = this.cloud.credentials.add('lambda', { kind: 'role', name: ROLE, session: 'weft-routes' });
    const [api] = this.#servers;
    return {
      WEFT_STORE: `dynamodb://${TABLE}?network=${NETWORK}`,
      WEFT_VPC: this.#networks.join(','),
      AWS_REGION: REGION,
      AWS_LAMBDA_FUNCTION_NAME: 'weft-routes',
      AWS_ENDPOINT_URL: api === undefined ? '' : urlOf(api),
      AWS_ENDPOINT_URL_DYNAMODB: this.#table,
      AWS_ACCESS_KEY_ID: id,
      AWS_SECRET_ACCESS_KEY: secret,
      ...more,
    };
  }

  functionPlan(more: Partial<FunctionPlan> = {}): FunctionPlan {
    return {
      name: 'weft-routes',
      account: ACCOUNT,
      region: REGION,
      folder: BUNDLE,
      handler: 'index.handler',
      environment: this.environment(),
      timeoutMs: 60_000,
      ...more,
    };
  }

  /** Rows as a test wants them to stand, without a word in the feed: as if their changes were long past. */
  async writeRows(rows: readonly (Plain & { readonly SK: string })[]): Promise<void> {
    for (let from = 0; from < rows.length; from += 25) {
      const items = rows.slice(from, from + 25).map((row) => attributeItem({ PK: networkPartition(NETWORK), ...row }));
      const RequestItems = { [TABLE]: items.map((Item) => ({ PutRequest: { Item } })) };
      await this.#raw.send(new BatchWriteItemCommand({ RequestItems }));
    }
  }

  async rows(prefix: string): Promise<readonly Plain[]> {
    const rows: Plain[] = [];
    let start: QueryCommand['input']['ExclusiveStartKey'];
    do {
      const page = await this.#raw.send(
        new QueryCommand({
          TableName: TABLE,
          KeyConditionExpression: 'PK = :pk AND begins_with(SK, :sk)',
          ExpressionAttributeValues: attributeItem({ ':pk': networkPartition(NETWORK), ':sk': prefix }),
          ConsistentRead: true,
          ExclusiveStartKey: start,
        }),
      );
      rows.push(...(page.Items ?? []).map(plainItem));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return rows;
  }

  /** Values of all records of a kind, by key. */
  async records(kind: string): Promise<ReadonlyMap<string, JsonObject>> {
    const prefix = `record#${kind}#`;
    const records = new Map<string, JsonObject>();
    for (const { SK, value } of await this.rows(prefix)) {
      const read: JsonValue = JSON.parse(String(value));
      if (isJsonObject(read)) records.set(String(SK).slice(prefix.length), read);
    }
    return records;
  }

  /** As another hand, or a run before, wrote it. */
  async putRecord(kind: RecordKind, key: string, value: JsonObject): Promise<void> {
    await this.store.records.put(kind, key, value, undefined, this.#never);
  }

  async #createPlainTable(): Promise<void> {
    const { partitionKey, sortKey, billingMode } = TABLE_SCHEMA;
    await this.#raw.send(
      new CreateTableCommand({
        TableName: TABLE,
        BillingMode: billingMode,
        KeySchema: [
          { AttributeName: partitionKey.name, KeyType: 'HASH' },
          { AttributeName: sortKey.name, KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [partitionKey, sortKey].map(({ name, type }) => ({
          AttributeName: name,
          AttributeType: type,
        })),
      }),
    );
  }

  async removeRow(row: string): Promise<void> {
    const Key = attributeItem({ PK: networkPartition(NETWORK), SK: row });
    await this.#raw.send(new DeleteItemCommand({ TableName: TABLE, Key }));
  }

  /** As the node's own daemon does. */
  async join(node: LeasedNode): Promise<Lease> {
    const attributes = attributesOf(node);
    const { v4: range } = parseNetworkConfig(JSON.stringify({ Network: '10.42.0.0/16' }));
    const claimed = await this.store.store.claim(
      {
        node: attributes.weft.node,
        publicIP: attributes.publicIP,
        range,
        within: [],
        previous: parseSubnet(node.lease),
        mayRenumber: false,
        attributes: () => attributes,
        ttlMs: DAY_MS,
      },
      this.#never,
    );
    return claimed.lease;
  }

  renew(lease: Lease, node: LeasedNode): Promise<Lease> {
    return this.store.store.renew(lease, attributesOf(node), DAY_MS, this.#never);
  }

  leave(lease: Lease): Promise<void> {
    return this.store.store.release(lease, this.#never);
  }

  /** "destination target", sorted: routes of a table to interfaces. */
  routes(table: string): readonly string[] {
    const routes = [...(this.cloud.state.tables.get(table)?.routes.values() ?? [])];
    return routes
      .flatMap(({ destination, target }) => (target.kind === 'interface' ? [`${destination} ${target.id}`] : []))
      .toSorted();
  }

  /** Calls since the last question that could change something: "CreateRoute ok". */
  changes(): readonly string[] {
    const { journal } = this.cloud;
    const made = journal.entries.filter((it) => it.mutating).map(({ action, outcome }) => `${action} ${outcome}`);
    journal.clear();
    return made;
  }

  async close(): Promise<void> {
    this.store.close();
    this.#raw.destroy();
    this.cloud.close();
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    this.database.stop();
    this.foreign.assertNone();
  }
}
