/**
 * subnet.env: what flannel's users (Docker, the CNI plugin, scripts) read to learn this host's subnet. Written as flannel writes it, to
 * the byte, and read as flannel reads it: a dotenv file whose FLANNEL_SUBNET may be a list.
 */
import type { Finding } from './finding.ts';
import { contains, firstHostOf, prefixLengthOf, trySubnet, type Subnet } from './subnet.ts';

export interface SubnetFile {
  readonly network: Subnet;
  readonly subnet: Subnet;
  readonly mtuBytes: number;
  /** Whether we masquerade what leaves the Network; Docker does it otherwise. */
  readonly ipMasq: boolean;
}

export interface ParsedSubnetFile {
  readonly network: Subnet | undefined;
  /** All valid items of FLANNEL_SUBNET. */
  readonly subnets: readonly Subnet[];
  /** The one valid item; undefined when there is none or more than one: then nobody can say which is meant. */
  readonly subnet: Subnet | undefined;
  readonly mtuBytes: number | undefined;
  readonly ipMasq: boolean | undefined;
  /** Lines and items that could not be read; nothing else is dropped for them. */
  readonly skipped: readonly string[];
}

export function renderSubnetFile(file: SubnetFile): string {
  const lines = [
    `FLANNEL_NETWORK=${file.network}`,
    // The first address behind the base, which a bridge takes for its own.
    `FLANNEL_SUBNET=${firstHostOf(file.subnet)}/${prefixLengthOf(file.subnet)}`,
    `FLANNEL_MTU=${file.mtuBytes}`,
    `FLANNEL_IPMASQ=${file.ipMasq}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** `KEY=value` as dotenv has it: spaces around, `export` before, quotes about the value, a comment behind. */
const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^#]*?))\s*(?:#.*)?$/;

function readLines(text: string): { values: ReadonlyMap<string, string>; skipped: string[] } {
  const values = new Map<string, string>();
  const skipped: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const match = LINE.exec(line);
    const key = match?.[1];
    if (key === undefined) skipped.push(line.trim());
    else values.set(key, match?.[2] ?? match?.[3] ?? match?.[4] ?? '');
  }
  return { values, skipped };
}

function readSubnets(list: string, skipped: string[]): Subnet[] {
  const subnets: Subnet[] = [];
  for (const item of list.split(',')) {
    const text = item.trim();
    const subnet = trySubnet(text);
    if (subnet !== undefined) subnets.push(subnet);
    else if (text !== '') skipped.push(text);
  }
  return subnets;
}

export function parseSubnetFile(text: string): ParsedSubnetFile {
  const { values, skipped } = readLines(text);
  const subnets = readSubnets(values.get('FLANNEL_SUBNET') ?? '', skipped);
  const network = values.get('FLANNEL_NETWORK');
  const mtu = values.get('FLANNEL_MTU');
  const ipMasq = values.get('FLANNEL_IPMASQ');
  if (network !== undefined && trySubnet(network) === undefined) skipped.push(network);
  return {
    network: network === undefined ? undefined : trySubnet(network),
    subnets,
    subnet: subnets.length === 1 ? subnets[0] : undefined,
    mtuBytes: mtu !== undefined && /^[1-9][0-9]{0,5}$/.test(mtu) ? Number(mtu) : undefined,
    ipMasq: ipMasq === 'true' ? true : ipMasq === 'false' ? false : undefined,
    skipped,
  };
}

/** The subnet this host had, by its file: a wish for the next claim. A file of another Network says nothing about this one. */
export function previousSubnet(
  file: ParsedSubnetFile,
  network: Subnet,
): { readonly subnet?: Subnet; readonly findings: readonly Finding[] } {
  if (file.network !== undefined && file.network !== network) {
    return { findings: [foreign(`it belongs to Network ${file.network}`, network)] };
  }
  if (file.subnet === undefined) return { findings: [] };
  if (!contains(network, file.subnet))
    return { findings: [foreign(`its subnet ${file.subnet} lies outside`, network)] };
  return { subnet: file.subnet, findings: [] };
}

const foreign = (why: string, network: Subnet): Finding => ({
  code: 'SUBNET_FILE_FOREIGN',
  message: `subnet file: ${why}, this host’s Network is ${network}; its subnet is not asked for again`,
});
