/**
 * Chains of rules that forwarded packets pass, whoever keeps them (iptables of either kind, nftables), and the one question we have:
 * does something in them drop the packets of a range, and where must an accept stand to prevent it?
 *
 * No answer can be exact: rules match ports, marks and states that a range does not have. A drop counts as ours when it asks for nothing
 * but devices or addresses that hold the whole range; one that asks for more (a port, a state, part of the range) is somebody's
 * policy, and the accept goes below it.
 */
import { contains, type Subnet } from '../core/subnet.ts';

export interface ForwardRule {
  readonly does: 'accept' | 'drop' | 'return' | 'jump' | 'goto' | 'other';
  /** Chain to go to. */
  readonly target?: string;
  readonly source?: Subnet;
  readonly destination?: Subnet;
  /** What it asks of devices, in the words of its program; empty when nothing. */
  readonly links: string;
  /** It asks for something else besides: protocol, port, state, mark, not-this-address. */
  readonly special: boolean;
  readonly comment?: string;
  /** nftables' name of the rule. */
  readonly handle?: number;
}

export interface ForwardChain {
  /** What happens at the end; undefined: back to the caller. */
  readonly policy: 'accept' | 'drop' | undefined;
  readonly rules: readonly ForwardRule[];
}

export type ForwardChains = ReadonlyMap<string, ForwardChain>;

/** Packets from the range, packets to it. */
export const DIRECTIONS = ['source', 'destination'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Above which rule of which chain an accept for a direction has to stand, where there is none yet. */
export interface Place {
  readonly chain: string;
  readonly index: number;
  readonly direction: Direction;
}

/** Docker makes this chain for its users' rules and goes there before its own (docs.docker.com, "Packet filtering and firewalls"). */
const USER_CHAIN = 'DOCKER-USER';
export const OWN_CHAINS = ['FORWARD', USER_CHAIN] as const;

/** Marks our rules; the range tells those of several daemons apart. */
export const COMMENT = 'weft forward';

export function isOwn(rule: ForwardRule, network: Subnet, direction: Direction): boolean {
  const other = direction === 'source' ? rule.destination : rule.source;
  return (
    rule.does === 'accept' &&
    rule.comment === COMMENT &&
    rule[direction] === network &&
    other === undefined &&
    !rule.special &&
    rule.links === ''
  );
}

const holds = (range: Subnet | undefined, network: Subnet): boolean => range === undefined || contains(range, network);

/** Does the rule, devices apart, take every packet of the range in at least one direction? */
const takesAll = (rule: ForwardRule, network: Subnet): boolean =>
  !rule.special && holds(rule.source, network) && holds(rule.destination, network);

/** Directions that an accept without further conditions opens. */
function opens(rule: ForwardRule, network: Subnet): readonly Direction[] {
  if (rule.does !== 'accept' || rule.links !== '' || !takesAll(rule, network)) return [];
  if (rule.source === undefined) return rule.destination === undefined ? DIRECTIONS : ['destination'];
  return rule.destination === undefined ? ['source'] : [];
}

type Walk =
  | { readonly end: 'accepted' }
  | { readonly end: 'dropped'; readonly index: number; readonly rule?: ForwardRule }
  /** Back to the caller; `index`: of the rule that sends all of them there, or the end. */
  | { readonly end: 'through'; readonly index: number };

/** Follows the packets of a range through a chain; `open` gathers the directions that were accepted on the way. */
function walk(
  chains: ForwardChains,
  name: string,
  network: Subnet,
  open: Set<Direction>,
  callers: readonly string[],
  until = Infinity,
): Walk {
  const chain = chains.get(name);
  if (chain === undefined || callers.includes(name)) return { end: 'through', index: 0 };
  const atEnd = (index: number): Walk => ({ end: chain.policy === 'drop' ? 'dropped' : 'through', index });
  for (const [index, rule] of chain.rules.entries()) {
    if (index >= until) return { end: 'through', index };
    for (const direction of opens(rule, network)) open.add(direction);
    if (open.size === DIRECTIONS.length) return { end: 'accepted' };
    // Inside a chain of some program (libvirt's, say) a drop for one device is about that program's device.
    const blanket = takesAll(rule, network) && (rule.links === '' || callers.length === 0);
    if (rule.does === 'drop' && blanket) return { end: 'dropped', index, rule };
    if (rule.links !== '' || !takesAll(rule, network)) continue;
    if (rule.does === 'return' && missingOf(open).every((direction) => rule[opposite(direction)] === undefined))
      return atEnd(index);
    if (rule.target === undefined) continue;
    const inner = walk(chains, rule.target, network, open, [...callers, name]);
    if (inner.end === 'accepted') return inner;
    if (inner.end === 'dropped') return { ...inner, index };
    if (rule.does === 'goto') return atEnd(index);
  }
  return atEnd(chain.rules.length);
}

const opposite = (direction: Direction): Direction => (direction === 'source' ? 'destination' : 'source');

const missingOf = (open: ReadonlySet<Direction>): Direction[] => DIRECTIONS.filter((direction) => !open.has(direction));

/** Where accepts for the range have to be put into iptables' chains, from the bottom; none when they are there, or nothing drops. */
export function placesFor(chains: ForwardChains, network: Subnet): readonly Place[] {
  const rules = chains.get('FORWARD')?.rules ?? [];
  const jump = rules.findIndex((rule) => rule.target === USER_CHAIN && rule.links === '' && takesAll(rule, network));
  const open = new Set<Direction>();
  const head = walk(chains, 'FORWARD', network, open, [], jump === -1 ? Infinity : jump);
  if (head.end === 'dropped') {
    const { index } = head;
    return missingOf(open).map((direction) => ({ chain: 'FORWARD', index, direction }));
  }
  if (head.end === 'accepted' || jump === -1 || !chains.has(USER_CHAIN)) return [];
  // What Docker does behind its user chain drops packets of other bridges and hosts in more ways than can be followed: an accept has to stand in it. As low as it can be,
  // since its drops are the operator's, those for a device too: they keep the world out.
  return missingOf(open)
    .flatMap((direction) => {
      const user = walk(chains, USER_CHAIN, network, new Set([...open, opposite(direction)]), ['FORWARD']);
      return user.end === 'accepted' ? [] : { chain: USER_CHAIN, index: user.index, direction };
    })
    .toSorted((a, b) => b.index - a.index);
}

/** What in a chain of any table drops the range's packets: a rule, or the policy; undefined when nothing does. */
export function dropIn(chains: ForwardChains, name: string, network: Subnet): ForwardRule | 'policy' | undefined {
  const verdict = walk(chains, name, network, new Set(), []);
  return verdict.end === 'dropped' ? (verdict.rule ?? 'policy') : undefined;
}
