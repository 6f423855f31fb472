/** Masquerade rules by iptables, of either kind: a chain of nat for each daemon, and a jump to it. */
import { masqueradeChainOf } from '../core/instance.ts';
import type { AddressMatch, MasqueradeRule } from '../core/masquerade-rules.ts';
import { WeftError } from '../core/errors.ts';
import { trySubnet } from '../core/subnet.ts';
import { LOCK_WAIT, wordsOf } from './iptables.ts';
import type { MasqueradeTable } from './masquerade-table.ts';
import { emptyRule, type PostroutingChains, type PostroutingRule, type Writable } from './postrouting.ts';
import { runProgram } from './program.ts';

const COMMENT = 'weft masq';
const POSTROUTING = 'POSTROUTING';

/** @param program `iptables`, or the name of one of its kinds: beside it stands the one that restores (`iptables-nft-restore`). */
export function iptablesMasquerade(program: string): MasqueradeTable {
  const lines = (chain: string, signal: AbortSignal): Promise<string[]> => natLines(program, chain, signal);
  const jumps = async (instance: string, signal: AbortSignal): Promise<string[]> => {
    const target = masqueradeChainOf(instance);
    return (await lines(POSTROUTING, signal)).filter((line) => readIptablesRule(line)?.target === target);
  };
  const restore = async (commands: readonly string[], signal: AbortSignal): Promise<void> => {
    const text = `${['*nat', ...commands, 'COMMIT'].join('\n')}\n`;
    await runProgram(`${program}-restore`, ['--noflush', ...LOCK_WAIT], signal, text);
  };
  return {
    async read(instance, signal) {
      const [chain, leading] = await Promise.all([lines(masqueradeChainOf(instance), signal), jumps(instance, signal)]);
      const rules = chain.flatMap((line) => readIptablesRule(line) ?? []);
      if (chain.length === 0 && leading.length === 0) return undefined;
      const [jump, ...more] = leading.flatMap((line) => readIptablesRule(line) ?? []);
      const isLed = jump !== undefined && more.length === 0 && isBare(jump);
      return { text: [...leading, ...chain].join('\n'), rules: isLed ? rules : undefined };
    },
    async replace(instance, rules, fullyRandom, signal) {
      const leading = await jumps(instance, signal);
      const [jump] = leading.flatMap((line) => readIptablesRule(line) ?? []);
      const stands = leading.length === 1 && jump !== undefined && isBare(jump);
      const anew = stands ? [] : [...leading.map(removal), jumpLine(instance)];
      await restore([...iptablesLines(instance, rules, fullyRandom), ...anew], signal);
    },
    async remove(instance, signal) {
      const chain = masqueradeChainOf(instance);
      const [standing, leading] = await Promise.all([lines(chain, signal), jumps(instance, signal)]);
      if (standing.length === 0 && leading.length === 0) return;
      await restore([`:${chain} - [0:0]`, ...leading.map(removal), `-X ${chain}`], signal);
    },
  };
}

const isBare = ({ source, destination, mark, links, special }: PostroutingRule): boolean =>
  source === undefined && destination === undefined && mark === undefined && !links && !special;

const removal = (line: string): string => line.replace(/^-A/, '-D');
const jumpLine = (instance: string): string =>
  `-A ${POSTROUTING} -m comment --comment "${COMMENT}" -j ${masqueradeChainOf(instance)}`;

/** With --noflush a chain that is declared is emptied, or made, in the same step as its rules come (iptables-restore(8)). */
export function iptablesLines(instance: string, rules: readonly MasqueradeRule[], fullyRandom: boolean): string[] {
  const chain = masqueradeChainOf(instance);
  return [`:${chain} - [0:0]`, ...rules.map((rule) => `-A ${chain} ${iptablesRule(rule, fullyRandom)}`)];
}

function iptablesRule({ mark, source, destination, does }: MasqueradeRule, fullyRandom: boolean): string {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  return [
    ...matchText('-s', source),
    ...matchText('-d', destination),
    ...(mark === undefined ? [] : [`-m mark --mark ${hex(mark.value)}/${hex(mark.mask)}`]),
    `-m comment --comment "${COMMENT}"`,
    does === 'return' ? '-j RETURN' : `-j MASQUERADE${fullyRandom ? ' --random-fully' : ''}`,
  ].join(' ');
}

const matchText = (flag: '-s' | '-d', match: AddressMatch | undefined): string[] =>
  match === undefined ? [] : [`${match.not ? '! ' : ''}${flag} ${match.range}`];

/** Its declaration and its rules; empty when there is no such chain. */
async function natLines(program: string, chain: string, signal: AbortSignal): Promise<string[]> {
  try {
    const text = await runProgram(program, [...LOCK_WAIT, '-t', 'nat', '-S', chain], signal);
    return text.split('\n').filter((line) => line !== '');
  } catch (error) {
    // Of no such chain; iptables-nft says the latter, and of a chain with a rule that it cannot read too: one of our own is made anew, then.
    const gone =
      chain === POSTROUTING
        ? /No chain\/target\/match by that name/
        : /No chain\/target\/match by that name|is incompatible, use 'nft' tool/;
    if (error instanceof WeftError && gone.test(error.message)) return [];
    throw error;
  }
}

export async function readNatChains(
  program: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<PostroutingChains> {
  const chains = await Promise.all(names.map((name) => natLines(program, name, signal)));
  return new Map(names.map((name, i) => [name, (chains[i] ?? []).flatMap((line) => readIptablesRule(line) ?? [])]));
}

const VERDICTS: Readonly<Record<string, PostroutingRule['does']>> = {
  RETURN: 'return',
  ACCEPT: 'accept',
  MASQUERADE: 'masquerade',
  SNAT: 'snat',
};

/** A line of `iptables -S`; undefined when it is no rule. */
export function readIptablesRule(line: string): PostroutingRule | undefined {
  const [command, , ...words] = wordsOf(line);
  if (command !== '-A') return undefined;
  const rule = emptyRule();
  let not = false;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (word === '!') {
      not = true;
      continue;
    }
    const value = words[i + 1] ?? '';
    i += 1;
    if (word === '-j' || word === '-g') {
      readTarget(rule, value, words.slice(i + 1));
      break;
    }
    const range = word === '-s' || word === '-d' ? trySubnet(value) : undefined;
    const mark = word === '--mark' && !not ? /^0x([0-9a-f]+)(?:\/0x([0-9a-f]+))?$/.exec(value) : null;
    if (range !== undefined) rule[word === '-s' ? 'source' : 'destination'] = { range, not };
    else if (word === '-i' || word === '-o') rule.links = true;
    else if (mark !== null)
      rule.mark = { value: Number.parseInt(mark[1] ?? '', 16), mask: Number.parseInt(mark[2] ?? 'ffffffff', 16) };
    else if (word !== '--comment' && !(word === '-m' && (value === 'comment' || value === 'mark'))) {
      rule.special = true;
      // Words of other matches come in any number; from here only the target counts.
      const target = words.findIndex((other, at) => at >= i && (other === '-j' || other === '-g'));
      if (target === -1) break;
      i = target - 1;
    }
    not = false;
  }
  return rule;
}

function readTarget(rule: Writable<PostroutingRule>, name: string, options: readonly string[]): void {
  rule.does = VERDICTS[name] ?? 'jump';
  if (rule.does === 'jump') rule.target = name;
  rule.fullyRandom = options.includes('--random-fully');
  if (options.length > (rule.fullyRandom ? 1 : 0) && rule.does !== 'snat') rule.special = true;
}
