/** A table at a DynamoDB, and in it a fresh network for each case. */
import { GetItemCommand, PutItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { attributeItem, plainItem, type Plain } from '../../providers/dynamodb/attributes.ts';
import { connect, type Connection } from '../../providers/dynamodb/client.ts';
import { openDynamoStore, type DynamoStore, type OpenOptions } from '../../providers/dynamodb/open-store.ts';
import { leaseRow, networkPartition } from '../../providers/dynamodb/sort-keys.ts';
import type { Peer, StoreWorld } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

export const REGION = 'eu-test-1';

export interface DynamoPeer extends Peer, DynamoStore {}

export class DynamoWorld implements StoreWorld {
  readonly table: string;
  readonly network: string;
  readonly #endpoint: string;
  readonly #connection: Connection;
  readonly #open: DynamoStore[] = [];

  constructor(endpoint: string, table: string, network: string) {
    this.table = table;
    this.network = network;
    this.#endpoint = endpoint;
    this.#connection = connect({ endpoint, region: REGION });
  }

  /** Each with a clock and a chance of its own; `settings` go into the URL. */
  open(settings = '', options: Partial<OpenOptions> = {}): DynamoPeer {
    const clock = new ManualClock(1000 * this.#open.length);
    const random = new SeededRandom(this.#open.length + 1);
    const url = `dynamodb://${this.table}?network=${this.network}&region=${REGION}${settings}`;
    const opened = openDynamoStore(url, { clock, random, endpoint: this.#endpoint, ...options });
    this.#open.push(opened);
    return { ...opened, clock };
  }

  async writeForeign(key: string, value: string): Promise<void> {
    await this.writeRow(leaseRow(key), { state: 'leased', value, epoch: 0, seq: 0 });
  }

  /** As another hand writes it: no delta tells of it. */
  async writeRow(row: string, attributes: Plain): Promise<void> {
    await this.#connection.client.send(
      new PutItemCommand({
        TableName: this.table,
        Item: attributeItem({ PK: networkPartition(this.network), SK: row, ...attributes }),
      }),
    );
  }

  async readRow(row: string): Promise<Plain | undefined> {
    const { Item } = await this.#connection.client.send(
      new GetItemCommand({
        TableName: this.table,
        Key: attributeItem({ PK: networkPartition(this.network), SK: row }),
        ConsistentRead: true,
      }),
    );
    return Item === undefined ? undefined : plainItem(Item);
  }

  async readRows(prefix: string): Promise<Plain[]> {
    const rows: Plain[] = [];
    let start: QueryCommand['input']['ExclusiveStartKey'];
    do {
      const page = await this.#connection.client.send(
        new QueryCommand({
          TableName: this.table,
          KeyConditionExpression: 'PK = :pk AND begins_with(SK, :sk)',
          ExpressionAttributeValues: attributeItem({ ':pk': networkPartition(this.network), ':sk': prefix }),
          ConsistentRead: true,
          ExclusiveStartKey: start,
        }),
      );
      rows.push(...(page.Items ?? []).map(plainItem));
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return rows;
  }

  /** The store's time cannot be moved, so what was freed is made to have been freed earlier. */
  async pass(ms: number): Promise<void> {
    for (const row of await this.readRows('lease#')) {
      if (typeof row['freedAt'] !== 'number') continue;
      const Key = attributeItem({ PK: networkPartition(this.network), SK: String(row['SK']) });
      const update = { UpdateExpression: 'ADD freedAt :ms', ExpressionAttributeValues: attributeItem({ ':ms': -ms }) };
      await this.#connection.client.send(new UpdateItemCommand({ TableName: this.table, Key, ...update }));
    }
  }

  async close(): Promise<void> {
    for (const { close } of this.#open) close();
    this.#connection.close();
  }
}

let networks = 0;

/** Makes the table, and worlds in it. */
export async function worldsIn(
  endpoint: string,
  table = `weft-test-${process.pid}`,
): Promise<() => Promise<DynamoWorld>> {
  const first = new DynamoWorld(endpoint, table, 'setup');
  const { clock, create } = first.open();
  await clock.during(create(new AbortController().signal));
  await first.close();
  return async () => new DynamoWorld(endpoint, table, `n${++networks}`);
}
