import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { App, Stack } from 'aws-cdk-lib';
import { InstanceType, Subnet, Vpc } from 'aws-cdk-lib/aws-ec2';
import { LeaseTable } from '../../infra/lease-table.ts';
import { imageById } from '../../infra/node-image.ts';
import { NodePolicy, type NodePolicyProps } from '../../infra/node-policy.ts';
import { nodeUserData } from '../../infra/node-user-data.ts';
import { nodePolicy, type PolicyScope } from '../../infra/policies.ts';
import { WeftNodes, type WeftNodesProps } from '../../infra/weft-nodes.ts';
import { Terminal } from '../commands/typed.ts';
import { ACCOUNT, all, only, REGION, resourcesOf, statementsOf, TABLE_ARN, VPC, type Resource } from './template.ts';

const table = { tableName: 'weft', tableArn: TABLE_ARN };
const scope: PolicyScope = {
  partition: 'aws',
  region: REGION,
  account: ACCOUNT,
  tableArn: TABLE_ARN,
  networks: ['blue'],
  vpcs: [VPC],
  routeTables: { by: 'vpc' },
};

describe('the policy of nodes', () => {
  const rights = (props: Pick<NodePolicyProps, 'routeWriter' | 'forwards'>): unknown => {
    const store = { table, network: 'blue' };
    const made = resourcesOf((stack) => new NodePolicy(stack, 'Nodes', { store, vpcs: [VPC], ...props }));
    return statementsOf(only(made, 'AWS::IAM::ManagedPolicy').properties['PolicyDocument']);
  };

  it('is the generated one, by who writes the routes', () => {
    assert.deepEqual(
      rights({ routeWriter: 'node' }),
      nodePolicy(scope, { writesRoutes: true, forwards: true }).Statement,
    );
    assert.deepEqual(
      rights({ routeWriter: 'reconciler' }),
      nodePolicy(scope, { writesRoutes: false, forwards: false }).Statement,
    );
    assert.deepEqual(
      rights({ routeWriter: 'reconciler', forwards: true }),
      nodePolicy(scope, { writesRoutes: false, forwards: true }).Statement,
    );
  });
});

/** Three of them, in a stack that has their table too. */
const nodesWith =
  (props: Partial<WeftNodesProps> = {}) =>
  (stack: Stack): void => {
    const leases = new LeaseTable(stack, 'Leases');
    const subnet = { subnetId: 'subnet-0123456789abcdef0', routeTableId: 'unknown' };
    new WeftNodes(stack, 'Nodes', {
      store: { table: leases.table },
      vpc: Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: VPC, availabilityZones: ['any'] }),
      subnets: { subnets: [Subnet.fromSubnetAttributes(stack, 'S', subnet)] },
      containerNetwork: '10.42.0.0/16',
      routeWriter: 'reconciler',
      image: imageById('ami-0123456789abcdef0'),
      instanceType: new InstanceType('t4g.small'),
      least: 3,
      ...props,
    });
  };

