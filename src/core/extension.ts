/**
 * flannel's backend `extension`: commands of the network config that whoever writes them answers for. They get data by their environment and standard
 * input alone; no part of it is ever put into a command's text (FLANNEL.md 4.8; flannel's pkg/backend/extension).
 */
import type { Address } from './address.ts';
import type { JsonValue } from './json.ts';
import type { Subnet } from './subnet.ts';

/** Empty: none. */
export interface ExtensionCommands {
  readonly preStartup: string;
  readonly postStartup: string;
  readonly subnetAdd: string;
  readonly subnetRemove: string;
  readonly shutdown: string;
}

/** A peer that commands of the config reach (flannel's backend `extension`): what they were, or are to be, told. */
export interface ExtensionPeer {
  readonly kind: 'extension';
  readonly subnet: Subnet;
  readonly publicIP: Address;
  readonly subnetV6?: Subnet;
  readonly publicIPv6?: Address;
  /** What the peer's PreStartupCommand printed. */
  readonly data: string;
  /** SubnetAddCommand and SubnetRemoveCommand: what one has done, its own counterpart undoes. */
  readonly add: string;
  readonly remove: string;
  /** Seen: the command that adds it did not end well, or was cut off. What it did before that is unknown. */
  readonly half?: true;
}

/** This host, as PostStartupCommand is told. */
export interface ExtensionSelf {
  readonly network: Subnet;
  readonly subnet: Subnet;
  readonly publicIP: Address;
}

export type CommandEnvironment = Readonly<Record<string, string>>;

/** What a family that a lease does not have is named: so that no command takes a value that the daemon's own environment happens to hold. */
const NO_V6 = { IPV6SUBNET: '', PUBLIC_IPV6: '' };

export const selfEnvironment = ({ network, subnet, publicIP }: ExtensionSelf): CommandEnvironment => ({
  NETWORK: network,
  SUBNET: subnet,
  PUBLIC_IP: publicIP,
  ...NO_V6,
});

export const peerEnvironment = ({ subnet, subnetV6, publicIP, publicIPv6 }: ExtensionPeer): CommandEnvironment => ({
  SUBNET: subnet,
  PUBLIC_IP: publicIP,
  IPV6SUBNET: subnetV6 ?? '',
  PUBLIC_IPV6: publicIPv6 ?? '',
});

/** What Go's strings.TrimSpace takes away (unicode.IsSpace): a byte order mark is none of it, NEL is. */
const SPACE = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const AROUND = new RegExp(`^${SPACE}+|${SPACE}+$`, 'g');

export const trimmedOutput = (output: string): string => output.replaceAll(AROUND, '');

/** It stands in the lease, for every host to read again and again: half of what a lease may be in all. */
export const MAX_EXTENSION_DATA = 32 * 1024;

/** What a peer's PreStartupCommand printed: empty when it has none, undefined when its BackendData is no text. */
export function extensionData(data: JsonValue | undefined): string | undefined {
  // Into a Go string null decodes as nothing.
  if (data === undefined || data === null) return '';
  return typeof data === 'string' ? data : undefined;
}

const LONGEST = 64;

export function describeExtensionPeer({ subnet, publicIP, data, half }: ExtensionPeer): string {
  const told = data.length > LONGEST ? `${data.slice(0, LONGEST)}…` : data;
  return `extension ${subnet} at ${publicIP}${data === '' ? '' : ` data ${JSON.stringify(told)}`}${half === true ? ' (half added)' : ''}`;
}
