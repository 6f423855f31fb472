import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CfnParameter, Duration, Fn, type Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { nodePolicy, reconcilerPolicy, type PolicyScope } from '../../infra/policies.ts';
import { RouteReconciler, type RouteReconcilerProps } from '../../infra/route-reconciler.ts';
import { changesOf } from '../../infra/stream-filter.ts';
import { vpcPlacementPolicy } from '../../infra/vpc-placement.ts';
import { readSettings } from '../../lambda/settings.ts';
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
  type Resource,
} from './template.ts';

const table = { tableName: 'weft', tableArn: TABLE_ARN, tableStreamArn: STREAM_ARN };
const usual: RouteReconcilerProps = { store: { table }, vpcs: [VPC], groups: ['web'], code: NO_CODE };

const made = (props: Partial<RouteReconcilerProps> = {}): readonly Resource[] =>
  resourcesOf((stack) => new RouteReconciler(stack, 'R', { ...usual, ...props }));

const scope: PolicyScope = {
  partition: 'aws',
  region: REGION,
  account: ACCOUNT,
  tableArn: TABLE_ARN,
  networks: ['default'],
  vpcs: [VPC],
  routeTables: { by: 'vpc' },
};

const policies = (resources: readonly Resource[]): Readonly<Record<string, unknown>> => {
  const { Policies } = only(resources, 'AWS::IAM::Role').properties;
  const list = Policies as readonly { readonly PolicyName: string; readonly PolicyDocument: unknown }[];
  return Object.fromEntries(list.map(({ PolicyName, PolicyDocument }) => [PolicyName, statementsOf(PolicyDocument)]));
};

