/** What a person should know about a network config before hosts use it: `weftd config check`. */
import { family } from './address.ts';
import { BACKEND_KEYS } from './backend-config.ts';
import type { ErrorCode } from './errors.ts';
import { foldName, knownName } from './json-fields.ts';
import type { JsonObjectNode } from './json-text.ts';
import { leasableCount } from './lease-range.ts';
import { probablyMeant } from './nearest.ts';
import type { NetworkConfig } from './network-config.ts';
import { FLANNEL_KEYS, readNetworkConfig } from './parse-network-config.ts';
import type { PathName } from './path.ts';
import {
  baseOf,
  isPrivate,
  lastOf,
  overlaps,
  parseSubnet,
  sizeOf,
  subnetOf,
  tryInterfaceAddress,
  type Subnet,
} from './subnet.ts';
import { WEFT_KEYS } from './weft-config.ts';

export interface ConfigFinding {
  /** `error`: no daemon takes it. `warning`: probably not what was meant. `note`: how it is understood. */
  readonly level: 'error' | 'warning' | 'note';
  /** Of errors. */
  readonly code?: ErrorCode;
  /** The key it is about; empty for the text as a whole. */
  readonly key: string;
  readonly message: string;
  readonly fix?: string;
}

/** Errors first, each with what to write instead, then warnings, then notes. */
export function checkConfig(text: string): ConfigFinding[] {
  const { config, problems, root } = readNetworkConfig(text);
  const errors = problems.map((problem): ConfigFinding => ({ level: 'error', ...problem }));
  const warnings = root === undefined ? [] : [...unknownKeys(root), ...ignoredKeys(root)];
  if (config === undefined) return [...errors, ...warnings];
  return [...errors, ...warnings, ...maskedBits(root), ...rangeWarnings(config), ...notes(config)];
}

const warning = (key: string, message: string, fix: string): ConfigFinding => ({ level: 'warning', key, message, fix });

/** flannel ignores what it does not know, and so do we: a slip shows up nowhere else. */
function unknownKeys(root: JsonObjectNode): ConfigFinding[] {
  const findings: ConfigFinding[] = [];
  const seen = new Set<string>();
  for (const { name } of root.members) {
    if (foldName(name) === 'weft') continue;
    const key = knownName(name, FLANNEL_KEYS);
    if (key === undefined) findings.push(unknownKey(name, '', FLANNEL_KEYS));
    else if (seen.has(key))
      findings.push(warning(key, `"${key}" is given twice; the last one counts`, 'Remove the others'));
    if (key !== undefined) seen.add(key);
  }
  const backend = root.members.findLast(({ name }) => knownName(name, ['Backend']) !== undefined)?.node;
  if (backend?.kind !== 'object') return findings;
  const type = backend.members.findLast(({ name }) => knownName(name, ['Type']) !== undefined)?.node;
  const keys =
    type?.kind === 'string'
      ? Object.entries(BACKEND_KEYS).find(([known]) => known === type.value.toLowerCase())?.[1]
      : undefined;
  if (keys === undefined) return findings;
  for (const { name } of backend.members) {
    if (knownName(name, ['Type', 'MTU', ...keys]) === undefined)
      findings.push(unknownKey(name, 'Backend', ['Type', 'MTU', ...keys]));
  }
  return findings;
}

function unknownKey(name: string, where: string, known: readonly string[]): ConfigFinding {
  const key = where === '' ? name : `${where}.${name}`;
  const meant = probablyMeant(name, known);
  if (meant !== undefined) return warning(key, `"${key}" is not known and is ignored`, `Did you mean "${meant}"?`);
  if (WEFT_KEYS.some((candidate) => foldName(candidate) === foldName(name)))
    return warning(key, `"${key}" is ignored here`, 'It belongs into the member "Weft"');
  return warning(key, `"${key}" is not known and is ignored`, 'Remove it');
}

function ignoredKeys(root: JsonObjectNode): ConfigFinding[] {
  const v6 = FLANNEL_KEYS.filter((key) => key.startsWith('IPv6'));
  const given = root.members.flatMap(({ name }) => knownName(name, v6) ?? []);
  return [...new Set(given)].map((key) =>
    warning(key, `"${key}" is ignored: IPv6 is not carried by Weft yet`, 'Remove it'),
  );
}

function maskedBits(root: JsonObjectNode | undefined): ConfigFinding[] {
  const node = root?.members.findLast(({ name }) => knownName(name, FLANNEL_KEYS) === 'Network')?.node;
  const written = node?.kind === 'string' ? tryInterfaceAddress(node.value) : undefined;
  if (written === undefined) return [];
  const network = subnetOf(written.address, written.prefixLength);
  return baseOf(network) === written.address
    ? []
    : [warning('Network', `"${written.address}/${written.prefixLength}" is taken as ${network}`, `Write "${network}"`)];
}

