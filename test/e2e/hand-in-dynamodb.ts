/** The deeds of another hand in DynamoDB. */
import { setTimeout as wait } from 'node:timers/promises';
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { attributeItem, type Plain } from '../../providers/dynamodb/attributes.ts';
import { change } from '../../providers/dynamodb/changes.ts';
import { connect, type Connection } from '../../providers/dynamodb/client.ts';
import { Partition } from '../../providers/dynamodb/partition.ts';
import { freedItem, leasedItem } from '../../providers/dynamodb/rows.ts';
import { CONFIG_ROW, leaseRow, networkPartition } from '../../providers/dynamodb/sort-keys.ts';
import { parseUrl, type Location } from '../../providers/dynamodb/url.ts';
import { parseAddress } from '../../src/core/address.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { CryptoRandom } from '../../src/system/crypto-random.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import type { Deed } from './another-hand.ts';

const TTL_MS = 24 * 3_600_000;
/** Far from those of the feed. */
const FOREIGN_SEQ = 10_000;

export async function doInDynamoDB(url: string, deed: Deed): Promise<void> {
  const connection = connect({});
  const location = parseUrl(url);
  switch (deed.deed) {
    case 'write config':
      await putRow(connection, location, CONFIG_ROW, { seq: FOREIGN_SEQ, text: deed.text });
      break;
    case 'write lease': {
      const item = { seq: 3, epoch: 3, state: 'leased', node: 'node-x', value: deed.value };
      await putRow(connection, location, `lease#${deed.key}`, item);
      break;
    }
    case 'give lease': {
      const node = parseNodeId(deed.node);
      const attributes = { publicIP: parseAddress(deed.publicIP), weft: { node, incarnation: 1, mtuBytes: 1500 } };
      await write(connection, location, rowOf(deed.subnet), (seq) => leasedItem(node, attributes, seq, TTL_MS, seq));
      break;
    }
    case 'give plain lease':
      await givePlain(connection, location, deed);
      break;
    case 'take lease':
      await take(connection, location, deed.subnet);
      break;
    case 'let plain leases come and go': {
      const present = new Set<string>();
      for (let turn = 0; ; turn++) {
        const lease = deed.leases[turn % deed.leases.length];
        if (lease === undefined) break;
        const { subnet } = lease;
        if (present.delete(subnet)) await take(connection, location, subnet);
        else {
          present.add(subnet);
          await givePlain(connection, location, lease);
        }
        console.log(`${present.has(subnet) ? '+' : '-'} ${subnet}`);
        await wait(deed.everyMs);
      }
      break;
    }
    case 'delete config':
      await write(connection, location, CONFIG_ROW, () => undefined);
      break;
    case 'make table':
      await connection.client.send(
        new CreateTableCommand({
          TableName: deed.table,
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          BillingMode: 'PAY_PER_REQUEST',
        }),
      );
      break;
  }
  connection.close();
}

const rowOf = (subnet: string): string => leaseRow(leaseKeyOf({ v4: parseSubnet(subnet) }));

async function take(connection: Connection, location: Location, subnet: string): Promise<void> {
  await write(connection, location, rowOf(subnet), (seq) => freedItem(undefined, seq, Date.now(), seq));
}

async function givePlain(
  connection: Connection,
  location: Location,
  { subnet, publicIP }: { readonly subnet: string; readonly publicIP: string },
): Promise<void> {
  const attributes = { publicIP: parseAddress(publicIP) };
  await write(connection, location, rowOf(subnet), (seq) => {
    const { node: _, ...item } = leasedItem(parseNodeId('nobody'), attributes, seq, TTL_MS, seq);
    return item;
  });
}

async function putRow({ client }: Connection, { table, network }: Location, row: string, item: Plain): Promise<void> {
  const Item = attributeItem({ PK: networkPartition(network), SK: row, ...item });
  await client.send(new PutItemCommand({ TableName: table, Item }));
}

/** As Weft writes: the feed tells of it. */
async function write(
  connection: Connection,
  { table, network }: Location,
  row: string,
  content: (seq: number) => Plain | undefined,
): Promise<void> {
  const tools = { clock: new SystemClock(), random: new CryptoRandom() };
  const partition = new Partition({ connection, table, network, ...tools });
  const signal = new AbortController().signal;
  // A first answer tells the store's time, which a change wants.
  await partition.row(row, 'strong', signal);
  await change(partition, { doing: 'write as another hand', row, condition: 'none', content }, signal);
}
