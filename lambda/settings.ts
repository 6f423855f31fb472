/** What the function is told by its environment. All that is wrong is said at once. */
import { WeftError } from '../src/core/errors.ts';
import { DEFAULT_LIFECYCLE_HOOK, isLifecycleHook } from '../src/core/lifecycle-hook.ts';
import { probablyMeant } from '../src/core/nearest.ts';
import { shownUrl } from '../src/core/shown-url.ts';
import { trySubnet, type Subnet } from '../src/core/subnet.ts';
import { LOG_LEVELS, type LogLevel } from '../src/system/log-words.ts';
import { METRIC_NAMESPACE } from './metric-names.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LambdaSettings {
  readonly store: string;
  readonly networks: readonly string[];
  /** Where the Network of the config must lie. Undefined: wherever the config says. */
  readonly within: Subnet | undefined;
  readonly nodeTag: string | undefined;
  /** Name of the lifecycle hook whose actions are completed. */
  readonly hook: string;
  readonly logLevel: LogLevel;
  readonly rate: { readonly perSecond: number; readonly burst: number };
  readonly metricsNamespace: string;
  readonly etcdPassword: string | undefined;
  /** Of the function, and so of the VPCs. */
  readonly region: string;
  readonly functionName: string;
}

interface Variable {
  readonly fallback?: string;
  readonly help: string;
}

/** docs/reconciler.md holds this table; a test compares them. */
export const VARIABLES = {
  WEFT_STORE: { help: '`dynamodb://TABLE[?network=ID&region=R]` or `etcd://HOST:PORT`, as nodes have it' },
  WEFT_VPC: { help: 'ids of the VPCs whose route tables are kept, with commas between them' },
  WEFT_WITHIN: {
    help: 'range (`10.42.0.0/16`) in which the Network of the network config must lie; of another the function keeps no route',
  },
  WEFT_NODE_TAG: {
    fallback: 'weft:node',
    help: '`key` or `key=value` that an instance must carry for its lease to be believed; `none`: any instance may',
  },
  WEFT_LIFECYCLE_HOOK: {
    fallback: DEFAULT_LIFECYCLE_HOOK,
    help: "name of the lifecycle hook of Auto Scaling groups that is Weft's: another tool's are left alone",
  },
  WEFT_LOG_LEVEL: { fallback: 'info', help: LOG_LEVELS.map((level) => `\`${level}\``).join(', ') },
  WEFT_CALLS_PER_SECOND: {
    fallback: '4',
    help: "calls that change something in EC2, of all runs together; AWS lets an account make 5 of each kind: the rest is for others' tools",
  },
  WEFT_METRICS_NAMESPACE: { fallback: METRIC_NAMESPACE, help: 'namespace of the metrics in CloudWatch' },
  WEFT_ETCD_PASSWORD: { help: 'of the user that an `etcd://` URL names' },
} as const satisfies Readonly<Record<string, Variable>>;

type Name = keyof typeof VARIABLES;

const NAMES = Object.keys(VARIABLES) as readonly Name[];
const VPC_FORM = /^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/;
/** At most 128 and 256 characters: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html */
const TAG_FORM = /^[^=\s][^=]{0,127}(=.{0,256})?$/;
/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html, less the colon, with which AWS's own begin. */
const NAMESPACE_FORM = /^[A-Za-z0-9._/#-]{1,255}$/;
/** An account's bucket of a call that changes something holds ten seconds' worth (CLOUD.md 1.4). */
const BURST_SECONDS = 10;
const RATE = { least: 0.1, most: 100 };

/** @throws WeftError BAD_OPTION naming each variable that is missing or wrong. */
export function readSettings(environment: Environment): LambdaSettings {
  const problems: string[] = [];
  const given = (name: string): string | undefined => {
    const value = environment[name]?.trim();
    return value === '' ? undefined : value;
  };
  const value = (name: Name, form: (text: string) => boolean, expected: string): string => {
    const { fallback = '' }: Variable = VARIABLES[name];
    const text = given(name) ?? fallback;
    if (text === '') problems.push(`${name} is missing: expected ${expected}`);
    else if (!form(text)) problems.push(`${name} "${shownUrl(text)}": expected ${expected}`);
    return text;
  };
  for (const name of Object.keys(environment).filter((it) => it.startsWith('WEFT_'))) {
    if (NAMES.some((known) => known === name)) continue;
    const meant = probablyMeant(name, NAMES);
    problems.push(`${name} is not known${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  const store = value('WEFT_STORE', (text) => /^(dynamodb|etcd):\/\/./.test(text), 'dynamodb://TABLE or etcd://HOST');
  const networks = value('WEFT_VPC', isVpcList, 'ids of VPCs (vpc-...), each once, with commas between them');
  const range = given('WEFT_WITHIN');
  const within = range === undefined || range.includes(':') ? undefined : trySubnet(range);
  if (range !== undefined && within === undefined)
    problems.push(`WEFT_WITHIN "${range}": expected a range like 10.42.0.0/16`);
  const tag = value('WEFT_NODE_TAG', (text) => TAG_FORM.test(text), 'key, key=value or none');
  const hook = value(
    'WEFT_LIFECYCLE_HOOK',
    isLifecycleHook,
    '1 to 255 letters, digits, dashes, underscores or slashes',
  );
  const level = value('WEFT_LOG_LEVEL', (text) => levelOf(text) !== undefined, LOG_LEVELS.join(', '));
  const rate = value('WEFT_CALLS_PER_SECOND', isRate, `a number from ${RATE.least} to ${RATE.most}`);
  const metricsNamespace = value(
    'WEFT_METRICS_NAMESPACE',
    (text) => NAMESPACE_FORM.test(text),
    'letters, digits, . _ / # -',
  );
  const region = given('AWS_REGION') ?? '';
  if (region === '') problems.push('AWS_REGION is missing: Lambda sets it');
  const etcdPassword = given('WEFT_ETCD_PASSWORD');
  if (etcdPassword !== undefined && store.startsWith('dynamodb:'))
    problems.push('WEFT_ETCD_PASSWORD is given, and WEFT_STORE is no etcd');
  if (problems.length > 0) throw new WeftError('BAD_OPTION', problems.join('; '));
  const perSecond = Number(rate);
  return {
    store,
    networks: splitList(networks),
    within,
    nodeTag: tag === 'none' ? undefined : tag,
    hook,
    logLevel: levelOf(level) ?? 'info',
    rate: { perSecond, burst: Math.max(1, Math.floor(perSecond * BURST_SECONDS)) },
    metricsNamespace,
    etcdPassword,
    region,
    functionName: given('AWS_LAMBDA_FUNCTION_NAME') ?? 'lambda',
  };
}

const splitList = (text: string): readonly string[] => text.split(',').map((it) => it.trim());

function isVpcList(text: string): boolean {
  const ids = splitList(text);
  return ids.every((id) => VPC_FORM.test(id)) && new Set(ids).size === ids.length;
}

const levelOf = (text: string): LogLevel | undefined => LOG_LEVELS.find((level) => level === text);

const isRate = (text: string): boolean =>
  /^[0-9]+(\.[0-9]+)?$/.test(text) && Number(text) >= RATE.least && Number(text) <= RATE.most;
