import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LeaseTable } from '../../infra/lease-table.ts';
import { NodePolicy } from '../../infra/node-policy.ts';
import { TABLE_SCHEMA } from '../../providers/dynamodb/table.ts';
import { all, only, resourcesOf, STREAM_ARN, TABLE_ARN, VPC } from './template.ts';

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
