/** Chains of nftables that others keep: never edited, but what in them drops our packets is reported, and how to let them pass. */
import type { Finding } from '../core/finding.ts';
import { contains, type Subnet } from '../core/subnet.ts';
import { dropIn, type ForwardChains, type ForwardRule } from './forward-chains.ts';
import { readChain, readTable, type NftChain } from './nftables.ts';

export async function foreignDrops(
  nft: string,
  hook: NftChain,
  networks: readonly Subnet[],
  signal: AbortSignal,
): Promise<Finding[]> {
  const alone = await readChain(nft, hook, signal);
  if (networks.every((network) => dropIn(alone, hook.name, network) === undefined)) return [];
  // Whether something that it calls has accepted them before: only now is the whole table worth reading.
  const chains = await readTable(nft, hook.family, hook.table, signal);
  return networks.flatMap((network) => {
    const drop = dropIn(chains, hook.name, network);
    return drop === undefined || isProvidedFor(chains, network) ? [] : [finding(hook, drop, network)];
  });
}

/**
 * Firewalls that sort packets by zone go through chains that cannot be followed. A rule that accepts packets by this very range, or leads them
 * elsewhere, shows that somebody has thought of them; then silence is better than a report that nothing ends.
 */
function isProvidedFor(chains: ForwardChains, network: Subnet): boolean {
  const names = (rule: ForwardRule): boolean =>
    [rule.source, rule.destination].some((range) => range !== undefined && contains(range, network)) &&
    (rule.does === 'accept' || rule.does === 'jump' || rule.does === 'goto');
  return [...chains.values()].some((chain) => chain.rules.some(names));
}

function finding({ family, table, name }: NftChain, drop: ForwardRule | 'policy', network: Subnet): Finding {
  const chain = `${family} ${table} ${name}`;
  const links = drop === 'policy' || drop.links === '' ? '' : `${drop.links} `;
  const what = drop === 'policy' ? 'policy drop' : `the rule "${links}drop"`;
  const add = ['saddr', 'daddr'].map((field) => `nft insert rule ${chain} ${links}ip ${field} ${network} accept`);
  return {
    code: 'FORWARD_DROPS',
    message:
      `nftables chain ${chain} drops forwarded packets of ${network} (${what}). It is not ours to change; let them pass in the ` +
      `configuration of the firewall that made it, or: ${add.join('; ')}` +
      (links === '' ? ' (iifname and oifname make the rules narrower)' : ''),
  };
}
