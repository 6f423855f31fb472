/** Which rule sets this host's packet filter has: looked up once for all that is asked of them. */
import { readFile } from 'node:fs/promises';
import { errnoOf, fileError, isGone } from './host-errors.ts';
import { listChains, type NftChain } from './nftables.ts';
import { findProgram } from './program.ts';

export interface RuleSets {
  /** The program; undefined where it is not installed. */
  readonly nft: string | undefined;
  /** All of nftables, iptables-nft's among them; undefined where there is no nft, or a kernel without nftables. */
  readonly chains: readonly NftChain[] | undefined;
  /** Tables of old iptables that somebody has used; `hidden` where we may not know. To ask iptables-legacy for one would make it. */
  readonly legacy: ReadonlySet<string> | 'hidden';
}

export async function findRuleSets(signal: AbortSignal): Promise<RuleSets> {
  const nft = findProgram('nft');
  const [chains, legacy] = await Promise.all([nft === undefined ? undefined : listChains(nft, signal), legacyTables()]);
  return { nft, chains, legacy };
}

export const hasLegacy = ({ legacy }: RuleSets, table: string): boolean => legacy !== 'hidden' && legacy.has(table);

/** The kernel tells of changes in nftables, and of none in old iptables. */
export const isSilent = ({ legacy }: RuleSets): boolean => legacy !== 'hidden' && legacy.size > 0;

async function legacyTables(): Promise<RuleSets['legacy']> {
  try {
    const names = await readFile('/proc/net/ip_tables_names', 'utf8');
    return new Set(names.split('\n').filter((name) => name !== ''));
  } catch (error) {
    if (isGone(error)) return new Set();
    // Root of a user namespace may not read the list of a network namespace that is older than its own id mapping.
    if (errnoOf(error) === 'EACCES') return 'hidden';
    throw fileError('cannot read /proc/net/ip_tables_names', error);
  }
}
