/**
 * IPv4 and IPv6 addresses as branded strings in canonical text: dotted quad without leading
 * zeros, or RFC 5952 (lower case, longest run of zeros compressed). Equal addresses are equal strings.
 */
import { WeftError } from './errors.ts';

declare const addressBrand: unique symbol;
export type Address = string & { readonly [addressBrand]: true };

export type Family = 4 | 6;

export function family(text: string): Family {
  return text.includes(':') ? 6 : 4;
}

export const bitsOf = (version: Family): 32 | 128 => (version === 4 ? 32 : 128);

/** An IPv4 address as an unsigned 32-bit number; undefined when the text is not one. */
function readV4(text: string): number | undefined {
  let value = 0;
  let octets = 0;
  let octet = -1;
  let digits = 0;
  for (let i = 0; i <= text.length; i++) {
    const c = i === text.length ? 46 : text.charCodeAt(i);
    if (c >= 48 && c <= 57) {
      // A leading zero is refused: some readers take it for octal, so the text would be ambiguous.
      if (digits > 0 && octet === 0) return undefined;
      octet = (octet < 0 ? 0 : octet) * 10 + (c - 48);
      digits += 1;
      if (octet > 255) return undefined;
    } else if (c === 46) {
      if (octet < 0) return undefined;
      value = value * 256 + octet;
      octets += 1;
      octet = -1;
      digits = 0;
    } else return undefined;
  }
  return octets === 4 ? value : undefined;
}

function readV6(text: string): bigint | undefined {
  let body = text;
  let tail: bigint | undefined;
  const dot = body.indexOf('.');
  if (dot !== -1) {
    // An embedded IPv4 address stands for the last two groups (RFC 4291, section 2.2).
    const start = body.lastIndexOf(':', dot) + 1;
    const v4 = readV4(body.slice(start));
    if (v4 === undefined) return undefined;
    tail = BigInt(v4);
    body = `${body.slice(0, start)}0:0`;
  }
  const halves = body.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string | undefined): string[] => (half === undefined || half === '' ? [] : half.split(':'));
  const head = groups(halves[0]);
  const rest = groups(halves[1]);
  const missing = 8 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const group of [...head, ...Array<string>(missing).fill('0'), ...rest]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = (value << 16n) | BigInt(Number.parseInt(group, 16));
  }
  return tail === undefined ? value : (value & ~0xffff_ffffn) | tail;
}

const formatV4 = (value: number): string =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;

function formatV6(value: bigint): string {
  const groups: string[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(((value >> shift) & 0xffffn).toString(16));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.start < 0) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/** The address that a text names, or undefined when it names none. Zone ids (`fe80::1%eth0`) are none. */
export function tryAddress(text: string): Address | undefined {
  if (family(text) === 4) {
    const value = readV4(text);
    return value === undefined ? undefined : (formatV4(value) as Address);
  }
  const value = readV6(text);
  return value === undefined ? undefined : (formatV6(value) as Address);
}

/** @throws WeftError BAD_ADDRESS */
export function parseAddress(text: string): Address {
  const address = tryAddress(text);
  if (address === undefined)
    throw new WeftError('BAD_ADDRESS', `"${text}" is no IP address: expected IPv4 like 10.1.2.3 or IPv6 like fd00::1`);
  return address;
}

/** The address as an unsigned number of 32 or 128 bits. */
export function addressValue(address: Address): bigint {
  return family(address) === 4 ? BigInt(v4Value(address)) : (readV6(address) as bigint);
}

/** An IPv4 address as an unsigned 32-bit number; the fast way for the many. */
export function v4Value(address: Address): number {
  return readV4(address) as number;
}

/** The IPv4 address of an unsigned 32-bit number; the way back of `v4Value`. */
export function v4Address(value: number): Address {
  return formatV4(value) as Address;
}

/** @throws WeftError BAD_ADDRESS when the value does not fit the family. */
export function addressFrom(value: bigint, version: Family): Address {
  if (value < 0n || value >> BigInt(bitsOf(version)) !== 0n)
    throw new WeftError('BAD_ADDRESS', `${value} is outside the IPv${version} address range`);
  return (version === 4 ? formatV4(Number(value)) : formatV6(value)) as Address;
}

/** The address `by` places further (or before, when negative). @throws WeftError BAD_ADDRESS past either end of the family. */
export function offset(address: Address, by: number | bigint): Address {
  return addressFrom(addressValue(address) + BigInt(by), family(address));
}

/** Numeric order; IPv4 before IPv6. */
export function compareAddresses(a: Address, b: Address): number {
  if (family(a) !== family(b)) return family(a) - family(b);
  const [x, y] = [addressValue(a), addressValue(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}
