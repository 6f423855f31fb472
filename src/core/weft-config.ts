/** The member `Weft` of the network config: all that flannel has no word for. Defaults are filled in by `parseNetworkConfig`. */
import type { ConfigProblem } from './config-problem.ts';
import { describeNode, type JsonNode } from './json-text.ts';
import { probablyMeant } from './nearest.ts';
import type { FamilyRange, NetworkConfig, Pool, ProbeOptions, VxlanOptions } from './network-config.ts';
import { isPathName, PATH_NAMES, type PathName } from './path.ts';
import { strictReader, type StrictReader } from './strict-fields.ts';
import { contains, overlaps, prefixLengthOf, trySubnet, type Subnet } from './subnet.ts';

export const WEFT_KEYS = [
  'Paths',
  'LeaseTTL',
  'RouteWriter',
  'AllowPlaintext',
  'AWS',
  'GCE',
  'VXLAN',
  'UDP',
  'Probe',
  'Pools',
] as const;

type Given<T> = { readonly [K in keyof T]: T[K] | undefined };

/** Undefined: not given. */
export type WeftConfig = Given<
  Pick<NetworkConfig, 'paths' | 'leaseTtlMs' | 'routeWriter' | 'allowPlaintext' | 'udpPort'>
> & {
  readonly routeTableIds: readonly string[] | undefined;
  readonly routeTableTag: string | undefined;
  readonly gceMode: NetworkConfig['gce']['mode'] | undefined;
  readonly vxlan: Given<VxlanOptions>;
  readonly probe: Given<ProbeOptions>;
  readonly pools: readonly Pool[];
};

const NOTHING: WeftConfig = {
  paths: undefined,
  leaseTtlMs: undefined,
  routeWriter: undefined,
  allowPlaintext: undefined,
  udpPort: undefined,
  routeTableIds: undefined,
  routeTableTag: undefined,
  gceMode: undefined,
  vxlan: { vni: undefined, port: undefined, gbp: undefined, learning: undefined },
  probe: { intervalMs: undefined, holdMs: undefined, port: undefined, idleBudget: undefined },
  pools: [],
};

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** Bounds of ours. A TTL below a few round trips loses leases, one above a month keeps dead hosts' subnets. */
const LEASE_TTL = { least: 5 * SECOND, most: 30 * 24 * HOUR };
const PROBE_INTERVAL = { least: 100, most: 60 * SECOND };
const PROBE_HOLD = { least: SECOND, most: HOUR };
const IDLE_BUDGET = { least: 1, most: 10_000 };
const PORT = { least: 1, most: 65_535 };

export function readWeft(
  node: JsonNode | undefined,
  range: FamilyRange | undefined,
  problems: ConfigProblem[],
): WeftConfig {
  if (node === undefined) return NOTHING;
  const weft = strictReader(node, 'Weft', WEFT_KEYS, problems);
  if (weft === undefined) return NOTHING;
  const aws = weft.object('AWS', ['RouteTableID', 'RouteTableTag']);
  const gce = weft.object('GCE', ['Mode']);
  const vxlan = weft.object('VXLAN', ['VNI', 'Port', 'GBP', 'Learning']);
  const udp = weft.object('UDP', ['Port']);
  const probe = weft.object('Probe', ['Interval', 'Hold', 'Port', 'IdleBudget']);
  const routeTableIds = aws && readRouteTables(aws);
  const routeTableTag = aws?.text('RouteTableTag');
  if (routeTableIds !== undefined && routeTableTag !== undefined) {
    aws?.wrong(
      'RouteTableTag',
      'Weft.AWS.RouteTableID and Weft.AWS.RouteTableTag are both given',
      'Name the tables by id or by tag: remove one of the two',
    );
  }
  return {
    paths: readPaths(weft),
    leaseTtlMs: weft.duration('LeaseTTL', LEASE_TTL.least, LEASE_TTL.most),
    routeWriter: weft.oneOf('RouteWriter', ['node', 'reconciler']),
    allowPlaintext: weft.boolean('AllowPlaintext'),
    routeTableIds,
    routeTableTag,
    gceMode: gce?.oneOf('Mode', ['alias', 'routes']),
    vxlan: {
      // 24 bits, and 0 means "none" to the kernel (RFC 7348, section 5).
      vni: vxlan?.integer('VNI', 1, 0xff_ffff),
      port: vxlan?.integer('Port', PORT.least, PORT.most),
      gbp: vxlan?.boolean('GBP'),
      learning: vxlan?.boolean('Learning'),
    },
    udpPort: udp?.integer('Port', PORT.least, PORT.most),
    probe: {
      intervalMs: probe?.duration('Interval', PROBE_INTERVAL.least, PROBE_INTERVAL.most),
      holdMs: probe?.duration('Hold', PROBE_HOLD.least, PROBE_HOLD.most),
      port: probe?.integer('Port', PORT.least, PORT.most),
      idleBudget: probe?.integer('IdleBudget', IDLE_BUDGET.least, IDLE_BUDGET.most),
    },
    pools: readPools(weft, range, problems),
  };
}

