/** The member `Backend` of the network config: flannel's types, and the keys that each of them has. */
import type { ConfigProblem } from './config-problem.ts';
import type { ExtensionCommands } from './extension.ts';
import { foldedFields, fieldReader, type FieldReader } from './json-fields.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { describeNode, type JsonNode, type JsonObjectNode } from './json-text.ts';
import { probablyMeant } from './nearest.ts';
import type { PathName } from './path.ts';

/** flannel's types that Weft carries, and `auto`, which is ours: the value holds the type's own keys besides Type and MTU. */
export const BACKEND_KEYS = {
  auto: [],
  udp: ['Port'],
  alloc: [],
  'host-gw': [],
  vxlan: ['VNI', 'Port', 'GBP', 'Learning', 'DirectRouting', 'Name', 'MacPrefix'],
  extension: ['PreStartupCommand', 'PostStartupCommand', 'ShutdownCommand', 'SubnetAddCommand', 'SubnetRemoveCommand'],
  'aws-vpc': ['RouteTableID'],
  gce: [],
} as const satisfies Record<string, readonly string[]>;

type BackendType = keyof typeof BACKEND_KEYS;

const isBackendType = (text: string): text is BackendType => Object.hasOwn(BACKEND_KEYS, text);

/** Types of flannel that Weft does not carry, and what to take instead. */
const NOT_CARRIED: ReadonlyMap<string, string> = new Map([
  ['ipip', 'Use "vxlan" (20 bytes more a packet), or "host-gw" where all hosts share a layer-2 segment'],
  ['ipsec', 'Weft does not encrypt yet. Where the underlay is trusted use "vxlan"; else stay with flanneld'],
  ['wireguard', 'Weft does not encrypt yet. Where the underlay is trusted use "vxlan"; else stay with flanneld'],
  ['tencent-vpc', 'Use "vxlan": Weft writes the routes of AWS and Google Cloud alone'],
  ['ali-vpc', 'Use "vxlan": Weft writes the routes of AWS and Google Cloud alone'],
]);

export interface BackendConfig {
  readonly type: string;
  readonly given: boolean;
  /** As written. */
  readonly object: JsonObject;
  readonly mtuBytes: number | undefined;
  readonly vni: number | undefined;
  /** Of vxlan or udp, whichever the type is. */
  readonly port: number | undefined;
  readonly gbp: boolean;
  readonly learning: boolean;
  readonly directRouting: boolean;
  readonly routeTableIds: readonly string[];
  /** Undefined for every type but extension. */
  readonly extension: ExtensionCommands | undefined;
}

/** Default paths by type (docs/configuration.md). `Weft.Paths` stands above them. */
export function defaultPaths(backend: {
  readonly type: string;
  readonly given: boolean;
  readonly directRouting: boolean;
}): readonly PathName[] {
  if (!backend.given) return ['direct', 'fabric', 'vxlan', 'udp'];
  switch (backend.type) {
    case 'auto':
      return ['direct', 'fabric', 'vxlan', 'udp'];
    case 'aws-vpc':
    case 'gce':
      return ['fabric', 'vxlan', 'udp'];
    case 'vxlan':
      return backend.directRouting ? ['direct', 'vxlan'] : ['vxlan'];
    case 'host-gw':
      return ['direct'];
    case 'udp':
      return ['udp'];
    default:
      return [];
  }
}

const ABSENT: BackendConfig = {
  type: 'udp',
  given: false,
  object: {},
  mtuBytes: undefined,
  vni: undefined,
  port: undefined,
  gbp: false,
  learning: false,
  directRouting: false,
  routeTableIds: [],
  extension: undefined,
};

