/** Address ranges in CIDR form, host bits zero, as branded strings: equal ranges are equal strings. */
import {
  addressFrom,
  addressValue,
  bitsOf,
  family,
  offset,
  tryAddress,
  v4Value,
  type Address,
  type Family,
} from './address.ts';
import { WeftError } from './errors.ts';

declare const subnetBrand: unique symbol;
export type Subnet = string & { readonly [subnetBrand]: true };

const slashOf = (subnet: Subnet): number => subnet.indexOf('/');

export const baseOf = (subnet: Subnet): Address => subnet.slice(0, slashOf(subnet)) as Address;
export const prefixLengthOf = (subnet: Subnet): number => Number(subnet.slice(slashOf(subnet) + 1));

/** The range of this prefix length that holds the address. @throws WeftError BAD_SUBNET when the length does not fit the family. */
export function subnetOf(address: Address, prefixLength: number): Subnet {
  const version = family(address);
  const bits = bitsOf(version);
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bits) {
    throw new WeftError('BAD_SUBNET', `prefix length ${prefixLength} of ${address}: expected 0 to ${bits}`);
  }
  const shift = BigInt(bits - prefixLength);
  return `${addressFrom((addressValue(address) >> shift) << shift, version)}/${prefixLength}` as Subnet;
}

/** An address with a prefix length, host bits kept: `10.5.1.7/24`; undefined when the text is none. */
export function tryInterfaceAddress(
  text: string,
): { readonly address: Address; readonly prefixLength: number } | undefined {
  const [head, tail, ...more] = text.split('/');
  if (head === undefined || tail === undefined || more.length > 0 || !/^(0|[1-9][0-9]{0,2})$/.test(tail))
    return undefined;
  const address = tryAddress(head);
  const prefixLength = Number(tail);
  if (address === undefined || prefixLength > bitsOf(family(address))) return undefined;
  return { address, prefixLength };
}

/** The range that a text names, host bits masked off as flannel does; undefined when it names none. */
export function trySubnet(text: string): Subnet | undefined {
  const parsed = tryInterfaceAddress(text);
  return parsed === undefined ? undefined : subnetOf(parsed.address, parsed.prefixLength);
}

/** @throws WeftError BAD_SUBNET; host bits are masked off. */
export function parseSubnet(text: string): Subnet {
  const subnet = trySubnet(text);
  if (subnet === undefined)
    throw new WeftError(
      'BAD_SUBNET',
      `"${text}" is no address range: expected CIDR form like 10.42.0.0/16 or fd00::/56`,
    );
  return subnet;
}

/** Number of addresses in the range. */
export const sizeOf = (subnet: Subnet): bigint => 1n << BigInt(bitsOf(family(subnet)) - prefixLengthOf(subnet));

export const lastOf = (subnet: Subnet): Address => offset(baseOf(subnet), sizeOf(subnet) - 1n);

/** The first address behind the base: what flannel gives to the bridge. */
export const firstHostOf = (subnet: Subnet): Address => offset(baseOf(subnet), 1);

const isSubnet = (text: Address | Subnet): text is Subnet => text.includes('/');

/** Does the range hold this address, or all of that other range? */
export function contains(outer: Subnet, inner: Address | Subnet): boolean {
  const version: Family = family(outer);
  if (version !== family(inner)) return false;
  const length = prefixLengthOf(outer);
  if (isSubnet(inner) && prefixLengthOf(inner) < length) return false;
  const address = isSubnet(inner) ? baseOf(inner) : inner;
  if (version === 4) {
    // Shifts of 32 are no-ops in JavaScript, so /0 needs its own answer.
    return length === 0 || v4Value(address) >>> (32 - length) === v4Value(baseOf(outer)) >>> (32 - length);
  }
  const shift = BigInt(128 - length);
  return addressValue(address) >> shift === addressValue(baseOf(outer)) >> shift;
}

export const overlaps = (a: Subnet, b: Subnet): boolean => contains(a, b) || contains(b, a);

/** Ranges that never leave an organisation: RFC 1918, RFC 6598, RFC 4193, link-local. */
const PRIVATE_RANGES = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
].map(parseSubnet);

/** The IPv4 ones as numbers: a pass asks this of every peer, several times. */
const PRIVATE_V4 = PRIVATE_RANGES.filter((range) => family(range) === 4).map((range) => ({
  base: v4Value(baseOf(range)),
  size: Number(sizeOf(range)),
}));

export function isPrivate(address: Address): boolean {
  if (family(address) === 6) return PRIVATE_RANGES.some((range) => contains(range, address));
  const value = v4Value(address);
  return PRIVATE_V4.some(({ base, size }) => value >= base && value < base + size);
}

/** Never a host: "this network" and multicast, reserved and broadcast (RFC 6890), and this host itself. */
const NO_HOSTS = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8'].map(parseSubnet);

/** Can another host have this address? */
export const isHostAddress = (address: Address): boolean => !NO_HOSTS.some((range) => contains(range, address));
