/** An Auto Scaling group whose instances start weftd at their first boot. */
import { Duration, Tags } from 'aws-cdk-lib';
import { AutoScalingGroup, DefaultResult, LifecycleTransition, type UpdatePolicy } from 'aws-cdk-lib/aws-autoscaling';
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  LaunchTemplate,
  UserData,
  type IMachineImage,
  type InstanceType,
  type ISecurityGroup,
  type IVpc,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Install } from '../src/core/user-data-install.ts';
import { hookName } from './lifecycle-hook.ts';
import { acknowledge } from './nag.ts';
import { NodePolicy } from './node-policy.ts';
import { nodeSecurityGroup } from './node-security-group.ts';
import { nodeUserData } from './node-user-data.ts';
import { DEFAULT_NODE_TAG, storeUrl, type Reach } from './reach.ts';

export interface WeftNodesProps extends Omit<Reach, 'vpcs'> {
  readonly vpc: IVpc;
  readonly subnets?: SubnetSelection;
  /** The Network of the network config: containers' packets come from its addresses. */
  readonly containerNetwork: string;
  readonly routeWriter: 'node' | 'reconciler';
  readonly image: IMachineImage;
  readonly instanceType: InstanceType;
  readonly least?: number;
  readonly most?: number;
  /** How weftd comes onto the image. Default: it is there. */
  readonly install?: Install;
  /** Further options of `weftd run`. */
  readonly options?: readonly string[];
  /** As RouteReconciler has it. Default: `weft:node`. */
  readonly nodeTag?: string;
  /** Of the root volume. */
  readonly volume?: { readonly device?: string; readonly gigabytes?: number };
  /** Besides the one for Weft. */
  readonly securityGroups?: readonly ISecurityGroup[];
  /**
   * How long an instance may be held up at its end: for the reconciler's next run, and for peers to leave its routes. Default: 5 minutes. It is held up for
   * all of it when RouteReconciler's `groups` do not name the group.
   */
  readonly drain?: Duration;
  /** Name of the lifecycle hook that does it: as RouteReconciler has it. Default: `weft-drain`. */
  readonly hook?: string;
  readonly updatePolicy?: UpdatePolicy;
}

export class WeftNodes extends Construct {
  readonly group: AutoScalingGroup;
  readonly role: Role;
  readonly securityGroup: ISecurityGroup;

  constructor(scope: Construct, id: string, props: WeftNodesProps) {
    super(scope, id);
    const vpcs = [props.vpc.vpcId];
    const reach: Reach = { ...props, vpcs };
    this.role = new Role(this, 'Role', {
      description: 'Weft: a node',
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
    });
    new NodePolicy(this, 'Rights', { ...reach, routeWriter: props.routeWriter, roles: [this.role] });
    this.securityGroup = nodeSecurityGroup(this, props.vpc, props.containerNetwork);
    const template = this.#template(props);
    this.group = new AutoScalingGroup(this, 'Group', {
      vpc: props.vpc,
      ...(props.subnets === undefined ? {} : { vpcSubnets: props.subnets }),
      launchTemplate: template,
      minCapacity: props.least ?? 1,
      maxCapacity: props.most ?? Math.max(1, props.least ?? 1),
      ...(props.updatePolicy === undefined ? {} : { updatePolicy: props.updatePolicy }),
    });
    this.group.addLifecycleHook('Drain', {
      lifecycleHookName: hookName(this, props.hook),
      lifecycleTransition: LifecycleTransition.INSTANCE_TERMINATING,
      heartbeatTimeout: props.drain ?? Duration.minutes(5),
      // Nobody answers: the instance goes anyway, and the reconciler takes its routes away by its state.
      defaultResult: DefaultResult.CONTINUE,
    });
    this.#tag(props.nodeTag ?? DEFAULT_NODE_TAG, template);
    acknowledge(this.group, {
      AS3: 'EventBridge has every event of the group, and the reconciler hears there of those that count; whoever wants mail adds a notification',
    });
  }

  /** Twice: the template's is there at an instance's first moment, and the group's stays when the template is another. */
  #tag(tag: string, template: LaunchTemplate): void {
    if (tag === 'none') return;
    const [key = '', ...rest] = tag.split('=');
    const value = rest.length === 0 ? 'true' : rest.join('=');
    Tags.of(this.group).add(key, value, { applyToLaunchedInstances: true });
    Tags.of(template).add(key, value);
  }

  #template(props: WeftNodesProps): LaunchTemplate {
    const { install, options, store } = props;
    const template = new LaunchTemplate(this, 'Template', {
      machineImage: props.image,
      instanceType: props.instanceType,
      role: this.role,
      securityGroup: this.securityGroup,
      requireImdsv2: true,
      // Of containers, which are a hop further away, none can take the node's role.
      httpPutResponseHopLimit: 1,
      detailedMonitoring: true,
      blockDevices: [
        {
          deviceName: props.volume?.device ?? '/dev/xvda',
          volume: BlockDeviceVolume.ebs(props.volume?.gigabytes ?? 20, {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
          }),
        },
      ],
      userData: UserData.custom(
        nodeUserData({
          store: storeUrl(store),
          ...(install === undefined ? {} : { install }),
          ...(options === undefined ? {} : { options }),
        }),
      ),
    });
    for (const further of props.securityGroups ?? []) template.connections.addSecurityGroup(further);
    return template;
  }
}
