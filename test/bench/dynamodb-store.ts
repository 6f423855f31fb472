/** DynamoDB, emulated, for a benchmark's host. */
import { BatchWriteItemCommand, GetItemCommand } from '@aws-sdk/client-dynamodb';
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
import { TTL_MS, type BenchStore } from './bench-store.ts';
import { CONFIG_TEXT } from './large-cluster.ts';

const TABLE = 'weft';
const NETWORK = 'default';
const REGION = 'eu-bench-1';
/** BatchWriteItem takes so many. */
const BATCH = 25;

type Row = ReturnType<typeof row>;

export async function dynamoBenchStore(): Promise<BenchStore> {
  const dynamodb = await startDynamoDB();
  process.env['AWS_REGION'] = REGION;
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = dynamodb.endpoint;
  const connection = connect({});
  const opened = openDynamoStore(`dynamodb://${TABLE}`, { clock: new SystemClock(), random: new CryptoRandom() });
  const never = new AbortController().signal;
  await opened.create(never);
  await opened.store.writeConfig(CONFIG_TEXT, 'absent', never);

  const write = async (items: readonly Row[]): Promise<void> => {
    for (let at = 0; at < items.length; at += BATCH) {
      const RequestItems = { [TABLE]: items.slice(at, at + BATCH) };
      await connection.client.send(new BatchWriteItemCommand({ RequestItems }));
    }
  };
  const lastNumber = async (): Promise<number> => {
    const Key = attributeItem({ PK: networkPartition(NETWORK), SK: COUNTER_ROW });
    const { Item } = await connection.client.send(new GetItemCommand({ TableName: TABLE, Key, ConsistentRead: true }));
    return Number(plainItem(Item ?? {})['seq']);
  };
  return {
    leases: opened.store,
    url: (poll) => `dynamodb://${TABLE}?poll=${poll}`,
    fill: async (leases) => {
      const items = leases.map((lease, index) => row(leaseRow(lease.key), contentOf(lease, index + 1)));
      await write([...items, row(COUNTER_ROW, { seq: leases.length + 1 })]);
    },
    join: async (newcomers) => {
      // The daemon has drawn numbers since the store was filled; the next is the first of these.
      const last = await lastNumber();
      const items = newcomers.flatMap((lease, at) => {
        const seq = last + 1 + at;
        const content = contentOf(lease, seq);
        return [row(leaseRow(lease.key), content), row(deltaRow(seq), { ...content, row: leaseRow(lease.key) })];
      });
      await write(items);
      await write([row(COUNTER_ROW, { seq: last + newcomers.length })]);
    },
    close: async () => {
      dynamodb.stop();
      opened.close();
      connection.close();
    },
  };
}

const contentOf = ({ attributes }: Lease, seq: number): Plain =>
  leasedItem(attributes.weft?.node ?? parseNodeId('nobody'), attributes, seq, TTL_MS, seq);

const row = (name: string, attributes: Plain) => ({
  PutRequest: { Item: attributeItem({ PK: networkPartition(NETWORK), SK: name, ...attributes }) },
});
