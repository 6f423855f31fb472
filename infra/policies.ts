/**
 * What each role may do, as IAM policy documents: made from the providers' lists of calls, so that nothing is granted by hand. Pure, without CDK:
 * the constructs, the examples and the emulated AWS of the tests take the same documents. What is given may be CDK tokens: it is put together, never read.
 *
 * Which keys and resources an action knows: the Service Authorization Reference
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html and its neighbours).
 */
import {
  INVENTORY_READS,
  LIFECYCLE_WRITES,
  NODE_FORWARDS,
  NODE_READS,
  QUOTA_READS,
  ROUTE_WRITES,
} from '../providers/aws/calls.ts';
import {
  CONFIG_CALLS,
  RECONCILER_STORE_CALLS,
  STORE_CALLS,
  STREAM_CALLS,
  STREAM_LISTS,
  TABLE_CALLS,
} from '../providers/dynamodb/calls.ts';
import { NETWORK_PARTITIONS } from '../providers/dynamodb/table.ts';
import {
  allow,
  type CallRights,
  type Conditions,
  type PolicyDocument,
  type PolicyStatement,
} from './policy-document.ts';

/** Where it applies: everything of another partition, region, account, table or network is out of reach. */
export interface PolicyScope {
  /** `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly tableArn: string;
  /** Of the key that encrypts the table, where it is the customer's own: DynamoDB uses it in the name of whoever asks. */
  readonly tableKeyArn?: string;
  /** Ids of the networks in that table: `default` unless the store's URL says `?network=ID`. At least one. */
  readonly networks: readonly string[];
  /** VPC ids; at least one. */
  readonly vpcs: readonly string[];
  /** Which route tables of those VPCs. */
  readonly routeTables: RouteTableChoice;
}

type StoreScope = Pick<PolicyScope, 'tableArn' | 'networks'>;
type KeyScope = Pick<PolicyScope, 'tableKeyArn' | 'region'>;

export type RouteTableChoice =
  | { readonly by: 'vpc' }
  | { readonly by: 'id'; readonly ids: readonly string[] }
  /** Whoever may tag route tables decides then. The key becomes part of a condition's name, so it must be plain text. */
  | { readonly by: 'tag'; readonly key: string; readonly value: string };

export interface NodeRights {
  /** True with `RouteWriter: node`. With `reconciler` a node that is broken into cannot steer anybody's packets. */
  readonly writesRoutes: boolean;
  /** May it switch off the source/destination check? Of any interface in its VPCs: IAM cannot name "its own". Else the reconciler does it. */
  readonly forwards: boolean;
}

export interface ReconcilerRights {
  /**
   * ARNs of Auto Scaling groups whose lifecycle actions it completes; may hold `*`. The call knows no condition on the hook
   * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2autoscaling.html): that it completes those of its own hook alone is the
   * function's word.
   */
  readonly lifecycleGroups: readonly string[];
  /** Of the table, when it wakes the function. */
  readonly streamArn?: string;
  /** ARN of its log group, without `:*` behind it. Undefined: it is no Lambda function, or its log is another's matter. */
  readonly logGroupArn?: string;
}

/** A node's role. */
export function nodePolicy(scope: PolicyScope, { writesRoutes, forwards }: NodeRights): PolicyDocument {
  return document(
    rows(scope, 'Leases', STORE_CALLS),
    usesTheKey(scope),
    seesTheNetwork(scope),
    forwards && forwardsForContainers(scope),
    writesRoutes && writesRouteTables(scope),
  );
}

/** The reconciler's role, as a Lambda function or as `weftd reconcile`. */
export function reconcilerPolicy(scope: PolicyScope, rights: ReconcilerRights): PolicyDocument {
  const { lifecycleGroups, streamArn, logGroupArn } = rights;
  return document(
    rows(scope, 'Leases', RECONCILER_STORE_CALLS),
    usesTheKey(scope),
    seesTheNetwork(scope),
    forwardsForContainers(scope),
    writesRouteTables(scope),
    // Resource types of this read differ between versions of the reference; it tells numbers alone.
    inRegion(scope, allow('ReadQuotas', QUOTA_READS, ['*'])),
    lifecycleGroups.length > 0 && allow('LetMachinesGo', LIFECYCLE_WRITES, lifecycleGroups),
    streamArn !== undefined && allow('ReadTheStream', STREAM_CALLS, [streamArn]),
    streamArn !== undefined && allow('FindTheStream', STREAM_LISTS, [`${scope.tableArn}/stream/*`]),
    logGroupArn !== undefined && allow('Log', LOG_CALLS, [`${logGroupArn}:*`]),
  );
}

