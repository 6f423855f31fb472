/** flannel's key of a lease: `10.5.34.0-24`, with both families `10.5.34.0-24&2001:cafe:42:6::-64` (pkg/subnet/subnet.go). */
import { family, tryAddress } from './address.ts';
import type { LeaseKey, LeaseSubnet } from './lease.ts';
import { baseOf, prefixLengthOf, subnetOf, type Subnet } from './subnet.ts';

export interface ReadLeaseKey {
  readonly key: LeaseKey;
  readonly subnet: LeaseSubnet;
}

const part = (subnet: Subnet): string => `${baseOf(subnet)}-${prefixLengthOf(subnet)}`;

export function leaseKeyOf(subnet: LeaseSubnet): LeaseKey {
  const text = subnet.v6 === undefined ? part(subnet.v4) : `${part(subnet.v4)}&${part(subnet.v6)}`;
  return text as LeaseKey;
}

/** The longest: 15 + 3 characters of IPv4, `&`, 39 + 4 of IPv6. */
const MAX_LENGTH = 62;

/** flannel parses lengths into 5 and 7 bits, so that a /32 and a /128 are no keys. */
const LONGEST = { 4: 31, 6: 127 } as const;

/**
 * The subnet of a key in the one text that flannel writes for it; undefined for any other text. flannel's own reader takes more: junk before the
 * address (`x10.5.1.0-24`), host bits (`10.5.1.7-24`), IPv6 text that is not canonical. Nothing writes those, and taking them
 * would give one subnet several keys.
 */
export function parseLeaseKey(text: string): ReadLeaseKey | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [first = '', second, ...more] = text.split('&');
  if (more.length > 0) return undefined;
  const v4 = parsePart(first, 4);
  const v6 = second === undefined ? undefined : parsePart(second, 6);
  if (v4 === undefined || (second !== undefined && v6 === undefined)) return undefined;
  const subnet: LeaseSubnet = v6 === undefined ? { v4 } : { v4, v6 };
  const key = leaseKeyOf(subnet);
  return key === text ? { key, subnet } : undefined;
}

function parsePart(text: string, version: 4 | 6): Subnet | undefined {
  const match = /^([0-9a-f.:]+)-([0-9]{1,3})$/.exec(text);
  const address = match?.[1] === undefined ? undefined : tryAddress(match[1]);
  const length = Number(match?.[2]);
  if (address === undefined || family(address) !== version || length > LONGEST[version]) return undefined;
  return subnetOf(address, length);
}

/** Why `parseLeaseKey` does not take it, for reports. */
export const LEASE_KEY_FORM =
  'not the key of a lease: expected the form 10.5.34.0-24 or 10.5.34.0-24&fd00:1::-64, host bits zero';