describe('the reconciler of a stack', () => {
  const resources = made();
  const { properties } = only(resources, 'AWS::Lambda::Function');

  it('runs by itself: one at a time, on the newest Node.js, as long as Lambda allows', () => {
    const { Runtime, Architectures, ReservedConcurrentExecutions, Timeout, Handler } = properties;
    assert.deepEqual(
      { Runtime, Architectures, ReservedConcurrentExecutions, Timeout, Handler },
      {
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        ReservedConcurrentExecutions: 1,
        Timeout: 900,
        Handler: 'index.handler',
      },
    );
  });

  it('is told what the handler reads', () => {
    const { Variables } = properties['Environment'] as { readonly Variables: Readonly<Record<string, string>> };
    const settings = readSettings({ ...Variables, AWS_REGION: REGION });
    assert.equal(settings.store, 'dynamodb://weft?network=default');
    assert.deepEqual(settings.networks, [VPC]);
    assert.equal(settings.nodeTag, 'weft:node');
  });

  it('may do what its calls need, and nothing else', () => {
    const log = only(resources, 'AWS::Logs::LogGroup');
    const rights = {
      lifecycleGroups: [`arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/web`],
      streamArn: STREAM_ARN,
      logGroupArn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:<${log.id}>`,
    };
    const { Statement } = reconcilerPolicy(scope, rights);
    assert.deepEqual(policies(resources), { Reconciler: Statement });
    assert.equal(only(resources, 'AWS::IAM::Role').properties['ManagedPolicyArns'], undefined);
    assert.deepEqual(all(resources, 'AWS::IAM::Policy'), []);
    assert.deepEqual(all(resources, 'AWS::IAM::ManagedPolicy'), []);
  });

  it('is told in which range alone it keeps routes, where one is given', () => {
    const { Variables } = only(made({ containerNetwork: '10.42.0.0/16' }), 'AWS::Lambda::Function').properties[
      'Environment'
    ] as { readonly Variables: Readonly<Record<string, string>> };
    assert.equal(readSettings({ ...Variables, AWS_REGION: REGION }).within, '10.42.0.0/16');
  });

  it('refuses a range that is none before it is deployed, and takes one that is known then alone', () => {
    for (const containerNetwork of ['10.42.0.0', '10.42.0.0/33', 'fd00::/64', '', 'all'])
      assert.throws(
        () => made({ containerNetwork }),
        /"containerNetwork" is ".*": expected a range like 10.42.0.0\/16/,
      );
    const later = resourcesOf((stack) => {
      const { valueAsString: containerNetwork } = new CfnParameter(stack, 'Range');
      new RouteReconciler(stack, 'R', { ...usual, containerNetwork });
    });
    const { Variables } = only(later, 'AWS::Lambda::Function').properties['Environment'] as {
      readonly Variables: Readonly<Record<string, string>>;
    };
    assert.equal(Variables['WEFT_WITHIN'], '<Range>');
  });

  it('refuses a password in the URL of an etcd, which everybody would see who may see the template', () => {
    for (const etcd of ['etcd://weft:geheim@10.0.0.1:2379', 'etcd://10.0.0.1:2379?username=weft&password=geheim'])
      assert.throws(
        () => made({ store: { etcd } }),
        (error) => error instanceof Error && /holds a password/.test(error.message) && !/geheim/.test(error.message),
      );
    made({ store: { etcd: 'etcd://10.0.0.1:2379/a?username=weft&passwordfile=/opt/password' } });
  });

  it('refuses lists that nobody knows before the deployment: what they hold could not be named one by one', () => {
    const list = (stack: Stack, id: string): string[] =>
      new CfnParameter(stack, id, { type: 'CommaDelimitedList' }).valueAsList;
    for (const change of [
      (stack: Stack) => ({ vpcs: list(stack, 'Vpcs') }),
      (stack: Stack) => ({ routeTables: { by: 'id', ids: list(stack, 'Tables') } as const }),
      (stack: Stack) => ({ groups: list(stack, 'Groups') }),
    ])
      assert.throws(
        () => resourcesOf((stack) => new RouteReconciler(stack, 'R', { ...usual, ...change(stack) })),
        /a list that is known at the deployment alone/,
      );
    const one = resourcesOf((stack) => {
      const vpcs = [Fn.select(0, list(stack, 'Vpcs'))];
      new RouteReconciler(stack, 'R', { ...usual, vpcs });
    });
    assert.ok(only(one, 'AWS::Lambda::Function'));
  });

  it('writes into the route tables that were chosen, and no others', () => {
    const statement = (routeTables: NonNullable<RouteReconcilerProps['routeTables']>): unknown => {
      const [first] = Object.values(policies(made({ routeTables })));
      return (first as readonly { readonly Sid: string }[]).find(({ Sid }) => Sid === 'WriteRoutes');
    };
    for (const routeTables of [
      { by: 'id', ids: ['rtb-0123456789abcdef0', 'rtb-0123456789abcdef1'] },
      { by: 'tag', key: 'weft:managed', value: 'true' },
    ] as const) {
      const expected = reconcilerPolicy({ ...scope, routeTables }, { lifecycleGroups: [] });
      assert.deepEqual(
        statement(routeTables),
        expected.Statement.find(({ Sid }) => Sid === 'WriteRoutes'),
      );
    }
  });

  it('refuses a time limit in which no run could write anything', () => {
    assert.throws(() => made({ timeout: Duration.seconds(30) }), /"timeout" is 30 s: expected 2 to 15 minutes/);
    assert.equal(only(made({ timeout: Duration.minutes(2) }), 'AWS::Lambda::Function').properties['Timeout'], 120);
  });

  it('refuses tables by name when there are none, or more than IAM takes in a policy', () => {
    const ids = (count: number): string[] =>
      Array.from({ length: count }, (_, at) => `rtb-${String(at).padStart(17, '0')}`);
    assert.throws(() => made({ routeTables: { by: 'id', ids: [] } }), /"routeTables" names 0 tables: expected 1 to 50/);
    assert.throws(() => made({ routeTables: { by: 'id', ids: ids(51) } }), /names 51 tables.*give them a tag/);
    const tableKeyArn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef`;
    const most = { ...scope, tableKeyArn, routeTables: { by: 'id', ids: ids(50) } } as const;
    assert.ok(JSON.stringify(nodePolicy(most, { writesRoutes: true, forwards: true })).length <= 6144);
  });

  it('is woken by the clock, by instances that come and go, and by the groups that it holds up', () => {
    const rules = all(resources, 'AWS::Events::Rule').map((rule) => rule.properties);
    assert.deepEqual(
      rules.map(({ ScheduleExpression, EventPattern }) => ScheduleExpression ?? EventPattern),
      [
        'rate(1 minute)',
        {
          source: ['aws.ec2'],
          'detail-type': ['EC2 Instance State-change Notification'],
          detail: { state: ['running', 'stopping', 'stopped', 'shutting-down', 'terminated'] },
        },
        { source: ['aws.ec2'], 'detail-type': ['EC2 Spot Instance Interruption Warning'] },
        {
          source: ['aws.autoscaling'],
          'detail-type': ['EC2 Instance-terminate Lifecycle Action'],
          detail: { AutoScalingGroupName: ['web'], LifecycleHookName: ['weft-drain'] },
        },
      ],
    );
    const permissions = all(resources, 'AWS::Lambda::Permission').map((permission) => permission.properties);
    assert.deepEqual(
      permissions.map(({ SourceArn }) => String(SourceArn)).toSorted(),
      all(resources, 'AWS::Events::Rule')
        .map(({ id }) => `<${id}.Arn>`)
        .toSorted(),
    );
  });

  it('hears of more groups than one rule can name, each once, by rules that EventBridge takes', () => {
    const hook = 'h'.repeat(255);
    const groupsOf = (rules: readonly Resource[]): readonly (readonly string[])[] =>
      rules.flatMap(({ properties }) => {
        const pattern = properties['EventPattern'] as {
          readonly detail?: { readonly AutoScalingGroupName?: string[] };
        };
        assert.ok(JSON.stringify(pattern ?? {}).length <= 2048);
        return pattern?.detail?.AutoScalingGroupName === undefined ? [] : [pattern.detail.AutoScalingGroupName];
      });
    const groups = Array.from({ length: 20 }, (_, at) => `g${at}-`.padEnd(255, 'x'));
    const many = groupsOf(all(made({ groups, hook }), 'AWS::Events::Rule'));
    assert.ok(many.length > 1);
    assert.deepEqual(many.flat(), groups);
    const short = Array.from({ length: 50 }, (_, at) => `nodes-${at}`);
    assert.deepEqual(groupsOf(all(made({ groups: short }), 'AWS::Events::Rule')), [short]);
    // Of names that CloudFormation knows alone none can be longer than this.
    const unnamed = resourcesOf((stack) => {
      const names = Array.from({ length: 9 }, (_, at) => new CfnParameter(stack, `Group${at}`).valueAsString);
      new RouteReconciler(stack, 'R', { ...usual, groups: names });
    });
    assert.deepEqual(
      groupsOf(all(unnamed, 'AWS::Events::Rule')).map(({ length }) => length),
      [7, 2],
    );
  });

  it('hears of the hook that is named, and is told which it is', () => {
    const named = made({ hook: 'net/leave_1' });
    const text = JSON.stringify(all(named, 'AWS::Events::Rule').map(({ properties }) => properties['EventPattern']));
    assert.ok(text.includes('"LifecycleHookName":["net/leave_1"]'), text);
    const { Variables } = only(named, 'AWS::Lambda::Function').properties['Environment'] as {
      readonly Variables: Readonly<Record<string, string>>;
    };
    assert.equal(readSettings({ ...Variables, AWS_REGION: REGION }).hook, 'net/leave_1');
    assert.throws(() => made({ hook: 'drain them' }), /"hook" is "drain them": expected 1 to 255 letters/);
  });

  it('reads the stream in batches, behind its filter, and gives up on what it cannot read', () => {
    const { properties: mapping } = only(resources, 'AWS::Lambda::EventSourceMapping');
    const { FilterCriteria, FunctionName: _, ...rest } = mapping;
    assert.deepEqual(rest, {
      EventSourceArn: STREAM_ARN,
      StartingPosition: 'LATEST',
      BatchSize: 1000,
      MaximumBatchingWindowInSeconds: 5,
      MaximumRetryAttempts: 2,
      BisectBatchOnFunctionError: true,
      MaximumRecordAgeInSeconds: 900,
    });
    const { Filters } = FilterCriteria as { readonly Filters: readonly { readonly Pattern: string }[] };
    assert.deepEqual(
      Filters.map(({ Pattern }) => JSON.parse(Pattern) as unknown),
      [changesOf('default')],
    );
  });

  it('forgets events after an hour, and has its log for a month', () => {
    const { MaximumEventAgeInSeconds, MaximumRetryAttempts } = only(
      resources,
      'AWS::Lambda::EventInvokeConfig',
    ).properties;
    assert.deepEqual([MaximumEventAgeInSeconds, MaximumRetryAttempts], [3600, 2]);
    assert.equal(only(resources, 'AWS::Logs::LogGroup').properties['RetentionInDays'], 30);
  });

  it('does without a stream where the table has none, and without groups where there are none', () => {
    const bare = made({ store: { table: { tableName: 'weft', tableArn: TABLE_ARN } }, groups: [] });
    assert.deepEqual(all(bare, 'AWS::Lambda::EventSourceMapping'), []);
    assert.equal(all(bare, 'AWS::Events::Rule').length, 3);
    const sids = (Object.values(policies(bare))[0] as readonly { readonly Sid: string }[]).map(({ Sid }) => Sid);
    assert.deepEqual(sids, ['Leases', 'SeeTheNetwork', 'ForwardForContainers', 'WriteRoutes', 'ReadQuotas', 'Log']);
  });

  it('on etcd has no right to a table, and what Lambda needs to put it into the VPC', () => {
    const etcd = resourcesOf((stack) => {
      const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
        vpcId: VPC,
        availabilityZones: ['any'],
        privateSubnetIds: ['subnet-0123456789abcdef0'],
        privateSubnetRouteTableIds: ['rtb-0123456789abcdef0'],
      });
      const store = { etcd: 'etcd://10.0.0.1:2379/coreos.com/network' };
      new RouteReconciler(stack, 'R', { ...usual, store, placement: { vpc } });
    });
    const { Reconciler, Placement } = policies(etcd);
    const actions = (statements: unknown): string[] =>
      (statements as readonly { readonly Action: readonly string[] }[]).flatMap(({ Action }) => Action);
    assert.deepEqual(
      actions(Reconciler).filter((action) => action.startsWith('dynamodb:')),
      [],
    );
    assert.deepEqual(Placement, vpcPlacementPolicy({ partition: 'aws', region: REGION, account: ACCOUNT }).Statement);
    assert.equal(only(etcd, 'AWS::IAM::Role').properties['ManagedPolicyArns'], undefined);
    assert.ok('VpcConfig' in only(etcd, 'AWS::Lambda::Function').properties);
  });

  it('refuses a pause that CloudWatch or EventBridge could not have, and to be for no VPC', () => {
    for (const every of [Duration.seconds(30), Duration.minutes(61)])
      assert.throws(() => made({ every }), /"every".*whole minutes, 1 to 60/);
    assert.throws(() => made({ vpcs: [] }), /name at least one VPC/);
  });
});
