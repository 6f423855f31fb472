/**
 * Forwarded packets of a range accepted where something would drop them.
 *
 * Netfilter asks every base chain at the forward hook, and one drop is final: an accept in a table of our own helps nothing. So the rule
 * goes into the chain that drops, when that is iptables' (of either kind: a host may have both), and is reported when it is another's.
 */
import type { Change } from '../core/diff.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { ForwardAccept } from '../core/host-entry.ts';
import type { Subnet } from '../core/subnet.ts';
import { foreignDrops } from './foreign-chains.ts';
import { DIRECTIONS, isOwn, OWN_CHAINS, placesFor, type Direction } from './forward-chains.ts';
import type { ForwardTable } from './forward-table.ts';
import { findIptables, readIptables } from './iptables.ts';
import { readFilterTable, type NftChain } from './nftables.ts';
import { hasLegacy, type RuleSets } from './rule-sets.ts';

interface Look {
  /** Filter tables of iptables' making that exist. */
  readonly tables: readonly ForwardTable[];
  /** Other chains at the forward hook, and the program to read them with. */
  readonly foreign: readonly { readonly nft: string; readonly hook: NftChain }[];
  readonly findings: readonly Finding[];
}

const blind = (message: string): Finding => ({
  code: 'FORWARD_DROPS',
  message: `cannot see whether forwarded packets are dropped: ${message}`,
});

const isIptables = (hook: NftChain): boolean =>
  hook.family === 'ip' && hook.table === 'filter' && hook.name === 'FORWARD';

async function look(sets: RuleSets, signal: AbortSignal): Promise<Look> {
  const { nft, chains = [] } = sets;
  const hooks = chains.filter(({ hook }) => hook === 'forward');
  const tables: ForwardTable[] = [];
  const findings: Finding[] = [];
  const iptablesNft = nft === undefined || hooks.some(isIptables) ? await findIptables('nft', signal) : undefined;
  if (iptablesNft !== undefined) tables.push(await readNftFilter(iptablesNft, nft, signal));
  else if (nft !== undefined && hooks.some(isIptables)) tables.push(await readFilterTable(nft, signal));
  if (hasLegacy(sets, 'filter')) {
    const legacy = await findIptables('legacy', signal);
    if (legacy !== undefined) tables.push(await readIptables(legacy, signal));
    else findings.push(blind('the kernel has a filter table of iptables-legacy, which is not installed'));
  } else if (nft === undefined && iptablesNft === undefined && (await findIptables('legacy', signal)) === undefined) {
    findings.push(blind('neither nft nor iptables is installed'));
  }
  const foreign = nft === undefined ? [] : hooks.filter((hook) => !isIptables(hook)).map((hook) => ({ nft, hook }));
  return { tables, foreign, findings };
}

/** One rule that iptables cannot express makes it refuse the whole table ("incompatible, use 'nft' tool"; "Parsing nftables rule failed"). */
async function readNftFilter(iptables: string, nft: string | undefined, signal: AbortSignal): Promise<ForwardTable> {
  try {
    return await readIptables(iptables, signal);
  } catch (error) {
    if (nft === undefined || !(error instanceof WeftError) || error.code !== 'KERNEL_REFUSED') throw error;
    return readFilterTable(nft, signal);
  }
}

interface Accepts {
  readonly entries: readonly ForwardAccept[];
  readonly findings: readonly Finding[];
}

const accept = (network: Subnet): ForwardAccept => ({ kind: 'accept', network });

/** Ranges whose packets shall pass, and those of which rules of ours may be left. */
export interface AcceptScope {
  readonly wanted: readonly Subnet[];
  readonly former: readonly Subnet[];
}

/**
 * Which of the wanted ranges pass, as far as iptables is concerned; also those that nothing would drop. What else drops them is in the findings. And of which former
 * ones rules of ours stand. A program that fails (another version than the kernel's rules, a lock that is not given back, no CAP_NET_RAW) must not keep the rest of the
 * host from being looked at: nothing is changed then that could not be seen.
 */
export async function observeAccepts(sets: RuleSets, scope: AcceptScope, signal: AbortSignal): Promise<Accepts> {
  if (scope.wanted.length === 0 && scope.former.length === 0) return { entries: [], findings: [] };
  try {
    return await seenAccepts(sets, scope, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return unseenAccepts(scope, error);
  }
}

/** When not even the rule sets could be found. */
export const unseenAccepts = ({ wanted }: AcceptScope, error: unknown): Accepts => ({
  entries: wanted.map(accept),
  findings: [blind(asWeftError(error).message)],
});

async function seenAccepts(sets: RuleSets, { wanted, former }: AcceptScope, signal: AbortSignal): Promise<Accepts> {
  const { tables, foreign, findings } = await look(sets, signal);
  const standing = wanted.filter((network) => tables.every((table) => placesFor(table.chains, network).length === 0));
  const left = former.filter((network) => tables.some((table) => hasOwn(table, network)));
  const dropped: Finding[] = [];
  for (const { nft, hook } of foreign) dropped.push(...(await foreignDrops(nft, hook, wanted, signal)));
  return {
    entries: [...standing, ...left].map(accept),
    findings: wanted.length === 0 ? [] : [...findings, ...dropped],
  };
}

const hasOwn = ({ chains }: ForwardTable, network: Subnet): boolean =>
  OWN_CHAINS.some((chain) =>
    (chains.get(chain)?.rules ?? []).some((rule) => DIRECTIONS.some((direction) => isOwn(rule, network, direction))),
  );

/** Idempotent. Touches no rule but those with our comment and this range. NOT_PERMITTED or KERNEL_REFUSED with the program's words. */
export async function applyAccept(sets: RuleSets, change: Change<ForwardAccept>, signal: AbortSignal): Promise<void> {
  const { network } = change.op === 'put' ? change.want : change.was;
  const { tables } = await look(sets, signal);
  for (const table of tables) {
    if (change.op === 'put') await putAccept(table, network, signal);
    else for (const chain of OWN_CHAINS) await removeOwn(table, chain, network, DIRECTIONS, signal);
  }
}

async function putAccept(table: ForwardTable, network: Subnet, signal: AbortSignal): Promise<void> {
  const places = placesFor(table.chains, network);
  // Ours for a missing direction stand below what drops, if there are any: they accept nothing, and would heap up.
  for (const { chain, direction } of places) await removeOwn(table, chain, network, [direction], signal);
  for (const place of places) await table.insert(place, network, signal);
}

async function removeOwn(
  table: ForwardTable,
  chain: string,
  network: Subnet,
  directions: readonly Direction[],
  signal: AbortSignal,
): Promise<void> {
  for (const rule of table.chains.get(chain)?.rules ?? []) {
    const direction = directions.find((each) => isOwn(rule, network, each));
    if (direction !== undefined) await table.remove(chain, rule, network, direction, signal);
  }
}