/** Whoever runs `weftd config set --create-table`: makes the table and writes the config into it. */
export function tableMakerPolicy(scope: StoreScope): PolicyDocument {
  return document(allow('MakeTheTable', TABLE_CALLS, [scope.tableArn]), rows(scope, 'WriteTheConfig', CONFIG_CALLS));
}

/** Not ours: the Lambda service writes what the function prints. */
const LOG_CALLS = {
  CreateLogStream: ['logs:CreateLogStream'],
  PutLogEvents: ['logs:PutLogEvents'],
} as const;

const document = (...statements: readonly (PolicyStatement | false)[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.filter((statement) => statement !== false),
});

/**
 * The rows of these networks alone. `ForAllValues` holds as well where the request names no row: each of these actions names its rows
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
 */
function rows({ tableArn, networks }: StoreScope, sid: string, calls: CallRights): PolicyStatement {
  const keys = networks.map((network) => `${NETWORK_PARTITIONS}${network}`);
  return allow(sid, calls, [tableArn], { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': keys } });
}

/**
 * Not ours: DynamoDB makes these calls in the name of whoever calls it, Lambda for the stream too, and by this nobody may make them himself
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html#dynamodb-kms-authz). They are those that CDK's `grantReadWriteData`
 * gives, without its wildcards. The service's name has another ending in China.
 */
const KEY_CALLS = {
  Decrypt: ['kms:Decrypt'],
  DescribeKey: ['kms:DescribeKey'],
  Encrypt: ['kms:Encrypt'],
  GenerateDataKey: ['kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext'],
  ReEncrypt: ['kms:ReEncryptFrom', 'kms:ReEncryptTo'],
} as const;

const usesTheKey = ({ tableKeyArn, region }: KeyScope): PolicyStatement | false =>
  tableKeyArn !== undefined &&
  allow('UseTheKey', KEY_CALLS, [tableKeyArn], { StringLike: { 'kms:ViaService': `dynamodb.${region}.*` } });

/** Describe calls know no resources, and no condition of their own that narrows what they show: all of the region is seen. */
function seesTheNetwork(scope: PolicyScope): PolicyStatement {
  return inRegion(scope, allow('SeeTheNetwork', { ...NODE_READS, ...INVENTORY_READS }, ['*']));
}

/**
 * One attribute, to one value, in these VPCs. `ec2:Attribute/NAME` holds the value that is to be set, of attributes that are objects with nothing but a
 * `Value` (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-policies-for-amazon-ec2.html#attribute-key), which SourceDestCheck is: AttributeBooleanValue,
 * `true` or `false` in the request. Confirmed on the real EC2 by others (with DryRun): a condition on this key lets SourceDestCheck through and refuses
 * another attribute. `ec2:Attribute` without a name is the parameter `Attribute`, which this call does not have.
 */
function forwardsForContainers(scope: PolicyScope): PolicyStatement {
  return allow('ForwardForContainers', NODE_FORWARDS, [ec2Arn(scope, 'network-interface/*')], {
    ...inVpcs(scope),
    StringEquals: { 'ec2:Attribute/SourceDestCheck': 'false' },
  });
}

/** No key says which destination or target: who may write into a table may steer all that it carries. */
function writesRouteTables(scope: PolicyScope): PolicyStatement {
  const { routeTables } = scope;
  const tables = routeTables.by === 'id' ? routeTables.ids : ['*'];
  return allow(
    'WriteRoutes',
    ROUTE_WRITES,
    tables.map((table) => ec2Arn(scope, `route-table/${table}`)),
    {
      ...inVpcs(scope),
      ...(routeTables.by === 'tag'
        ? { StringEquals: { [`aws:ResourceTag/${routeTables.key}`]: routeTables.value } }
        : {}),
    },
  );
}

const ec2Arn = ({ partition, region, account }: PolicyScope, resource: string): string =>
  `arn:${partition}:ec2:${region}:${account}:${resource}`;

/** The value of `ec2:Vpc` is an ARN. */
const inVpcs = (scope: PolicyScope): Conditions => ({
  ArnEquals: { 'ec2:Vpc': scope.vpcs.map((vpc) => ec2Arn(scope, `vpc/${vpc}`)) },
});

const inRegion = ({ region }: PolicyScope, statement: PolicyStatement): PolicyStatement => ({
  ...statement,
  Condition: { ...statement.Condition, StringEquals: { 'aws:RequestedRegion': region } },
});
