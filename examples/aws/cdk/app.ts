/** A VPC of its own, three nodes in it, and the reconciler that keeps its private route tables. */
import { App, Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { InstanceType, MachineImage, AmazonLinuxCpuType, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { LeaseTable, RouteReconciler, WeftNodes } from 'weftd/infra';

const stack = new Stack(new App(), 'WeftInMyVpc');

const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2 });
const { table } = new LeaseTable(stack, 'Leases');
const reach = {
  store: { table },
  // These tables alone may be written: one for each private subnet.
  routeTables: { by: 'id', ids: vpc.privateSubnets.map(({ routeTable }) => routeTable.routeTableId) },
} as const;

/** The Network of network.json; it must lie outside the VPC's own range. */
const containerNetwork = '10.42.0.0/16';

const nodes = new WeftNodes(stack, 'Nodes', {
  ...reach,
  vpc,
  subnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
  containerNetwork,
  routeWriter: 'reconciler',
  image: MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 }),
  instanceType: new InstanceType('t4g.small'),
  install: { from: 'npm', version: '0.1.0' },
  least: 3,
});

new RouteReconciler(stack, 'Reconciler', {
  ...reach,
  vpcs: [vpc.vpcId],
  // With another Network in the config no route is written: a node that is broken into could write one there.
  containerNetwork,
  groups: [nodes.group.autoScalingGroupName],
  alarmActions: [new SnsAction(new Topic(stack, 'Alarms'))],
});
