/** The reconciler as a Lambda function that wakes every minute, when instances go, and when leases change. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Architecture, Code, Function as LambdaFunction, Runtime, type ILayerVersion } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from '../lambda/metric-names.ts';
import { trySubnet } from '../src/core/subnet.ts';
import { hookName } from './lifecycle-hook.ts';
import { DEFAULT_NODE_TAG, storeUrl, type Reach } from './reach.ts';
import { ReconcilerAlarms } from './reconciler-alarms.ts';
import { ReconcilerDashboard } from './reconciler-dashboard.ts';
import { reconcilerRole } from './reconciler-role.ts';
import { wakeByEvents, wakeByTable } from './wake.ts';

export interface RouteReconcilerProps extends Reach {
  /** Names of the Auto Scaling groups whose terminations it holds up until nobody sends to the instance any more. They need the lifecycle hook, as WeftNodes has it. */
  readonly groups?: readonly string[];
  /** Name of that hook. Actions of another name are another tool's, and are left alone. Default: `weft-drain`. */
  readonly hook?: string;
  /** `key` or `key=value` that an instance must carry for its lease to be believed; `none`: any instance may. Default: `weft:node`. */
  readonly nodeTag?: string;
  /** How often it looks when nothing happens: whole minutes. Default: every minute. */
  readonly every?: Duration;
  /** 2 to 15 minutes. Default: 15. What a run does not finish the next one does. */
  readonly timeout?: Duration;
  /**
   * The Network of the network config, or a range in which it lies: with another config nothing is written. Whoever may write leases may write the config: without
   * this a node that is broken into can have routes to addresses of its choice. Default: whatever the config says.
   */
  readonly containerNetwork?: string;
  /** Default: true. Not in an account that is allowed ten at once, as new ones are: Lambda wants ten left for all others. */
  readonly reserveConcurrency?: boolean;
  /** Default: 512. */
  readonly memoryMegabytes?: number;
  readonly logRetention?: RetentionDays;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  /** Calls that change something in the cloud, a second. Default: the handler's, which leaves other tools their share. */
  readonly callsPerSecond?: number;
  readonly metricsNamespace?: string;
  /** Default: the bundle that this package brings. */
  readonly code?: Code;
  /** Further variables of the function. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Files for it: an etcd's certificates below /opt. */
  readonly layers?: readonly ILayerVersion[];
  /** Where it runs when the store is an etcd in a VPC. Default: in none. It must reach EC2's, Auto Scaling's and Service Quotas' endpoints from there. */
  readonly placement?: {
    readonly vpc: IVpc;
    readonly subnets?: SubnetSelection;
    readonly securityGroups?: readonly ISecurityGroup[];
  };
  /** Where alarms go. Default: they show in CloudWatch and tell nobody. */
  readonly alarmActions?: readonly IAlarmAction[];
  /** Default: true. */
  readonly dashboard?: boolean;
}

export class RouteReconciler extends Construct {
  readonly function: LambdaFunction;
  readonly alarms: ReconcilerAlarms;

  constructor(scope: Construct, id: string, props: RouteReconcilerProps) {
    super(scope, id);
    const every = wholeMinutes(this, props.every ?? Duration.minutes(1));
    const groups = props.groups ?? [];
    const hook = hookName(this, props.hook);
    const logGroup = new LogGroup(this, 'Log', {
      retention: props.logRetention ?? RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.function = new LambdaFunction(this, 'Function', {
      description: 'Weft: keeps route tables true',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: props.code ?? Code.fromAsset(bundleFolder()),
      role: reconcilerRole(this, props, groups, logGroup),
      logGroup,
      // Two at once are safe, by the run lock; the second would only wait for the first.
      ...((props.reserveConcurrency ?? true) ? { reservedConcurrentExecutions: 1 } : {}),
      timeout: longEnough(this, props.timeout ?? Duration.minutes(15)),
      memorySize: props.memoryMegabytes ?? 512,
      environment: environment(props, hook, within(this, props.containerNetwork)),
      ...(props.layers === undefined ? {} : { layers: [...props.layers] }),
      ...placement(props.placement),
      // An event waits while a run goes on. After an hour it tells nothing that the schedule has not shown.
      maxEventAge: Duration.hours(1),
      retryAttempts: 2,
    });
    wakeByEvents(this, this.function, { every, groups, hook });
    if ('table' in props.store) wakeByTable(this, this.function, props.store);
    const namespace = props.metricsNamespace ?? METRIC_NAMESPACE;
    const seen = { function: this.function, namespace, every };
    this.alarms = new ReconcilerAlarms(this, 'Alarms', { ...seen, actions: props.alarmActions ?? [] });
    if (props.dashboard ?? true) new ReconcilerDashboard(this, 'Dashboard', { ...seen, alarms: this.alarms.all });
  }
}

/** What both a schedule and an alarm's period can be. */
function wholeMinutes({ node }: Construct, every: Duration): Duration {
  const seconds = every.toSeconds();
  if (seconds % 60 === 0 && seconds >= 60 && seconds <= 3600) return every;
  throw new Error(`${node.path}: "every" is ${seconds} s: expected whole minutes, 1 to 60`);
}

/** A run waits for the lock of one that died, and begins no call that its limit might cut: with half a minute it would never write anything. */
function longEnough({ node }: Construct, timeout: Duration): Duration {
  const seconds = timeout.toSeconds();
  if (seconds >= 120 && seconds <= 900) return timeout;
  throw new Error(`${node.path}: "timeout" is ${seconds} s: expected 2 to 15 minutes`);
}

/** The function would refuse it too, once it is deployed. */
function within({ node }: Construct, range: string | undefined): string | undefined {
  if (range === undefined || Token.isUnresolved(range)) return range;
  if (!range.includes(':') && trySubnet(range) !== undefined) return range;
  throw new Error(`${node.path}: "containerNetwork" is "${range}": expected a range like 10.42.0.0/16`);
}

function environment(props: RouteReconcilerProps, hook: string, range: string | undefined): Record<string, string> {
  const { logLevel, callsPerSecond, metricsNamespace } = props;
  return {
    WEFT_STORE: storeUrl(props.store),
    WEFT_VPC: props.vpcs.join(','),
    WEFT_NODE_TAG: props.nodeTag ?? DEFAULT_NODE_TAG,
    WEFT_LIFECYCLE_HOOK: hook,
    ...(logLevel === undefined ? {} : { WEFT_LOG_LEVEL: logLevel }),
    ...(callsPerSecond === undefined ? {} : { WEFT_CALLS_PER_SECOND: String(callsPerSecond) }),
    ...(metricsNamespace === undefined ? {} : { WEFT_METRICS_NAMESPACE: metricsNamespace }),
    ...(range === undefined ? {} : { WEFT_WITHIN: range }),
    ...props.environment,
  };
}

const placement = (
  place: RouteReconcilerProps['placement'],
): { vpc?: IVpc; vpcSubnets?: SubnetSelection; securityGroups?: ISecurityGroup[] } =>
  place === undefined
    ? {}
    : {
        vpc: place.vpc,
        ...(place.subnets === undefined ? {} : { vpcSubnets: place.subnets }),
        ...(place.securityGroups === undefined ? {} : { securityGroups: [...place.securityGroups] }),
      };

/** Beside this file in what is published: dist/infra/index.mjs and dist/lambda/. */
function bundleFolder(): string {
  const folder = fileURLToPath(new URL('../lambda', import.meta.url));
  if (existsSync(path.join(folder, 'index.mjs'))) return folder;
  throw new Error(`there is no Lambda bundle in ${folder}: run "npm run build", or give "code"`);
}
