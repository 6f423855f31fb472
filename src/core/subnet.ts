/** Address ranges in CIDR form, host bits zero, as branded strings: equal ranges are equal strings. */
import { addressFrom, addressValue, bitsOf, family, offset, tryAddress, type Address, type Family } from './address.ts';
import { WeftError } from './errors.ts';

declare const subnetBrand: unique symbol;
export type Subnet = string & { readonly [subnetBrand]: true };

const SLASH = 47;
const DOT = 46;
const ZERO = 48;

const slashOf = (subnet: Subnet): number => subnet.indexOf('/');

export const baseOf = (subnet: Subnet): Address => subnet.slice(0, slashOf(subnet)) as Address;

export function prefixLengthOf(subnet: Subnet): number {
  let length = 0;
  for (let i = slashOf(subnet) + 1; i < subnet.length; i++) length = length * 10 + subnet.charCodeAt(i) - ZERO;
  return length;
}

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

/** The first IPv4 address as a number. The text is canonical, so nothing is checked and nothing is cut out: a pass asks this of every peer, several times. */
function v4Base(text: Address | Subnet): number {
  let value = 0;
  let octet = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === SLASH) break;
    if (code === DOT) {
      value = value * 256 + octet;
      octet = 0;
    } else octet = octet * 10 + code - ZERO;
  }
  return value * 256 + octet;
}

/** Are the first `length` bits the same? */
function sameHead(a: Address | Subnet, b: Address | Subnet, length: number): boolean {
  const version: Family = family(a);
  if (version !== family(b)) return false;
  // Shifts of 32 are no-ops in JavaScript, so /0 needs its own answer.
  if (version === 4) return length === 0 || (v4Base(a) ^ v4Base(b)) >>> (32 - length) === 0;
  const shift = BigInt(128 - length);
  return v6Base(a) >> shift === v6Base(b) >> shift;
}

const v6Base = (text: Address | Subnet): bigint => addressValue(isSubnet(text) ? baseOf(text) : text);

/** Does the range hold this address, or all of that other range? */
export function contains(outer: Subnet, inner: Address | Subnet): boolean {
  const length = prefixLengthOf(outer);
  return (!isSubnet(inner) || prefixLengthOf(inner) >= length) && sameHead(outer, inner, length);
}

export const overlaps = (a: Subnet, b: Subnet): boolean =>
  sameHead(a, b, Math.min(prefixLengthOf(a), prefixLengthOf(b)));

/** Some ranges, those of IPv4 as numbers. */
function rangesOf(texts: readonly string[]): (address: Address) => boolean {
  const ranges = texts.map(parseSubnet);
  const v4 = ranges
    .filter((range) => family(range) === 4)
    .map((range) => ({ first: v4Base(range), size: Number(sizeOf(range)) }));
  return (address) => {
    if (family(address) === 6) return ranges.some((range) => contains(range, address));
    const value = v4Base(address);
    return v4.some(({ first, size }) => value >= first && value < first + size);
  };
}

/** Ranges that never leave an organisation: RFC 1918, RFC 6598, RFC 4193, link-local. */
export const isPrivate = rangesOf([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
]);

/** Never a host: "this network" and multicast, reserved and broadcast (RFC 6890), and this host itself. */
const isNoHost = rangesOf(['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/3', '::/127', 'ff00::/8']);

/** Can another host have this address? */
export const isHostAddress = (address: Address): boolean => !isNoHost(address);
