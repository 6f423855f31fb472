/**
 * Masquerade rules in a table of nftables for each daemon. Which of several tables comes first is no matter: a connection whose source one of them
 * has chosen asks no other (nf_nat_inet_fn in net/netfilter/nf_nat_core.c), so that nothing is masqueraded twice.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { WeftError } from '../core/errors.ts';
import { masqueradeTableOf } from '../core/instance.ts';
import type { AddressMatch, MasqueradeRule } from '../core/masquerade-rules.ts';
import type { MasqueradeTable, SeenMasquerade } from './masquerade-table.ts';
import { list, rangeOf } from './nftables.ts';
import { emptyRule, type PostroutingRule, type Writable } from './postrouting.ts';
import { runProgram, unlessGone } from './program.ts';

const CHAIN = 'postrouting';
/** `srcnat` (NF_IP_PRI_NAT_SRC in linux/netfilter_ipv4.h), as number and as old versions of nft want it. */
const PRIORITY = 100;
const COMMENT = 'weft masq';

export function nftMasquerade(nft: string): MasqueradeTable {
  return {
    async read(instance, signal) {
      try {
        return seen(await list(nft, ['table', 'ip', masqueradeTableOf(instance)], signal));
      } catch (error) {
        if (error instanceof WeftError && error.message.includes('No such file or directory')) return undefined;
        throw error;
      }
    },
    async replace(instance, rules, fullyRandom, signal) {
      await runProgram(nft, [nftText(instance, rules, fullyRandom)], signal);
    },
    async remove(instance, signal) {
      await unlessGone(runProgram(nft, [`delete table ip ${masqueradeTableOf(instance)}`], signal));
    },
  };
}

/** One transaction, whatever stood there before: the table is added so that it can be deleted. */
export function nftText(instance: string, rules: readonly MasqueradeRule[], fullyRandom: boolean): string {
  const table = `table ip ${masqueradeTableOf(instance)}`;
  return [
    `add ${table}`,
    `delete ${table}`,
    `${table} {`,
    `  chain ${CHAIN} {`,
    `    type nat hook postrouting priority ${PRIORITY}; policy accept;`,
    ...rules.map((rule) => `    ${nftRule(rule, fullyRandom)}`),
    '  }',
    '}',
  ].join('\n');
}

function nftRule({ mark, source, destination, does }: MasqueradeRule, fullyRandom: boolean): string {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  return [
    ...(mark === undefined ? [] : [`meta mark & ${hex(mark.mask)} == ${hex(mark.value)}`]),
    ...matchText('saddr', source),
    ...matchText('daddr', destination),
    does === 'masquerade' && fullyRandom ? 'masquerade fully-random' : does,
    `comment "${COMMENT}"`,
  ].join(' ');
}

const matchText = (field: 'saddr' | 'daddr', match: AddressMatch | undefined): string[] =>
  match === undefined ? [] : [`ip ${field} ${match.not ? '!= ' : ''}${match.range}`];

/** Nothing but one chain at its hook, and its rules, is as we set it. */
function seen(objects: readonly JsonObject[]): SeenMasquerade {
  const things = objects.filter((object) => !('metainfo' in object));
  const chains = things.flatMap(({ chain }) => (isJsonObject(chain) ? [chain] : []));
  const tables = things.flatMap(({ table }) => (isJsonObject(table) ? [table] : []));
  const rules = things.flatMap(({ rule }) => (isJsonObject(rule) ? [rule] : []));
  const [chain] = chains;
  const isOurs =
    chain !== undefined &&
    things.length === 2 + rules.length &&
    chain['name'] === CHAIN &&
    chain['type'] === 'nat' &&
    chain['hook'] === 'postrouting' &&
    chain['prio'] === PRIORITY &&
    chain['policy'] === 'accept' &&
    // A dormant table is passed over.
    tables.every((table) => table['flags'] === undefined);
  return { text: JSON.stringify(things), rules: isOurs ? rules.map(readNftRule) : undefined };
}

/** Statements that change nothing about where a packet goes. */
const HARMLESS = new Set(['counter', 'log']);

/** iptables-nft's rules too, whose matches of old nft names and does not tell (`xt`). */
export function readNftRule(object: JsonObject): PostroutingRule {
  const rule = emptyRule();
  const statements = object['expr'];
  for (const statement of Array.isArray(statements) ? statements.filter(isJsonObject) : []) {
    for (const [word, value] of Object.entries(statement)) {
      if (word === 'return' || word === 'accept' || word === 'snat') rule.does = word;
      else if (word === 'masquerade') readMasqueradeWord(rule, value);
      else if (word === 'jump' || word === 'goto') {
        rule.does = 'jump';
        if (isJsonObject(value) && typeof value['target'] === 'string') rule.target = value['target'];
      } else if (word === 'match' && isJsonObject(value)) readMatch(rule, value);
      else if (word === 'xt' && isJsonObject(value)) readExtension(rule, value);
      else if (!HARMLESS.has(word)) rule.special = true;
    }
  }
  return rule;
}

/** `null`, one flag, or a list of them, by version of nft. */
function readMasqueradeWord(rule: Writable<PostroutingRule>, value: JsonValue): void {
  rule.does = 'masquerade';
  if (!isJsonObject(value)) return;
  const flags = Array.isArray(value['flags']) ? value['flags'] : [value['flags']];
  rule.fullyRandom = flags.includes('fully-random');
  if (flags.length !== 1 || !rule.fullyRandom || Object.keys(value).length !== 1) rule.special = true;
}

function readExtension(rule: Writable<PostroutingRule>, { type, name }: JsonObject): void {
  if (type === 'target' && name === 'MASQUERADE') rule.does = 'masquerade';
  else if (type === 'target' && name === 'SNAT') rule.does = 'snat';
  else if (type === 'target' || name !== 'comment') rule.special = true;
}

function readMatch(rule: Writable<PostroutingRule>, { op, left, right }: JsonObject): void {
  const not = op === '!=';
  if (!isJsonObject(left) || (op !== '==' && !not)) {
    rule.special = true;
    return;
  }
  const meta = isJsonObject(left['meta']) ? left['meta']['key'] : undefined;
  const payload = isJsonObject(left['payload']) ? left['payload'] : undefined;
  const range = payload?.['protocol'] === 'ip' ? rangeOf(right) : undefined;
  const mark = not ? undefined : readMark(left['&'], right);
  if (typeof meta === 'string' && /^[io]if(name)?$/.test(meta)) rule.links = true;
  else if (range !== undefined && payload?.['field'] === 'saddr') rule.source = { range, not };
  else if (range !== undefined && payload?.['field'] === 'daddr') rule.destination = { range, not };
  else if (mark !== undefined) rule.mark = mark;
  else rule.special = true;
}

function readMark(masked: JsonValue | undefined, right: JsonValue | undefined): MasqueradeRule['mark'] {
  if (!Array.isArray(masked) || typeof right !== 'number') return undefined;
  const [of, mask] = masked;
  const isMark = isJsonObject(of) && isJsonObject(of['meta']) && of['meta']['key'] === 'mark';
  return isMark && typeof mask === 'number' ? { value: right, mask } : undefined;
}
