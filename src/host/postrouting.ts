/**
 * Rules of nat's postrouting, whoever keeps them: read from the words of nft or iptables into one form, so that ours can be compared, and others' can be asked
 * whether they rewrite what containers send to each other.
 */
import type { AddressMatch, MasqueradeRule, SeenRule } from '../core/masquerade-rules.ts';
import { contains, overlaps, type Subnet } from '../core/subnet.ts';

export interface PostroutingRule {
  readonly does: 'return' | 'accept' | 'masquerade' | 'snat' | 'jump' | 'other';
  /** Chain to go to. */
  readonly target?: string;
  readonly mark?: MasqueradeRule['mark'];
  readonly source?: AddressMatch;
  readonly destination?: AddressMatch;
  readonly fullyRandom: boolean;
  /** It asks for a device. */
  readonly links: boolean;
  /** It asks for something that is not read here. */
  readonly special: boolean;
}

export type PostroutingChains = ReadonlyMap<string, readonly PostroutingRule[]>;

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

export const emptyRule = (): Writable<PostroutingRule> => ({
  does: 'other',
  fullyRandom: false,
  links: false,
  special: false,
});

/** As one of ours; undefined when it says more than those, or something else. */
export function asSeenRule(rule: PostroutingRule): SeenRule | undefined {
  const { does, mark, source, destination, fullyRandom, links, special } = rule;
  if (links || special || (does !== 'return' && does !== 'masquerade')) return undefined;
  return {
    does,
    fullyRandom,
    ...(mark === undefined ? {} : { mark }),
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
  };
}

type Fate = 'rewritten' | 'left' | 'undecided';

const holds = (match: AddressMatch | undefined, range: Subnet): boolean =>
  match === undefined || (match.not ? !overlaps(match.range, range) : contains(match.range, range));

/**
 * Does the chain rewrite the source of packets from this subnet to all of the Network? Rules that ask for more than addresses and devices are passed
 * over: what they are about is somebody's intent.
 */
export function rewritesPods(chains: PostroutingChains, name: string, network: Subnet, subnet: Subnet): boolean {
  return fateIn(chains, name, network, subnet, []) === 'rewritten';
}

function fateIn(
  chains: PostroutingChains,
  name: string,
  network: Subnet,
  subnet: Subnet,
  callers: readonly string[],
): Fate {
  if (callers.includes(name)) return 'undecided';
  for (const rule of chains.get(name) ?? []) {
    if (rule.special || rule.mark !== undefined || !holds(rule.source, subnet) || !holds(rule.destination, network))
      continue;
    if (rule.does === 'masquerade' || rule.does === 'snat') return 'rewritten';
    if (rule.does === 'accept' && !rule.links) return 'left';
    if (rule.does === 'return' && !rule.links) return callers.length === 0 ? 'left' : 'undecided';
    if (rule.does !== 'jump' || rule.target === undefined) continue;
    const fate = fateIn(chains, rule.target, network, subnet, [...callers, name]);
    if (fate !== 'undecided') return fate;
  }
  return 'undecided';
}
