/** The filter table by iptables, of either kind: what stands in it (`-S`), and our rules in it. */
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { trySubnet, type Subnet } from '../core/subnet.ts';
import { COMMENT, type Direction, type ForwardChain, type ForwardChains, type ForwardRule } from './forward-chains.ts';
import type { ForwardTable } from './forward-table.ts';
import { findProgram, runProgram, unlessGone } from './program.ts';

/** Two rule sets that know nothing of each other: the kernel's own of old, and the same language on nftables. */
export type IptablesKind = 'nft' | 'legacy';

/** Seconds to wait for the lock that all users of iptables share (/run/xtables.lock). */
export const LOCK_WAIT = ['-w', '5'];

/** The program for one of the two rule sets. Plain `iptables` is either, by the host's choice. */
export async function findIptables(kind: IptablesKind, signal: AbortSignal): Promise<string | undefined> {
  const exact = findProgram(`iptables-${kind}`);
  if (exact !== undefined) return exact;
  const plain = findProgram('iptables');
  if (plain === undefined) return undefined;
  return (await kindOf(plain, signal)) === kind ? plain : undefined;
}

/** One binary under many names (xtables-nft-multi, xtables-legacy-multi); before 1.8 there was nothing to tell apart. */
export async function kindOf(plain: string, signal: AbortSignal): Promise<IptablesKind> {
  const real = basename(realpathSync(plain));
  if (real.includes('legacy')) return 'legacy';
  return real.includes('nft') || (await runProgram(plain, ['-V'], signal)).includes('nf_tables') ? 'nft' : 'legacy';
}

export async function readIptables(program: string, signal: AbortSignal): Promise<ForwardTable> {
  const chains = parseIptables(await runProgram(program, [...LOCK_WAIT, '-S'], signal));
  return {
    chains,
    // iptables counts rules from 1.
    async insert({ chain, index, direction }, network, stop) {
      await runProgram(program, [...LOCK_WAIT, '-I', chain, String(index + 1), ...ownRule(network, direction)], stop);
    },
    async remove(chain, _rule, network, direction, stop) {
      await unlessGone(runProgram(program, [...LOCK_WAIT, '-D', chain, ...ownRule(network, direction)], stop));
    },
  };
}

const ownRule = (network: Subnet, direction: Direction): string[] => [
  direction === 'source' ? '-s' : '-d',
  network,
  '-m',
  'comment',
  '--comment',
  COMMENT,
  '-j',
  'ACCEPT',
];

export function parseIptables(text: string): ForwardChains {
  const chains = new Map<string, { policy: ForwardChain['policy']; rules: ForwardRule[] }>();
  for (const line of text.split('\n')) {
    const [command, name, ...words] = wordsOf(line);
    if (name === undefined) continue;
    if (command === '-P') chains.set(name, { policy: words[0] === 'ACCEPT' ? 'accept' : 'drop', rules: [] });
    else if (command === '-N') chains.set(name, { policy: undefined, rules: [] });
    else if (command === '-A') chains.get(name)?.rules.push(parseRule(words));
  }
  return chains;
}

/** `-S` puts words with spaces in double quotes, and a backslash before quotes in them. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    (match) => match[1]?.replaceAll(/\\(.)/g, '$1') ?? match[2] ?? '',
  );
}

const VERDICTS: Readonly<Record<string, ForwardRule['does']>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'drop',
  RETURN: 'return',
};

/** Targets of iptables' extensions are in capitals, as chains may be too: what is no chain leads nowhere and is passed over. */
function parseRule(words: readonly string[]): ForwardRule {
  const rule: { -readonly [K in keyof ForwardRule]: ForwardRule[K] } = { does: 'other', links: '', special: false };
  for (let i = 0; i < words.length; i += 2) {
    const word = words[i] ?? '';
    const value = words[i + 1] ?? '';
    if (word === '-j' || word === '-g') {
      rule.does = word === '-g' ? 'goto' : (VERDICTS[value] ?? 'jump');
      if (rule.does === 'jump' || rule.does === 'goto') rule.target = value;
      // What follows are the target's own options.
      break;
    }
    const range = word === '-s' || word === '-d' ? trySubnet(value) : undefined;
    if (range !== undefined) rule[word === '-s' ? 'source' : 'destination'] = range;
    else if (word === '-i' || word === '-o') rule.links = `${rule.links} ${word} ${value}`.trim();
    else if (word === '--comment') rule.comment = value;
    else if (word !== '-m' || value !== 'comment') {
      rule.special = true;
      // Words of other matches come in any number; from here only the target counts.
      const rest = words.findIndex((other, at) => at >= i && (other === '-j' || other === '-g'));
      if (rest === -1) break;
      i = rest - 2;
    }
  }
  return rule;
}
