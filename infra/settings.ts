/**
 * What the app is told by CDK context: `-c weft:vpc=vpc-...`, or members of "context" in cdk.json. What is not told and can wait until the deployment
 * becomes a parameter of CloudFormation.
 */
import type { Install } from '../src/core/user-data-install.ts';
import { probablyMeant } from '../src/core/nearest.ts';
import { trySubnet } from '../src/core/subnet.ts';
import type { StandingTable } from './lease-table.ts';
import type { RouteTableChoice } from './policies.ts';

export interface NodeSettings {
  readonly count: number;
  readonly subnets: readonly string[];
  readonly containerNetwork: string;
  readonly instanceType: string;
  /** An AMI. Undefined: the newest Amazon Linux 2023 for the type's processor. */
  readonly image: string | undefined;
  readonly install: Install | undefined;
}

export interface Settings {
  readonly stack: string;
  readonly vpcs: readonly string[] | undefined;
  readonly routeTables: RouteTableChoice;
  readonly table: StandingTable | undefined;
  readonly network: string | undefined;
  readonly routeWriter: 'node' | 'reconciler';
  readonly minutes: number;
  readonly alarmTopic: string | undefined;
  readonly nodeTag: string | undefined;
  readonly groups: readonly string[];
  /** Of those groups. */
  readonly hook: string | undefined;
  /** A concurrency of 1 for the function, which a new account may not be able to reserve. */
  readonly reserve: boolean;
  /** What nodes let in, and in which alone there are routes. */
  readonly containerNetwork: string | undefined;
  readonly nodes: NodeSettings | undefined;
}

const PREFIX = 'weft:';
/** Documented in docs/operating.md; a test holds the two together. */
export const SETTING_NAMES = [
  'stack',
  'vpc',
  'routeTables',
  'routeTableTag',
  'table',
  'tableStream',
  'tableKey',
  'network',
  'routeWriter',
  'minutes',
  'alarmTopic',
  'nodeTag',
  'groups',
  'hook',
  'reserve',
  'nodes',
  'nodeSubnets',
  'nodeType',
  'nodeImage',
  'nodeInstall',
  'containerNetwork',
] as const;

type Name = (typeof SETTING_NAMES)[number];
type Given = ReadonlyMap<Name, readonly string[]>;

/** `version`: of the weftd that nodes install by npm. @throws Error that names the setting. */
export function readSettings(context: Readonly<Record<string, unknown>>, version: string): Settings {
  const given = readContext(context);
  const one = (name: Name, form: RegExp, expected: string): string | undefined => single(given, name, form, expected);
  return {
    stack: one('stack', /^[A-Za-z][A-Za-z0-9-]{0,127}$/, 'a name for the stack') ?? 'Weft',
    vpcs: list(given, 'vpc', /^vpc-([0-9a-f]{8}|[0-9a-f]{17})$/, 'VPC ids'),
    routeTables: routeTables(given),
    table: table(given),
    network: one('network', NETWORK_FORM, 'a network id as in the store URL'),
    routeWriter: one('routeWriter', /^(node|reconciler)$/, '"node" or "reconciler"') === 'node' ? 'node' : 'reconciler',
    minutes: Number(one('minutes', /^([1-9]|[1-5][0-9]|60)$/, '1 to 60') ?? '1'),
    alarmTopic: one('alarmTopic', /^arn:[^:]+:sns:[^:]+:[0-9]{12}:[^:]+$/, 'the ARN of an SNS topic'),
    nodeTag: one('nodeTag', /^[^=]{1,128}(=.{0,256})?$/, '"key", "key=value" or "none"'),
    groups: list(given, 'groups', /^[^/:*]{1,255}$/, 'names of Auto Scaling groups') ?? [],
    hook: one('hook', /^[A-Za-z0-9\-_/]{1,255}$/, 'the name of a lifecycle hook'),
    reserve: one('reserve', /^(true|false)$/, '"true" or "false"') !== 'false',
    containerNetwork: containerNetwork(given),
    nodes: nodes(given, version),
  };
}

/** As providers/dynamodb/url.ts has it. */
export const NETWORK_FORM = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

function readContext(context: Readonly<Record<string, unknown>>): Given {
  const given = new Map<Name, readonly string[]>();
  for (const [key, value] of Object.entries(context)) {
    if (!key.startsWith(PREFIX)) continue;
    const name = SETTING_NAMES.find((known) => PREFIX + known === key);
    if (name === undefined) {
      const meant = probablyMeant(key.slice(PREFIX.length), [...SETTING_NAMES]);
      throw new Error(
        `context "${key}" is no setting${meant === undefined ? '' : `; did you mean "${PREFIX}${meant}"?`}`,
      );
    }
    const texts = [value].flat().flatMap((item) => String(item).split(','));
    const words = texts.map((text) => text.trim()).filter((text) => text !== '');
    if (words.length > 0) given.set(name, words);
  }
  return given;
}

