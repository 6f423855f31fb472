/** Which subnets of a network may be leased: flannel's SubnetLen, SubnetMin and SubnetMax, their defaults and their checks, for either family. */
import { addressValue, bitsOf, compareAddresses, family, offset, type Address, type Family } from './address.ts';
import type { ConfigProblem } from './config-problem.ts';
import type { FamilyRange } from './network-config.ts';
import { baseOf, contains, lastOf, prefixLengthOf, sizeOf, subnetOf, type Subnet } from './subnet.ts';

export interface RangeWish {
  readonly network: Subnet | undefined;
  /** Undefined or 0: chosen from the network's size. */
  readonly subnetLength: number | undefined;
  /** Undefined or the zero address: the second subnet, the last one. */
  readonly min: Address | undefined;
  readonly max: Address | undefined;
}

/** flannel's rules (pkg/subnet/config.go, CheckNetworkConfig): texts and numbers of each family. */
interface FamilyRules {
  readonly keys: { readonly network: string; readonly length: string; readonly min: string; readonly max: string };
  /** A subnet this long when the network holds at least four of them. */
  readonly usualLength: number;
  readonly longestSubnet: number;
  readonly longestNetwork: number;
  readonly tooSmall: string;
}

const RULES: Readonly<Record<Family, FamilyRules>> = {
  4: {
    keys: { network: 'Network', length: 'SubnetLen', min: 'SubnetMin', max: 'SubnetMax' },
    usualLength: 24,
    longestSubnet: 30,
    longestNetwork: 28,
    tooSmall: 'network is too small. Minimum useful network prefix is /28',
  },
  6: {
    keys: { network: 'IPv6Network', length: 'IPv6SubnetLen', min: 'IPv6SubnetMin', max: 'IPv6SubnetMax' },
    usualLength: 64,
    longestSubnet: 126,
    longestNetwork: 124,
    tooSmall: 'IPv6Network is too small. Minimum useful network prefix is /124',
  },
};

/** Undefined when something is wrong; then `problems` has grown. */
export function rangeOf(version: Family, wish: RangeWish, problems: ConfigProblem[]): FamilyRange | undefined {
  const { keys, usualLength, longestSubnet, longestNetwork, tooSmall } = RULES[version];
  const wrong = (key: string, message: string, fix: string): undefined => {
    problems.push({ code: 'CONFIG_INVALID', key, message, fix });
    return undefined;
  };
  const { network } = wish;
  // flannel takes 0.0.0.0/0 and ::/0 for "not given".
  if (network === undefined || (prefixLengthOf(network) === 0 && addressValue(baseOf(network)) === 0n)) {
    const example = version === 4 ? '10.42.0.0/16' : 'fd00:42::/48';
    return wrong(
      keys.network,
      `please define a correct ${keys.network} parameter in the flannel config`,
      `Set "${keys.network}" to the range that containers live in, like "${example}"`,
    );
  }
  const prefix = prefixLengthOf(network);
  const subnetLength = wish.subnetLength || (prefix <= usualLength - 2 ? usualLength : prefix + 2);
  if (wish.subnetLength) {
    if (subnetLength > longestSubnet) {
      return wrong(
        keys.length,
        `SubnetLen must be less than /${longestSubnet + 1}`,
        `Set "${keys.length}" to ${longestSubnet} or less: a host's subnet needs room for a bridge and containers`,
      );
    }
    if (subnetLength < prefix + 2) {
      return wrong(
        keys.length,
        'network must be able to accommodate at least four subnets',
        `Set "${keys.length}" to ${prefix + 2} or more, or take a larger "${keys.network}"`,
      );
    }
  } else if (prefix > longestNetwork) {
    return wrong(keys.network, tooSmall, `Take a larger "${keys.network}": /${longestNetwork} or a smaller number`);
  }

  const step = sizeOf(subnetOf(baseOf(network), subnetLength));
  const bound = (key: string, given: Address | undefined, usual: Address): Address | undefined => {
    if (given === undefined || addressValue(given) === 0n) return usual;
    const range = `between ${baseOf(network)} and ${offset(lastOf(network), 1n - step)}`;
    if (!contains(network, given))
      return wrong(
        key,
        `${key} is not in the range of the ${keys.network}`,
        `Set "${key}" to the base of a subnet ${range}, or leave it out`,
      );
    return given;
  };
  // The first subnet is passed over by default: its base is the network's own address, which makes trouble on a device.
  const min = bound(keys.min, wish.min, offset(baseOf(network), step));
  if (min === undefined) return undefined;
  const max = bound(keys.max, wish.max, offset(lastOf(network), 1n - step));
  if (max === undefined) return undefined;
  for (const [key, address] of [
    [keys.min, min],
    [keys.max, max],
  ] as const) {
    const base = baseOf(subnetOf(address, subnetLength));
    if (base !== address)
      return wrong(
        key,
        `${key} is not on a SubnetLen boundary: ${address}`,
        `Set "${key}" to ${base}, the base of the /${subnetLength} that holds ${address}`,
      );
  }
  return { network, subnetLength, min, max };
}

/** How many subnets there are to lease; none when `min` lies above `max`. */
export function leasableCount(range: FamilyRange): bigint {
  const first = addressValue(range.min);
  const last = addressValue(range.max);
  return last < first ? 0n : ((last - first) >> BigInt(bitsOf(family(range.min)) - range.subnetLength)) + 1n;
}

/** Why a subnet cannot be leased within this range; undefined when it can. */
export function misfit(range: FamilyRange, subnet: Subnet): string | undefined {
  if (prefixLengthOf(subnet) !== range.subnetLength)
    return `subnet ${subnet} is not a /${range.subnetLength} (network config key "SubnetLen")`;
  if (!contains(range.network, subnet)) return `subnet ${subnet} lies outside Network ${range.network}`;
  const base = baseOf(subnet);
  if (compareAddresses(base, range.min) < 0) return `subnet ${subnet} lies below SubnetMin ${range.min}`;
  if (compareAddresses(base, range.max) > 0) return `subnet ${subnet} lies above SubnetMax ${range.max}`;
  return undefined;
}
