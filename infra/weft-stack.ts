/** All of it together: the table, the reconciler, the nodes' policy and, when wanted, nodes. */
import {
  Aws,
  CfnCondition,
  CfnOutput,
  CfnParameter,
  Duration,
  Fn,
  Stack,
  Validations,
  type StackProps,
} from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { InstanceType, Subnet, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { LeaseTable, type AnyTable } from './lease-table.ts';
import { amazonLinux, imageById } from './node-image.ts';
import { NodePolicy } from './node-policy.ts';
import { DEFAULT_NETWORK, storeUrl, type Reach } from './reach.ts';
import { RouteReconciler } from './route-reconciler.ts';
import { NETWORK_FORM, type NodeSettings, type Settings } from './settings.ts';
import { WeftNodes } from './weft-nodes.ts';

export interface WeftStackProps extends StackProps {
  readonly settings: Settings;
  /** Of the reconciler, made in the stack. Default: the bundle of this package. */
  readonly code?: (stack: Stack) => Code;
}

export class WeftStack extends Stack {
  constructor(scope: Construct, id: string, { settings, code, ...props }: WeftStackProps) {
    super(scope, id, { description: 'Weft: container networking by the VPC route tables', ...props });
    const table = this.#table(settings);
    const network = settings.network ?? this.#networkId();
    const vpcs = settings.vpcs ?? [this.#vpc()];
    const reach: Reach = { store: { table, network }, vpcs, routeTables: settings.routeTables };
    const { nodeTag, hook } = settings;
    const named = { ...(nodeTag === undefined ? {} : { nodeTag }), ...(hook === undefined ? {} : { hook }) };
    const nodes =
      settings.nodes === undefined ? undefined : this.#nodes(settings.nodes, settings.routeWriter, reach, named);
    const reconciler = new RouteReconciler(this, 'Reconciler', {
      ...reach,
      ...named,
      groups: [...settings.groups, ...(nodes === undefined ? [] : [nodes.group.autoScalingGroupName])],
      every: Duration.minutes(settings.minutes),
      reserveConcurrency: settings.reserve,
      ...(settings.containerNetwork === undefined ? {} : { containerNetwork: settings.containerNetwork }),
      alarmActions: [this.#alarmAction(settings.alarmTopic)],
      ...(code === undefined ? {} : { code: code(this) }),
    });
    // For nodes that others make.
    const { policy } = new NodePolicy(this, 'NodePolicy', { ...reach, routeWriter: settings.routeWriter });
    this.#tell('Store', 'What nodes and weftd on a shell are given as --store', storeUrl(reach.store));
    this.#tell(
      'NodePolicyArn',
      'To attach to the role of nodes that this stack does not make',
      policy.managedPolicyArn,
    );
    this.#tell(
      'ReconcilerName',
      'The function; also the dimension "service" of its metrics',
      reconciler.function.functionName,
    );
  }

  #table({ table }: Settings): AnyTable {
    return table === undefined ? new LeaseTable(this, 'Leases').table : LeaseTable.fromStanding(this, 'Leases', table);
  }

  #nodes(
    { count, subnets, containerNetwork, instanceType, image, install }: NodeSettings,
    routeWriter: Settings['routeWriter'],
    { store, vpcs, routeTables }: Reach,
    named: { readonly nodeTag?: string; readonly hook?: string },
  ): WeftNodes {
    const [vpcId = '', ...others] = vpcs;
    if (others.length > 0) throw new Error('context "weft:nodes" with several VPCs: expected one in "weft:vpc"');
    const type = new InstanceType(instanceType);
    return new WeftNodes(this, 'Nodes', {
      store,
      ...(routeTables === undefined ? {} : { routeTables }),
      ...named,
      // Nothing is looked up: zones and tables of subnets are asked for by nobody.
      vpc: Vpc.fromVpcAttributes(this, 'Vpc', { vpcId, availabilityZones: ['any'] }),
      subnets: {
        subnets: subnets.map((subnetId) =>
          Subnet.fromSubnetAttributes(this, subnetId, { subnetId, routeTableId: 'unknown' }),
        ),
      },
      containerNetwork,
      routeWriter,
      image: image === undefined ? amazonLinux(type) : imageById(image),
      instanceType: type,
      least: count,
      most: count,
      ...(install === undefined ? {} : { install }),
    });
  }

  #vpc(): string {
    return new CfnParameter(this, 'VpcId', {
      type: 'AWS::EC2::VPC::Id',
      description: 'The VPC whose route tables are kept. Several: synthesise with -c weft:vpc=vpc-...,vpc-...',
    }).valueAsString;
  }

  #networkId(): string {
    return new CfnParameter(this, 'NetworkId', {
      default: DEFAULT_NETWORK,
      allowedPattern: NETWORK_FORM.source,
      description: 'Which network of the table: several may share it, each with a reconciler of its own',
    }).valueAsString;
  }

  #alarmAction(topic: string | undefined): IAlarmAction {
    if (topic !== undefined) return { bind: () => ({ alarmActionArn: topic }) };
    const parameter = new CfnParameter(this, 'AlarmTopicArn', {
      default: '',
      allowedPattern: '(arn:[^:]+:sns:.+)?',
      description: 'An SNS topic for alarms; empty: they show in CloudWatch alone',
    }).valueAsString;
    const given = new CfnCondition(this, 'AlarmsAreTold', {
      expression: Fn.conditionNot(Fn.conditionEquals(parameter, '')),
    });
    const alarmActionArn = Fn.conditionIf(given.logicalId, parameter, Aws.NO_VALUE).toString();
    Validations.of(this).acknowledge({
      id: 'CloudFormation-Validate::W1030',
      reason: 'AlarmTopicArn is empty by default; the condition AlarmsAreTold leaves it out of the alarms then',
    });
    return { bind: () => ({ alarmActionArn }) };
  }

  #tell(id: string, description: string, value: string): void {
    new CfnOutput(this, id, { description, value });
  }
}
