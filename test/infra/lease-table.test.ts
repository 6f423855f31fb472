import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LeaseTable } from '../../infra/lease-table.ts';
import { NodePolicy } from '../../infra/node-policy.ts';
import { TABLE_SCHEMA } from '../../providers/dynamodb/table.ts';
import { RouteReconciler } from '../../infra/route-reconciler.ts';
import {
  ACCOUNT,
  all,
  NO_CODE,
  only,
  REGION,
  resourcesOf,
  statementsOf,
  STREAM_ARN,
  TABLE_ARN,
  VPC,
} from './template.ts';

describe('the table of leases', () => {
  const table = only(
    resourcesOf((stack) => new LeaseTable(stack, 'Leases', { tableName: 'weft' })),
    'AWS::DynamoDB::Table',
  );

  it('has the schema that the store expects', () => {
    const { partitionKey, sortKey, billingMode, streamViewType, ttlAttribute } = TABLE_SCHEMA;
    const { KeySchema, AttributeDefinitions, BillingMode, StreamSpecification, TimeToLiveSpecification } =
      table.properties;
    assert.deepEqual(KeySchema, [
      { AttributeName: partitionKey.name, KeyType: 'HASH' },
      { AttributeName: sortKey.name, KeyType: 'RANGE' },
    ]);
    assert.deepEqual(
      AttributeDefinitions,
      [partitionKey, sortKey].map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
    );
    assert.equal(BillingMode, billingMode);
    assert.deepEqual(StreamSpecification, { StreamViewType: streamViewType });
    assert.deepEqual(TimeToLiveSpecification, { AttributeName: ttlAttribute, Enabled: true });
    assert.equal(table.properties['TableName'], 'weft');
  });

  it('outlives its stack, cannot be deleted by mistake, and can be brought back to any second', () => {
    assert.equal(table.deletionPolicy, 'Retain');
    assert.equal(table.properties['DeletionProtectionEnabled'], true);
    assert.deepEqual(table.properties['PointInTimeRecoverySpecification'], { PointInTimeRecoveryEnabled: true });
  });

  it('of somebody else is taken by its ARN, and none is made', () => {
    const made = resourcesOf((stack) => {
      const standing = LeaseTable.fromStanding(stack, 'Leases', { tableArn: TABLE_ARN, streamArn: STREAM_ARN });
      assert.deepEqual(standing, { tableName: 'weft', tableArn: TABLE_ARN, tableStreamArn: STREAM_ARN });
      new NodePolicy(stack, 'Nodes', { store: { table: standing }, vpcs: [VPC], routeWriter: 'reconciler' });
    });
    assert.deepEqual(all(made, 'AWS::DynamoDB::Table'), []);
  });
});

describe('a table under a key of the customer', () => {
  const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef`;

  it('may be made, and is no other for that', () => {
    const made = resourcesOf((stack) => {
      const encryptionKey = Key.fromKeyArn(stack, 'Key', KEY_ARN);
      new LeaseTable(stack, 'Leases', { encryptionKey });
    });
    const { SSESpecification, DeletionProtectionEnabled } = only(made, 'AWS::DynamoDB::Table').properties;
    assert.deepEqual(SSESpecification, { KMSMasterKeyId: KEY_ARN, SSEEnabled: true, SSEType: 'KMS' });
    assert.equal(DeletionProtectionEnabled, true);
  });

  it('needs rights to the key: nodes and the reconciler have them, by way of DynamoDB alone', () => {
    const made = resourcesOf((stack) => {
      const { table } = new LeaseTable(stack, 'Made', { encryptionKey: Key.fromKeyArn(stack, 'Key', KEY_ARN) });
      const standing = { tableArn: TABLE_ARN, streamArn: STREAM_ARN, keyArn: KEY_ARN };
      const reach = { store: { table: LeaseTable.fromStanding(stack, 'Standing', standing) }, vpcs: [VPC] };
      new NodePolicy(stack, 'Nodes', { store: { table }, vpcs: [VPC], routeWriter: 'reconciler' });
      new RouteReconciler(stack, 'Reconciler', { ...reach, code: NO_CODE });
    });
    const [role] = only(made, 'AWS::IAM::Role').properties['Policies'] as readonly {
      readonly PolicyDocument: unknown;
    }[];
    for (const document of [only(made, 'AWS::IAM::ManagedPolicy').properties['PolicyDocument'], role?.PolicyDocument]) {
      const found = statementsOf(document).find(({ Sid }) => Sid === 'UseTheKey');
      assert.deepEqual(found?.['Resource'], [KEY_ARN]);
      assert.deepEqual(found?.['Condition'], { StringLike: { 'kms:ViaService': `dynamodb.${REGION}.*` } });
      assert.ok([found?.['Action']].flat().includes('kms:Decrypt'));
    }
  });

  it('is the exception: of no other table a role has rights to keys', () => {
    const made = resourcesOf((stack) => {
      const { table } = new LeaseTable(stack, 'Leases');
      new NodePolicy(stack, 'Nodes', { store: { table }, vpcs: [VPC], routeWriter: 'node' });
    });
    assert.doesNotMatch(JSON.stringify(made), /kms:/);
  });
});
