/** Addresses and ranges in the network config, as flannel's own decoders read them (pkg/ip, UnmarshalJSON). */
import { family, tryAddress, type Address, type Family } from './address.ts';
import type { ConfigProblem } from './config-problem.ts';
import type { JsonNode } from './json-text.ts';
import { trySubnet, type Subnet } from './subnet.ts';

/** The text that flannel's own decoders see: the value as written, without quotes. They get null too. */
const bare = (node: JsonNode): string => node.raw.replace(/^"+|"+$/g, '');

export function readRange(
  fields: ReadonlyMap<string, JsonNode>,
  key: string,
  version: Family,
  problems: ConfigProblem[],
): Subnet | undefined {
  const node = fields.get(key);
  if (node === undefined) return undefined;
  const subnet = trySubnet(bare(node));
  if (subnet !== undefined && family(subnet) === version) return subnet;
  const message =
    subnet === undefined ? `invalid CIDR address: ${clip(bare(node))}` : `invalid IPv${version} CIDR format`;
  problems.push({
    code: 'CONFIG_INVALID',
    key,
    message,
    fix: `Write "${key}" in CIDR form, like "${version === 4 ? '10.42.0.0/16' : 'fd00:42::/48'}"`,
  });
  return undefined;
}

export function readAddress(
  fields: ReadonlyMap<string, JsonNode>,
  key: string,
  version: Family,
  problems: ConfigProblem[],
): Address | undefined {
  const node = fields.get(key);
  // Go's IPv6 fields are pointers, which null clears without asking the decoder.
  if (node === undefined || (version === 6 && node.kind === 'null')) return undefined;
  const address = tryAddress(bare(node));
  if (address !== undefined && family(address) === version) return address;
  problems.push({
    code: 'CONFIG_INVALID',
    key,
    message: 'invalid IP address format',
    fix: `Write "${key}" as an address like "${version === 4 ? '10.42.1.0' : 'fd00:42:0:1::'}", or leave it out`,
  });
  return undefined;
}

const clip = (text: string): string => (text.length > 100 ? `${text.slice(0, 97)}...` : text);
