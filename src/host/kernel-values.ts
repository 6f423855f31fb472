/** The border between the codec's values and ours. What the kernel sends is well-formed by construction, so the brands are given here. */
import { addressFrom, addressValue, family, v4Address, v4Value, type Address } from '../core/address.ts';
import type { MacAddress } from '../core/mac.ts';
import { baseOf, prefixLengthOf, type Subnet } from '../core/subnet.ts';
import type { IpValue } from '../native/netlink/ip-value.ts';

export const ipValueOf = (address: Address): IpValue =>
  family(address) === 4 ? v4Value(address) : addressValue(address);

export const addressOf = (value: IpValue): Address =>
  typeof value === 'number' ? v4Address(value) : addressFrom(value, 6);

/** The kernel refuses routes and rules with host bits. */
export const subnetFrom = (value: IpValue, prefixLength: number): Subnet =>
  `${addressOf(value)}/${prefixLength}` as Subnet;

/** The codec writes them as we do: lower case, with colons. */
export const macAddressOf = (text: string): MacAddress => text as MacAddress;

/** Does an address, or a whole range, lie in one of the networks? Asked for each route of a dump, so the networks are read once. */
export function within(networks: readonly Subnet[]): (value: IpValue, prefixLength?: number) => boolean {
  const ranges = networks.map((network) => {
    const base = ipValueOf(baseOf(network));
    const length = prefixLengthOf(network);
    return { base, length, head: headOf(base, length) };
  });
  return (value, prefixLength = typeof value === 'number' ? 32 : 128) => {
    for (const { base, length, head } of ranges) {
      if (typeof base === typeof value && prefixLength >= length && headOf(value, length) === head) return true;
    }
    return false;
  };
}

/** The first bits of an address. Shifts by 32 do nothing in JavaScript, so a length of 0 has its own answer. */
function headOf(value: IpValue, length: number): IpValue {
  if (typeof value === 'bigint') return value >> BigInt(128 - length);
  return length === 0 ? 0 : value >>> (32 - length);
}
