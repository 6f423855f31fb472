/** What a role reaches: the store and the part of the cloud, as the constructs are given them. */
import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { AnyTable } from './lease-table.ts';
import type { PolicyScope, RouteTableChoice } from './policies.ts';
import type { PolicyDocument } from './policy-document.ts';

/** Unless the store's URL says another (providers/dynamodb/url.ts). */
export const DEFAULT_NETWORK = 'default';
/** Unless `--node-tag` or WEFT_NODE_TAG say another. */
export const DEFAULT_NODE_TAG = 'weft:node';

export type Store =
  | {
      readonly table: AnyTable;
      /** Which of the networks in that table. Default: `default`. */
      readonly network?: string;
    }
  | {
      /** URL, as `--store` takes it: `etcd://10.0.0.1:2379/coreos.com/network`. No password: that goes into the variable WEFT_ETCD_PASSWORD. */
      readonly etcd: string;
    };

export interface Reach {
  readonly store: Store;
  /** VPC ids; at least one. */
  readonly vpcs: readonly string[];
  /** Which of their route tables may be written. Default: all; whoever shares VPCs with others picks his by id (50 at most) or tag. */
  readonly routeTables?: RouteTableChoice;
}

/** A managed policy has 6,144 characters at most, and the name of a table takes some 75 (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html). */
const MOST_TABLES = 50;

/** Bad: a role for no VPC would be a role for none of its conditions. */
export function policyScope(construct: Construct, { store, vpcs, routeTables }: Reach): PolicyScope {
  if (vpcs.length === 0) throw new Error(`${construct.node.path}: "vpcs" is empty: name at least one VPC by its id`);
  if (routeTables?.by === 'id' && (routeTables.ids.length === 0 || routeTables.ids.length > MOST_TABLES))
    throw new Error(
      `${construct.node.path}: "routeTables" names ${routeTables.ids.length} tables: expected 1 to ${MOST_TABLES}; for more give them a tag`,
    );
  wholeLists(construct, vpcs, routeTables?.by === 'id' ? routeTables.ids : []);
  if ('etcd' in store && !Token.isUnresolved(store.etcd)) withoutPassword(construct, store.etcd);
  const { partition, region, account } = Stack.of(construct);
  const key = 'table' in store ? store.table.encryptionKey : undefined;
  return {
    partition,
    region,
    account,
    tableArn: 'table' in store ? store.table.tableArn : '',
    ...(key === undefined ? {} : { tableKeyArn: key.keyArn }),
    networks: [networkOf(store)],
    vpcs,
    routeTables: routeTables ?? { by: 'vpc' },
  };
}

/** A policy has one item for each of theirs. */
export function wholeLists({ node }: Construct, ...lists: readonly (readonly string[])[]): void {
  if (lists.some((list) => Token.isUnresolved(list)))
    throw new Error(
      `${node.path}: a list that is known at the deployment alone cannot be part of a policy: name its items, each by Fn.select`,
    );
}

/** The function would refuse it, but by then it stands in the template, and in the settings of the function. */
function withoutPassword({ node }: Construct, url: string): void {
  if (/^[a-z]+:\/\/[^?]*@|[?&]password=/i.test(url))
    throw new Error(
      `${node.path}: the URL of the store holds a password, or an @: give the name by ?username=, the password in WEFT_ETCD_PASSWORD`,
    );
}

export const networkOf = (store: Store): string => ('table' in store ? (store.network ?? DEFAULT_NETWORK) : '');

/** On etcd there is no table, and so no right to one. */
export const forStore = (store: Store, document: PolicyDocument): PolicyDocument =>
  'table' in store ? document : { ...document, Statement: document.Statement.filter(({ Sid }) => Sid !== 'Leases') };

/** The URL for `--store` and WEFT_STORE. */
export const storeUrl = (store: Store): string =>
  'table' in store ? `dynamodb://${store.table.tableName}?network=${networkOf(store)}` : store.etcd;