/** A backend of a type that is wrong is read as far as it goes, so that all its problems are found at once. */
export function readBackend(node: JsonNode | undefined, problems: ConfigProblem[]): BackendConfig {
  if (node === undefined) return ABSENT;
  if (node.kind !== 'object' && node.kind !== 'null') {
    problems.push({
      code: 'CONFIG_INVALID',
      key: 'Backend',
      message: `error decoding Backend property of config: expected an object, found ${describeNode(node)}`,
      fix: 'Write "Backend" as an object with a "Type", like {"Type": "vxlan"}',
    });
    return ABSENT;
  }
  const object: JsonObjectNode = node.kind === 'object' ? node : { kind: 'object', raw: '{}', members: [] };
  const written: unknown = JSON.parse(object.raw);
  const typeFields = foldedFields(object, ['Type']);
  const broken = problems.length;
  const type = (
    fieldReader(typeFields, 'Backend', 'error decoding Backend property of config: ', problems).text('Type') ?? ''
  ).toLowerCase();
  const base: BackendConfig = { ...ABSENT, type, given: true, object: isJsonObject(written) ? written : {} };
  if (problems.length > broken) return base;
  if (!isBackendType(type)) {
    problems.push(unknownType(type));
    return base;
  }
  const fields = foldedFields(object, [...BACKEND_KEYS[type], 'MTU']);
  const name = type === 'vxlan' ? 'VXLAN' : type === 'udp' ? 'UDP' : type;
  const reader = fieldReader(fields, 'Backend', `error decoding ${name} backend config: `, problems);
  const common = { ...base, mtuBytes: readMtu(reader, problems) };
  switch (type) {
    case 'vxlan':
      return {
        ...common,
        vni: inRange(reader, 'VNI', 1, 0xff_ffff, problems),
        // Port 0 is flannel's way to say "the usual one".
        port: inRange(reader, 'Port', 0, 65_535, problems) || undefined,
        gbp: reader.boolean('GBP') ?? false,
        learning: reader.boolean('Learning') ?? false,
        directRouting: reader.boolean('DirectRouting') ?? false,
      };
    case 'udp':
      return { ...common, port: inRange(reader, 'Port', 1, 65_535, problems) };
    case 'aws-vpc':
      return { ...common, routeTableIds: readRouteTables(fields.get('RouteTableID'), problems) };
    case 'extension':
      return { ...common, extension: readCommands(reader) };
    default:
      return common;
  }
}

const readCommands = (reader: FieldReader): ExtensionCommands => ({
  preStartup: reader.text('PreStartupCommand') ?? '',
  postStartup: reader.text('PostStartupCommand') ?? '',
  subnetAdd: reader.text('SubnetAddCommand') ?? '',
  subnetRemove: reader.text('SubnetRemoveCommand') ?? '',
  shutdown: reader.text('ShutdownCommand') ?? '',
});

function unknownType(type: string): ConfigProblem {
  const instead = NOT_CARRIED.get(type);
  if (instead !== undefined)
    return {
      code: 'UNSUPPORTED',
      key: 'Backend.Type',
      message: `backend type "${type}" is flannel's, and Weft does not carry it`,
      fix: instead,
    };
  const types = Object.keys(BACKEND_KEYS);
  const meant = probablyMeant(type, types);
  const fix =
    type === ''
      ? 'Name a "Type" in "Backend", or leave "Backend" out'
      : meant === undefined
        ? `Set "Backend.Type" to one of ${types.join(', ')}`
        : `Did you mean "${meant}"?`;
  return { code: 'CONFIG_INVALID', key: 'Backend.Type', message: `unknown backend type: ${type}`, fix };
}

function inRange(
  reader: FieldReader,
  key: string,
  least: number,
  most: number,
  problems: ConfigProblem[],
): number | undefined {
  const value = reader.integer(key);
  if (value === undefined || (value >= least && value <= most)) return value;
  problems.push({
    code: 'CONFIG_INVALID',
    key: `Backend.${key}`,
    message: `Backend.${key} is ${value}: expected ${least} to ${most}`,
    fix: `Set "${key}" to a number from ${least} to ${most}, or leave it out`,
  });
  return undefined;
}

function readMtu(reader: FieldReader, problems: ConfigProblem[]): number | undefined {
  const value = reader.integer('MTU');
  if (value === undefined || value === 0) return undefined;
  // 68 is the least that every IPv4 link carries (RFC 791), 65,535 the longest packet.
  if (value >= 68 && value <= 65_535) return value;
  problems.push({
    code: 'CONFIG_INVALID',
    key: 'Backend.MTU',
    message: `Backend.MTU is ${value}: expected 68 to 65535`,
    fix: 'Leave "MTU" out: it is taken from the uplink',
  });
  return undefined;
}

/** flannel's aws-vpc (to v0.19.2): null, one id or a list of them. */
function readRouteTables(node: JsonNode | undefined, problems: ConfigProblem[]): readonly string[] {
  if (node === undefined || node.kind === 'null') return [];
  const wrong = (message: string): readonly string[] => {
    problems.push({
      code: 'CONFIG_INVALID',
      key: 'Backend.RouteTableID',
      message,
      fix: 'Write "RouteTableID" as "rtb-1" or ["rtb-1", "rtb-2"], or leave it out: the tables are then discovered',
    });
    return [];
  };
  if (node.kind !== 'string' && node.kind !== 'array')
    return wrong('Unexpected RouteTableID type. Must be string or array of strings.');
  const ids: string[] = [];
  for (const item of node.kind === 'string' ? [node] : node.items) {
    if (item.kind !== 'string') return wrong('Unexpected type in RouteTableID slice. Must be strings.');
    if (item.value === '') return wrong('RouteTableID is empty');
    ids.push(item.value);
  }
  return ids;
}