function list(given: Given, name: Name, form: RegExp, expected: string): readonly string[] | undefined {
  const words = given.get(name);
  const bad = words?.find((word) => !form.test(word));
  if (bad !== undefined) throw new Error(`context "${PREFIX}${name}": "${bad}": expected ${expected}`);
  return words;
}

function single(given: Given, name: Name, form: RegExp, expected: string): string | undefined {
  const words = list(given, name, form, expected);
  if (words !== undefined && words.length > 1) throw new Error(`context "${PREFIX}${name}": expected one: ${expected}`);
  return words?.[0];
}

function routeTables(given: Given): RouteTableChoice {
  const ids = list(given, 'routeTables', /^rtb-[0-9a-f]{8,17}$/, 'route table ids');
  const tag = single(given, 'routeTableTag', /^[^=]{1,128}=.{0,256}$/, '"key=value"');
  if (ids !== undefined && tag !== undefined)
    throw new Error(`context "${PREFIX}routeTables" and "${PREFIX}routeTableTag": expected one of them`);
  if (ids !== undefined) return { by: 'id', ids };
  if (tag === undefined) return { by: 'vpc' };
  const at = tag.indexOf('=');
  return { by: 'tag', key: tag.slice(0, at), value: tag.slice(at + 1) };
}

function table(given: Given): StandingTable | undefined {
  const form = /^arn:[^:]+:dynamodb:[^:]+:[0-9]{12}:table\/[A-Za-z0-9_.-]{3,255}$/;
  const tableArn = single(given, 'table', form, 'the ARN of a DynamoDB table');
  const stream = new RegExp(`${form.source.slice(0, -1)}/stream/[^/]+$`);
  const streamArn = single(given, 'tableStream', stream, "the ARN of the table's stream");
  if (tableArn !== undefined && streamArn !== undefined && !streamArn.startsWith(`${tableArn}/`))
    throw new Error(`context "${PREFIX}tableStream" is the stream of another table than "${PREFIX}table"`);
  const keyForm = /^arn:[^:]+:kms:[^:]+:[0-9]{12}:key\/[A-Za-z0-9-]+$/;
  const keyArn = single(given, 'tableKey', keyForm, 'the ARN of the key that encrypts the table');
  if (tableArn !== undefined)
    return {
      tableArn,
      ...(streamArn === undefined ? {} : { streamArn }),
      ...(keyArn === undefined ? {} : { keyArn }),
    };
  for (const [name, value] of [
    ['tableStream', streamArn],
    ['tableKey', keyArn],
  ])
    if (value !== undefined) throw new Error(`context "${PREFIX}${name}" without "${PREFIX}table"`);
  return undefined;
}

function containerNetwork(given: Given): string | undefined {
  const expected = 'the Network of the network config';
  const range = single(given, 'containerNetwork', /^[0-9.]+\/[0-9]{1,2}$/, expected);
  if (range !== undefined && trySubnet(range) === undefined)
    throw new Error(`context "${PREFIX}containerNetwork": "${range}": expected ${expected}`);
  return range;
}

function nodes(given: Given, version: string): NodeSettings | undefined {
  const count = Number(single(given, 'nodes', /^[0-9]{1,4}$/, 'how many nodes') ?? '0');
  if (count === 0) return undefined;
  const must = <T>(name: Name, value: T | undefined): T => {
    if (value === undefined) throw new Error(`context "${PREFIX}nodes" needs "${PREFIX}${name}"`);
    return value;
  };
  const url = /^https:\/\/\S+$|^npm$|^image$/;
  const install = single(given, 'nodeInstall', url, '"npm", "image" or a https URL') ?? 'npm';
  return {
    count,
    subnets: must('nodeSubnets', list(given, 'nodeSubnets', /^subnet-[0-9a-f]{8,17}$/, 'subnet ids')),
    containerNetwork: must('containerNetwork', containerNetwork(given)),
    instanceType: single(given, 'nodeType', /^[a-z0-9-]+\.[a-z0-9-]+$/, 'an instance type') ?? 't4g.small',
    image: single(given, 'nodeImage', /^ami-[0-9a-f]{8,17}$/, 'an AMI id'),
    install: installed(install, version),
  };
}

function installed(from: string, version: string): Install | undefined {
  if (from === 'image') return undefined;
  return from === 'npm' ? { from, version } : { from: 'url', url: from, sha256: undefined };
}
