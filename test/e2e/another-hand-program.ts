/** Runs on a host of the lab: does one deed (another-hand.ts) to the store that the environment names. */
import { setTimeout as wait } from 'node:timers/promises';
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { attributeItem, type Plain } from '../../providers/dynamodb/attributes.ts';
import { change } from '../../providers/dynamodb/changes.ts';
import { connect } from '../../providers/dynamodb/client.ts';
import { Partition } from '../../providers/dynamodb/partition.ts';
import { freedItem, leasedItem } from '../../providers/dynamodb/rows.ts';
import { CONFIG_ROW, leaseRow, networkPartition } from '../../providers/dynamodb/sort-keys.ts';
import { parseAddress } from '../../src/core/address.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { CryptoRandom } from '../../src/system/crypto-random.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import type { Deed } from './another-hand.ts';

const TABLE = 'weft';
const NETWORK = 'default';
const TTL_MS = 24 * 3_600_000;

const deed = JSON.parse(process.argv[2] ?? '') as Deed;
const connection = connect({});
switch (deed.deed) {
  case 'write row': {
    const { network = NETWORK, row, item } = deed;
    const Item = attributeItem({ PK: networkPartition(network), SK: row, ...item });
    await connection.client.send(new PutItemCommand({ TableName: TABLE, Item }));
    break;
  }
  case 'give lease': {
    const row = leaseRow(leaseKeyOf({ v4: parseSubnet(deed.subnet) }));
    const node = parseNodeId(deed.node);
    const attributes = { publicIP: parseAddress(deed.publicIP), weft: { node, incarnation: 1, mtuBytes: 1500 } };
    await write(row, (seq) => leasedItem(node, attributes, seq, TTL_MS, seq));
    break;
  }
  case 'give plain lease':
    await givePlain(deed);
    break;
  case 'take lease':
    await take(deed.subnet);
    break;
  case 'let plain leases come and go': {
    const present = new Set<string>();
    for (let turn = 0; ; turn++) {
      const lease = deed.leases[turn % deed.leases.length];
      if (lease === undefined) break;
      const { subnet } = lease;
      if (present.delete(subnet)) await take(subnet);
      else {
        present.add(subnet);
        await givePlain(lease);
      }
      console.log(`${present.has(subnet) ? '+' : '-'} ${subnet}`);
      await wait(deed.everyMs);
    }
    break;
  }
  case 'delete config':
    await write(CONFIG_ROW, () => undefined);
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

function rowOf(subnet: string): string {
  return leaseRow(leaseKeyOf({ v4: parseSubnet(subnet) }));
}

async function take(subnet: string): Promise<void> {
  await write(rowOf(subnet), (seq) => freedItem(undefined, seq, Date.now(), seq));
}

async function givePlain({ subnet, publicIP }: { readonly subnet: string; readonly publicIP: string }): Promise<void> {
  const attributes = { publicIP: parseAddress(publicIP) };
  await write(rowOf(subnet), (seq) => {
    const { node: _, ...item } = leasedItem(parseNodeId('nobody'), attributes, seq, TTL_MS, seq);
    return item;
  });
}

/** As Weft writes: the feed tells of it. */
async function write(row: string, content: (seq: number) => Plain | undefined): Promise<void> {
  const tools = { clock: new SystemClock(), random: new CryptoRandom() };
  const partition = new Partition({ connection, table: TABLE, network: NETWORK, ...tools });
  const signal = new AbortController().signal;
  // A first answer tells the store's time, which a change wants.
  await partition.row(row, 'strong', signal);
  await change(partition, { doing: 'write as another hand', row, condition: 'none', content }, signal);
}