/** Ranges that make no network for containers, and who says so. */
const UNFIT: readonly (readonly [Subnet, string])[] = [
  [parseSubnet('127.0.0.0/8'), 'loopback (RFC 1122): the kernel keeps it on the host'],
  [parseSubnet('169.254.168.0/22'), "Amazon's own services: no route table takes it as a destination"],
  [parseSubnet('169.254.0.0/16'), 'link-local (RFC 3927): routers do not forward it, and metadata servers live there'],
  [parseSubnet('224.0.0.0/4'), 'multicast (RFC 1112)'],
  [parseSubnet('240.0.0.0/4'), 'reserved (RFC 1112): many systems and clouds drop it'],
  [parseSubnet('0.0.0.0/8'), '"this network" (RFC 791): it cannot be a destination'],
  [parseSubnet('172.17.0.0/16'), "Docker's default bridge: hosts that run Docker have it already"],
  [parseSubnet('fd00:ec2::/32'), "Amazon's own services: no route table takes it as a destination"],
  [parseSubnet('fe80::/10'), 'link-local (RFC 4291): routers do not forward it'],
  [parseSubnet('ff00::/8'), 'multicast (RFC 4291)'],
];

/** Why hosts cannot use this range, or should not; undefined when nothing speaks against it. Of several reasons the first. */
export function unfitRange(network: Subnet): string | undefined {
  const found = UNFIT.find(([range]) => overlaps(range, network));
  return found === undefined ? undefined : `overlaps ${found[0]}: ${found[1]}`;
}

function rangeWarnings({ v4 }: NetworkConfig): ConfigFinding[] {
  const example = 'Take a private range, like 10.42.0.0/16';
  const unfit = unfitRange(v4.network);
  const findings: ConfigFinding[] = [];
  if (unfit !== undefined) findings.push(warning('Network', `Network ${v4.network} ${unfit}`, example));
  else if (!isPrivate(baseOf(v4.network)) || !isPrivate(lastOf(v4.network))) {
    findings.push(
      warning(
        'Network',
        `Network ${v4.network} is public address space: containers could not reach its real owners`,
        example,
      ),
    );
  }
  if (leasableCount(v4) === 0n)
    findings.push(
      warning(
        'SubnetMin',
        `SubnetMin ${v4.min} lies above SubnetMax ${v4.max}: no subnet can be had`,
        'Exchange the two',
      ),
    );
  return findings;
}

/** Bytes that each path takes from a packet: outer IPv4 (20), UDP (8), and for vxlan its header (8) and the inner Ethernet header (14). */
const OVERHEAD: Readonly<Record<PathName, number>> = { direct: 0, fabric: 0, vxlan: 50, udp: 28 };

function notes(config: NetworkConfig): ConfigFinding[] {
  const { v4, paths } = config;
  const count = leasableCount(v4);
  const hosts = count === 1n ? 'One host' : `${count} hosts`;
  const size = sizeOf(subnetOf(v4.min, v4.subnetLength));
  const findings: ConfigFinding[] = [];
  if (count > 0n) {
    findings.push({
      level: 'note',
      key: 'Network',
      message: `${hosts} can have a subnet of ${size} addresses each: ${v4.min}/${v4.subnetLength} to ${v4.max}/${v4.subnetLength}`,
    });
  }
  findings.push({
    level: 'note',
    key: 'Paths',
    message:
      paths.length === 0
        ? config.extension === undefined
          ? `Backend.Type ${config.backendType}: subnets alone, no path is programmed`
          : 'Backend.Type extension: peers are reached by its commands alone, which every host runs as root'
        : `Paths, the best first: ${paths.join(', ')}`,
  });
  const uplink = config.mtuBytes ?? 1500;
  const overhead = Math.max(0, ...paths.map((path) => OVERHEAD[path]));
  const widest = paths.find((path) => OVERHEAD[path] === overhead);
  const source = config.mtuBytes === undefined ? `an uplink of ${uplink}` : `Backend.MTU ${uplink}`;
  findings.push({
    level: 'note',
    key: 'MTU',
    message: `Containers get an MTU of ${uplink - overhead} on ${source}${overhead === 0 ? '' : ` (${widest} takes ${overhead})`}`,
  });
  if (uplink - overhead < 1280)
    findings.unshift(
      warning(
        'Backend.MTU',
        `Containers get an MTU of ${uplink - overhead}: many programs expect 1280 or more`,
        'Leave "MTU" out: it is taken from the uplink',
      ),
    );
  if (!config.backendGiven && family(v4.network) === 4) {
    findings.push({
      level: 'note',
      key: 'Backend',
      message: 'Plain flanneld hosts read a config without Backend as "udp"; Weft hosts choose among the paths above',
    });
  }
  return findings;
}
