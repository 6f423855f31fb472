/** The DynamoDB table of leases, config and records, exactly by providers/dynamodb/table.ts. */
import { RemovalPolicy } from 'aws-cdk-lib';
import {
  type Attribute,
  AttributeType,
  BillingMode,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { TABLE_SCHEMA } from '../providers/dynamodb/table.ts';

/** What the other constructs need of a table: any ITable is one. */
export interface AnyTable {
  readonly tableName: string;
  readonly tableArn: string;
  readonly tableStreamArn?: string | undefined;
  /** A key of your own that encrypts it: who reads or writes the table needs rights to it, and gets them. */
  readonly encryptionKey?: { readonly keyArn: string } | undefined;
}

export interface LeaseTableProps {
  /** Default: CloudFormation makes one up. */
  readonly tableName?: string;
  /** Default: retained. It knows who owns which route, which nothing else does: without it standing routes become foreign, for ever. */
  readonly removalPolicy?: RemovalPolicy;
  /** Default: true. */
  readonly deletionProtection?: boolean;
  /** Default: the key that AWS owns. `AWS_MANAGED` costs a little a request and shows in CloudTrail; neither needs a right of nodes. */
  readonly encryption?: TableEncryption.DEFAULT | TableEncryption.AWS_MANAGED;
  /** A key of your own instead. */
  readonly encryptionKey?: IKey;
}

/** A table that is there already. */
export interface StandingTable {
  readonly tableArn: string;
  /** What wakes the reconciler at a change. Without it the schedule alone does. */
  readonly streamArn?: string;
  /** Of a key of your own that encrypts it. */
  readonly keyArn?: string;
}

export class LeaseTable extends Construct {
  readonly table: AnyTable;

  constructor(scope: Construct, id: string, props: LeaseTableProps = {}) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      ...(props.tableName === undefined ? {} : { tableName: props.tableName }),
      partitionKey: attribute(TABLE_SCHEMA.partitionKey),
      sortKey: attribute(TABLE_SCHEMA.sortKey),
      billingMode: BillingMode[TABLE_SCHEMA.billingMode],
      stream: StreamViewType[TABLE_SCHEMA.streamViewType],
      timeToLiveAttribute: TABLE_SCHEMA.ttlAttribute,
      ...(props.encryptionKey === undefined
        ? { encryption: props.encryption ?? TableEncryption.DEFAULT }
        : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: props.encryptionKey }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: props.deletionProtection ?? true,
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    });
  }

  /** By `weftd config set --create-table`, Terraform or another stack. */
  static fromStanding(scope: Construct, id: string, { tableArn, streamArn, keyArn }: StandingTable): AnyTable {
    const { tableName } = Table.fromTableArn(scope, id, tableArn);
    const key = keyArn === undefined ? {} : { encryptionKey: { keyArn } };
    return { tableArn, tableName, tableStreamArn: streamArn, ...key };
  }
}

const attribute = ({ name, type }: { readonly name: string; readonly type: 'S' }): Attribute => ({
  name,
  type: { S: AttributeType.STRING }[type],
});