function readPaths(weft: StrictReader): readonly PathName[] | undefined {
  const node = weft.node('Paths');
  if (node === undefined) return undefined;
  const example = `Write "Paths" as a list like ${JSON.stringify(PATH_NAMES)}, the one you like best first`;
  if (node.kind !== 'array')
    return weft.wrong('Paths', `Weft.Paths: expected a list, found ${describeNode(node)}`, example);
  if (node.items.length === 0) return weft.wrong('Paths', 'Weft.Paths is empty', `${example}, or leave it out`);
  const paths: PathName[] = [];
  for (const item of node.items) {
    if (item.kind !== 'string' || !isPathName(item.value)) {
      const meant = item.kind === 'string' ? probablyMeant(item.value, PATH_NAMES) : undefined;
      return weft.wrong(
        'Paths',
        `Weft.Paths: unknown path ${describeNode(item)}; known are ${PATH_NAMES.join(', ')}`,
        meant === undefined ? example : `Did you mean "${meant}"?`,
      );
    }
    if (paths.includes(item.value))
      return weft.wrong('Paths', `Weft.Paths names "${item.value}" twice`, 'Remove the second');
    paths.push(item.value);
  }
  return paths;
}

function readRouteTables(aws: StrictReader): readonly string[] | undefined {
  const node = aws.node('RouteTableID');
  if (node === undefined) return undefined;
  const items = node.kind === 'array' ? node.items : [node];
  const ids = items.flatMap((item) => (item.kind === 'string' && item.value !== '' ? [item.value] : []));
  if (ids.length === 0 || ids.length < items.length) {
    return aws.wrong(
      'RouteTableID',
      `${aws.path}.RouteTableID: expected a route table's id or a list of them, found ${describeNode(node)}`,
      'Write it as "rtb-1" or ["rtb-1", "rtb-2"]',
    );
  }
  return [...new Set(ids)];
}

function readPools(weft: StrictReader, range: FamilyRange | undefined, problems: ConfigProblem[]): readonly Pool[] {
  const node = weft.node('Pools');
  if (node === undefined) return [];
  if (node.kind !== 'array') {
    weft.wrong(
      'Pools',
      `Weft.Pools: expected a list, found ${describeNode(node)}`,
      'Write "Pools" as a list of objects, each with a "Range"',
    );
    return [];
  }
  const pools: Pool[] = [];
  node.items.forEach((item, index) => {
    const reader = strictReader(item, `Weft.Pools[${index}]`, ['Range', 'GCE'], problems);
    const pool = reader && readPool(reader, pools, range);
    if (pool !== undefined) pools.push(pool);
  });
  return pools;
}

function readPool(pool: StrictReader, others: readonly Pool[], range: FamilyRange | undefined): Pool | undefined {
  const text = pool.required('Range');
  const gce = pool.object('GCE', ['Region', 'Subnetwork', 'SecondaryRange']);
  const region = gce?.required('Region');
  const subnetwork = gce?.required('Subnetwork');
  const secondaryRange = gce?.required('SecondaryRange');
  if (text === undefined) return undefined;
  const subnet = trySubnet(text);
  if (subnet === undefined)
    return pool.wrong(
      'Range',
      `${pool.path}.Range: "${text}" is no address range`,
      'Write it in CIDR form, like "10.42.128.0/18"',
    );
  const why = poolMisfit(subnet, others, range);
  if (why !== undefined)
    return pool.wrong(
      'Range',
      `${pool.path}.Range ${subnet} ${why}`,
      'Pools are parts of Network for one cloud region each, and do not overlap',
    );
  return region && subnetwork && secondaryRange
    ? { range: subnet, gce: { region, subnetwork, secondaryRange } }
    : { range: subnet };
}

function poolMisfit(subnet: Subnet, others: readonly Pool[], range: FamilyRange | undefined): string | undefined {
  if (range !== undefined && !contains(range.network, subnet)) return `lies outside Network ${range.network}`;
  if (range !== undefined && prefixLengthOf(subnet) > range.subnetLength)
    return `is smaller than one subnet (/${range.subnetLength})`;
  const other = others.find((pool) => overlaps(pool.range, subnet));
  return other === undefined ? undefined : `overlaps ${other.range}`;
}
