import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LeaseTable } from '../../infra/lease-table.ts';
import { nodePolicy, reconcilerPolicy, type PolicyScope } from '../../infra/policies.ts';
import type { PolicyDocument } from '../../infra/policy-document.ts';
import { RouteReconciler } from '../../infra/route-reconciler.ts';
import { changesOf } from '../../infra/stream-filter.ts';
import { eventPatterns } from '../../infra/wake.ts';
import { readSettings } from '../../lambda/settings.ts';
import {
  ACCOUNT,
  all,
  NO_CODE,
  only,
  REGION,
  resourcesOf,
  STREAM_ARN,
  TABLE_ARN,
  VPC,
  type Resource,
} from './template.ts';
import { policyOf, Terraform, type Block } from './terraform.ts';

const LOG_ARN = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:/weft/weft/default`;
const terraform = await Terraform.read('examples/terraform', {
  'var.vpcs': [VPC],
  'join(",", var.vpcs)': VPC,
  'var.route_tables': ['rtb-0123456789abcdef0'],
  'var.network': 'default',
  'var.node_tag': 'weft:node',
  'var.hook': 'weft-drain',
  'var.table_name': 'weft',
  'var.container_network': '10.42.0.0/16',
  'var.alarm_topics': [],
  'coalescelist(var.groups, ["none"])': ['web'],
  'data.aws_partition.current.partition': 'aws',
  'data.aws_region.current.region': REGION,
  'data.aws_caller_identity.current.account_id': ACCOUNT,
  'aws_dynamodb_table.leases.name': 'weft',
  'aws_dynamodb_table.leases.arn': TABLE_ARN,
  'aws_dynamodb_table.leases.stream_arn': STREAM_ARN,
  'aws_cloudwatch_log_group.reconciler.arn': LOG_ARN,
});

const scope: PolicyScope = {
  partition: 'aws',
  region: REGION,
  account: ACCOUNT,
  tableArn: TABLE_ARN,
  networks: ['default'],
  vpcs: [VPC],
  routeTables: { by: 'id', ids: ['rtb-0123456789abcdef0'] },
};

/** Terraform writes every value of a condition as a list. */
const asLists = ({ Statement }: PolicyDocument): readonly Block[] =>
  Statement.map(({ Condition, ...rest }) => ({
    ...rest,
    ...(Condition === undefined
      ? {}
      : {
          Condition: Object.fromEntries(
            Object.entries(Condition).map(([test, keys]) => [
              test,
              Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, [value].flat()])),
            ]),
          ),
        }),
  }));

const policy = (name: string): readonly Block[] =>
  terraform.value(policyOf(terraform.block('data', 'aws_iam_policy_document', name))) as readonly Block[];

describe('the reconciler by Terraform', () => {
  const containerNetwork = '10.42.0.0/16';
  const resources: readonly Resource[] = resourcesOf((stack) => {
    const { table } = new LeaseTable(stack, 'Leases', { tableName: 'weft' });
    new RouteReconciler(stack, 'R', {
      store: { table },
      vpcs: [VPC],
      groups: ['web'],
      code: NO_CODE,
      containerNetwork,
    });
  });

  it('has the generated policies, for itself and for nodes', () => {
    const lifecycleGroups = [`arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/web`];
    const rights = { lifecycleGroups, streamArn: STREAM_ARN, logGroupArn: LOG_ARN };
    assert.deepEqual(policy('reconciler'), asLists(reconcilerPolicy(scope, rights)));
    assert.deepEqual(policy('node'), asLists(nodePolicy(scope, { writesRoutes: false, forwards: false })));
  });

  it('has the table of the CDK construct', () => {
    const table = terraform.block('resource', 'aws_dynamodb_table', 'leases');
    const cdk = only(resources, 'AWS::DynamoDB::Table').properties;
    const { attribute, hash_key, range_key } = table as Readonly<Record<string, readonly Block[]>>;
    assert.deepEqual(
      attribute?.map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
      cdk['AttributeDefinitions'],
    );
    assert.deepEqual(
      [
        { AttributeName: hash_key, KeyType: 'HASH' },
        { AttributeName: range_key, KeyType: 'RANGE' },
      ],
      cdk['KeySchema'],
    );
    assert.equal(table['billing_mode'], cdk['BillingMode']);
    assert.deepEqual([{ StreamViewType: table['stream_view_type'] }], [cdk['StreamSpecification']]);
    const [ttl] = table['ttl'] as readonly Block[];
    assert.deepEqual({ AttributeName: ttl?.['attribute_name'], Enabled: true }, cdk['TimeToLiveSpecification']);
    assert.equal(table['deletion_protection_enabled'], true);
  });

  it('has the function of the CDK construct, told the same', () => {
    const own = terraform.block('resource', 'aws_lambda_function', 'reconciler');
    const cdk = only(resources, 'AWS::Lambda::Function').properties;
    assert.deepEqual(
      [own['runtime'], own['architectures'], own['handler'], own['timeout'], own['memory_size']],
      [cdk['Runtime'], cdk['Architectures'], cdk['Handler'], cdk['Timeout'], cdk['MemorySize']],
    );
    assert.equal(own['reserved_concurrent_executions'], cdk['ReservedConcurrentExecutions']);
    const [environment] = terraform.value(own['environment']) as readonly Block[];
    const variables = environment?.['variables'] as Readonly<Record<string, string>>;
    const { Variables } = cdk['Environment'] as { readonly Variables: Readonly<Record<string, string>> };
    assert.deepEqual(Object.keys(variables).toSorted(), Object.keys(Variables).toSorted());
    const settings = readSettings({ ...variables, AWS_REGION: REGION });
    assert.deepEqual([settings.store, settings.networks], ['dynamodb://weft?network=default', [VPC]]);
    const { WEFT_NODE_TAG, WEFT_LIFECYCLE_HOOK } = Variables;
    assert.deepEqual([settings.nodeTag, settings.hook], [WEFT_NODE_TAG, WEFT_LIFECYCLE_HOOK]);
    assert.equal(settings.within, containerNetwork);
    // Not given: as if nothing were said.
    assert.equal(readSettings({ ...variables, WEFT_WITHIN: '', AWS_REGION: REGION }).within, undefined);
  });

  it('names the function by network and table: two tables may have a network of one id', () => {
    const { function_name } = terraform.block('resource', 'aws_lambda_function', 'reconciler');
    assert.equal(function_name, 'weft-${var.network}-${substr(sha256(var.table_name), 0, 8)}');
    // The longest id that the variable takes, and Lambda's own bound.
    assert.ok(`weft-${'x'.repeat(50)}-01234567`.length <= 64);
  });

  it('is woken by the same events, behind the same filter', () => {
    const patterns = Object.entries(eventPatterns(['web'], 'weft-drain')).map(([name, { detailType, ...pattern }]) => [
      name,
      { ...pattern, 'detail-type': detailType },
    ]);
    assert.deepEqual(terraform.local('patterns'), Object.fromEntries(patterns));
    assert.deepEqual(terraform.local('changes'), changesOf('default'));
    const own = terraform.block('resource', 'aws_lambda_event_source_mapping', 'changes');
    const cdk = only(resources, 'AWS::Lambda::EventSourceMapping').properties;
    assert.deepEqual(
      [
        own['batch_size'],
        own['maximum_batching_window_in_seconds'],
        own['maximum_retry_attempts'],
        own['maximum_record_age_in_seconds'],
        own['starting_position'],
        own['bisect_batch_on_function_error'],
      ],
      [
        cdk['BatchSize'],
        cdk['MaximumBatchingWindowInSeconds'],
        cdk['MaximumRetryAttempts'],
        cdk['MaximumRecordAgeInSeconds'],
        cdk['StartingPosition'],
        cdk['BisectBatchOnFunctionError'],
      ],
    );
    const schedule = terraform.block('resource', 'aws_cloudwatch_event_rule', 'schedule');
    assert.ok(
      all(resources, 'AWS::Events::Rule').some(
        ({ properties }) => properties['ScheduleExpression'] === schedule['schedule_expression'],
      ),
    );
  });

  it('has the alarms of the CDK construct', () => {
    const cdk = all(resources, 'AWS::CloudWatch::Alarm').map(({ id, properties }) => [
      id.replace(/^RAlarms(\w+)[0-9A-F]{8}$/, '$1'),
      {
        namespace: properties['Namespace'],
        metric: properties['MetricName'],
        statistic: properties['Statistic'],
        period: properties['Period'],
        periods: properties['EvaluationPeriods'],
        threshold: properties['Threshold'],
        comparison: properties['ComparisonOperator'],
        silence: properties['TreatMissingData'],
      },
    ]);
    assert.deepEqual(terraform.local('alarms'), Object.fromEntries(cdk));
  });
});
