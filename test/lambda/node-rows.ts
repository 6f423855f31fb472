/** Nodes, leases and the ledger as rows of the table. */
import type { Plain } from '../../providers/dynamodb/attributes.ts';
import { leasedItem } from '../../providers/dynamodb/rows.ts';
import { leaseRow, recordRow } from '../../providers/dynamodb/sort-keys.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import { leaseKeyOf } from '../../src/core/lease-key.ts';
import { ledgerKey, ledgerRowToJson } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planned } from '../../src/lab/aws/account.ts';

type Row = Plain & { readonly SK: string };

export interface LeasedNode {
  /** Of its instance, in the account's plan. */
  readonly name: string;
  readonly vpc: string;
  /** Names of its cloud subnet, and of the table that serves that. */
  readonly subnet: string;
  readonly table: string;
  readonly address: string;
  readonly lease: string;
  readonly epoch: number;
}

export const DAY_MS = 24 * 3_600_000;

export const configRow = (config: object): Row => ({ SK: 'config', text: JSON.stringify(config), seq: 0 });

export function attributesOf({ name, vpc, subnet, table, address }: LeasedNode) {
  const fabric = {
    provider: 'aws',
    network: planned.vpc(vpc),
    subnet: planned.subnet(subnet),
    target: planned.interface(name),
  };
  const weft = {
    node: parseNodeId(planned.instance(name)),
    incarnation: 1,
    mtuBytes: 9001,
    fabric,
    table: planned.table(table),
  };
  return { publicIP: parseAddress(address), backendType: 'auto', weft };
}

export function leaseRowOf(node: LeasedNode): Row {
  const id = parseNodeId(planned.instance(node.name));
  const key = leaseKeyOf({ v4: parseSubnet(node.lease) });
  return { SK: leaseRow(key), ...leasedItem(id, attributesOf(node), node.epoch, DAY_MS, 0) };
}

export function ledgerRowOf(row: LedgerRow): Row {
  const key = ledgerKey(row.table, row.destination);
  return {
    SK: recordRow('ledger', key),
    value: JSON.stringify(ledgerRowToJson(row)),
    version: `seeded-${key}`,
    seq: 0,
  };
}
