/** The table made by hand, for people without CDK. */
import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ResourceInUseException,
  ResourceNotFoundException,
  UpdateTimeToLiveCommand,
  type TableDescription,
} from '@aws-sdk/client-dynamodb';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { WeftError } from '../../src/core/errors.ts';
import { attempt } from './attempts.ts';
import type { Connection } from './client.ts';
import { TABLE_SCHEMA } from './table.ts';

export interface CreateTableOptions {
  readonly connection: Connection;
  readonly table: string;
  readonly clock: Clock;
  readonly random: Random;
}

const POLL_MS = 500;
const DEADLINE_MS = 120_000;

/** Makes the table unless it is there, and waits until it can be used. False: it was there, and is as it should be. STORE_TABLE_WRONG when it is not. */
export async function createTable(options: CreateTableOptions, signal: AbortSignal): Promise<boolean> {
  const made = (await describe(options, signal)) === undefined && (await create(options, signal));
  await active(options, signal);
  await deleteByTime(options, signal);
  return made;
}

async function create(options: CreateTableOptions, signal: AbortSignal): Promise<boolean> {
  const { partitionKey, sortKey, billingMode, streamViewType } = TABLE_SCHEMA;
  const command = new CreateTableCommand({
    TableName: options.table,
    KeySchema: [
      { AttributeName: partitionKey.name, KeyType: 'HASH' },
      { AttributeName: sortKey.name, KeyType: 'RANGE' },
    ],
    AttributeDefinitions: [partitionKey, sortKey].map(({ name, type }) => ({
      AttributeName: name,
      AttributeType: type,
    })),
    BillingMode: billingMode,
    StreamSpecification: { StreamEnabled: true, StreamViewType: streamViewType },
  });
  return call(options, 'make the table', signal, async (abort) => {
    try {
      await options.connection.client.send(command, abort);
      return true;
    } catch (error) {
      // Somebody else makes it at this moment.
      if (error instanceof ResourceInUseException) return false;
      throw error;
    }
  });
}

async function active(options: CreateTableOptions, signal: AbortSignal): Promise<void> {
  const { clock, table } = options;
  for (const deadlineMs = clock.now() + DEADLINE_MS; clock.now() < deadlineMs; await clock.sleep(POLL_MS, signal)) {
    const standing = await describe(options, signal);
    if (standing === undefined) continue;
    refuseOther(standing, table);
    if (standing.TableStatus === 'ACTIVE' || standing.TableStatus === 'UPDATING') return;
  }
  throw new WeftError('STORE_TIMEOUT', `DynamoDB table ${table} is not ready after ${DEADLINE_MS / 1000} s`);
}

function refuseOther({ KeySchema = [], AttributeDefinitions = [] }: TableDescription, table: string): void {
  const keys = KeySchema.map(({ AttributeName = '', KeyType = '' }) => {
    const type =
      AttributeDefinitions.find((attribute) => attribute.AttributeName === AttributeName)?.AttributeType ?? '?';
    return `${AttributeName} (${KeyType}, ${type})`;
  });
  const { partitionKey, sortKey } = TABLE_SCHEMA;
  const expected = [`${partitionKey.name} (HASH, ${partitionKey.type})`, `${sortKey.name} (RANGE, ${sortKey.type})`];
  if (keys.join() === expected.join()) return;
  throw new WeftError(
    'STORE_TABLE_WRONG',
    `DynamoDB table ${table} has the keys ${keys.join(', ')}: expected ${expected.join(', ')}`,
    {
      hint: 'it belongs to something else: name another table',
    },
  );
}

/** Old deltas and snapshots go by themselves; without it they stay, which costs a little storage and nothing else. */
async function deleteByTime(options: CreateTableOptions, signal: AbortSignal): Promise<void> {
  const { connection, table } = options;
  const describing = new DescribeTimeToLiveCommand({ TableName: table });
  const { TimeToLiveDescription } = await call(options, 'read the time-to-live setting', signal, (abort) =>
    connection.client.send(describing, abort),
  );
  const status = TimeToLiveDescription?.TimeToLiveStatus;
  if (status === 'ENABLED' || status === 'ENABLING') return;
  const enabling = new UpdateTimeToLiveCommand({
    TableName: table,
    TimeToLiveSpecification: { AttributeName: TABLE_SCHEMA.ttlAttribute, Enabled: true },
  });
  await call(options, 'switch time to live on', signal, (abort) => connection.client.send(enabling, abort));
}

async function describe(options: CreateTableOptions, signal: AbortSignal): Promise<TableDescription | undefined> {
  const command = new DescribeTableCommand({ TableName: options.table });
  return call(options, 'describe the table', signal, async (abort) => {
    try {
      return (await options.connection.client.send(command, abort)).Table;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  });
}

function call<T>(
  options: CreateTableOptions,
  doing: string,
  signal: AbortSignal,
  send: (abort: { abortSignal: AbortSignal }) => Promise<T>,
): Promise<T> {
  return attempt({ ...options, doing, repeatable: true, signal }, () => send({ abortSignal: signal }));
}