describe('nodes of a stack', () => {
  const resources = resourcesOf(nodesWith());
  const table = `<${only(resources, 'AWS::DynamoDB::Table').id}>`;
  const { LaunchTemplateData: template } = only(resources, 'AWS::EC2::LaunchTemplate').properties as {
    readonly LaunchTemplateData: Readonly<Record<string, unknown>>;
  };

  it('start weftd by the script that weftd user-data prints', async () => {
    // A table of the stack has its name from CloudFormation: its reference must survive the script's quoting.
    const { out } = await new Terminal({}, 'development').type(
      'user-data --cloud aws --store dynamodb://THE-TABLE?network=default',
    );
    assert.equal(template['UserData'], out.replace('THE-TABLE', table));
  });

  it('answer for their metadata to tokens alone, one hop away, and write to encrypted volumes', () => {
    assert.deepEqual(template['MetadataOptions'], { HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
    const [device] = template['BlockDeviceMappings'] as readonly { readonly Ebs: { readonly Encrypted: boolean } }[];
    assert.equal(device?.Ebs.Encrypted, true);
  });

  it('carry the tag by which the reconciler believes them, from their first moment', () => {
    const tags = (template['TagSpecifications'] as readonly { readonly ResourceType: string; readonly Tags: unknown }[])
      .filter(({ ResourceType }) => ResourceType === 'instance')
      .flatMap(({ Tags }) => Tags as readonly { readonly Key: string; readonly Value: string }[]);
    assert.ok(tags.some(({ Key, Value }) => Key === 'weft:node' && Value === 'true'));
  });

  it('carry another tag when another is wanted, and none when none is', () => {
    const tagsOf = (nodeTag: string): unknown =>
      only(resourcesOf(nodesWith({ nodeTag })), 'AWS::AutoScaling::AutoScalingGroup').properties['Tags'];
    assert.deepEqual(tagsOf('role=weft=a'), [{ Key: 'role', Value: 'weft=a', PropagateAtLaunch: true }]);
    assert.equal(tagsOf('none'), undefined);
  });

  it('have the rights of a node, and no others', () => {
    const role = only(resources, 'AWS::IAM::Role');
    const { Roles } = only(resources, 'AWS::IAM::ManagedPolicy').properties;
    assert.deepEqual(Roles, [`<${role.id}>`]);
    assert.equal(role.properties['Policies'], undefined);
    assert.equal(role.properties['ManagedPolicyArns'], undefined);
  });

  it('are held up at their end, and go on by themselves when nobody answers', () => {
    const hookOf = (made: readonly Resource[]): unknown => {
      const { LifecycleHookName, LifecycleTransition, DefaultResult, HeartbeatTimeout } = only(
        made,
        'AWS::AutoScaling::LifecycleHook',
      ).properties;
      return [LifecycleHookName, LifecycleTransition, DefaultResult, HeartbeatTimeout];
    };
    assert.deepEqual(hookOf(resources), ['weft-drain', 'autoscaling:EC2_INSTANCE_TERMINATING', 'CONTINUE', 300]);
    const named = hookOf(resourcesOf(nodesWith({ hook: 'net/leave' })));
    assert.deepEqual(named, ['net/leave', 'autoscaling:EC2_INSTANCE_TERMINATING', 'CONTINUE', 300]);
    assert.throws(() => resourcesOf(nodesWith({ hook: '' })), /"hook" is ""/);
  });

  it('let in each other: tunnels and echo from nodes, everything from containers, nothing from elsewhere', () => {
    const group = only(resources, 'AWS::EC2::SecurityGroup');
    const rules = all(resources, 'AWS::EC2::SecurityGroupIngress').map(({ properties }) => {
      assert.equal(properties['SourceSecurityGroupId'], `<${group.id}.GroupId>`);
      return `${String(properties['IpProtocol'])} ${String(properties['FromPort'])}-${String(properties['ToPort'])}`;
    });
    assert.deepEqual(rules.toSorted(), ['icmp -1--1', 'udp 8285-8285', 'udp 8472-8472']);
    const ingress = group.properties['SecurityGroupIngress'] as readonly Readonly<Record<string, unknown>>[];
    assert.deepEqual(
      ingress.map(({ CidrIp, IpProtocol }) => [CidrIp, IpProtocol]),
      [['10.42.0.0/16', '-1']],
    );
  });
});

describe('user data of nodes', () => {
  it('with more than EC2 takes is refused', () => {
    assert.throws(
      () => nodeUserData({ store: 'dynamodb://weft', options: ['--log-level', 'x'.repeat(16_000)] }),
      /bytes, and EC2 takes 16384/,
    );
  });

  it('keeps several references of a store’s URL', () => {
    const stack = new Stack(new App(), 'Test');
    const script = nodeUserData({ store: `dynamodb://${stack.account}?network=${stack.region}` });
    assert.ok(script.includes(`--store dynamodb://${stack.account}?network=${stack.region} --cloud aws`));
  });
});
