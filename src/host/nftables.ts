/** nftables by the nft program, in JSON (libnftables-json(5)): which chains see forwarded packets, and what stands in them. */
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { WeftError } from '../core/errors.ts';
import { trySubnet, type Subnet } from '../core/subnet.ts';
import { COMMENT, type ForwardChain, type ForwardChains, type ForwardRule } from './forward-chains.ts';
import type { ForwardTable } from './forward-table.ts';
import { runProgram, unlessGone } from './program.ts';

export interface NftChain {
  /** `ip` or `inet`. */
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** Undefined: called by others alone. */
  readonly hook: string | undefined;
}

/** Every chain that IPv4 packets may pass; undefined where the kernel has no nftables. Rules are not read: there may be very many. */
export async function listChains(nft: string, signal: AbortSignal): Promise<NftChain[] | undefined> {
  const objects = await list(nft, ['chains'], signal).catch((error: unknown) => {
    // A kernel built without nf_tables answers so; then nothing of nftables can drop anything.
    if (
      error instanceof WeftError &&
      /cache initialization failed: (Invalid argument|Protocol not supported|Operation not supported)/.test(
        error.message,
      )
    )
      return undefined;
    throw error;
  });
  return objects?.flatMap(({ chain }) => {
    if (!isJsonObject(chain)) return [];
    const { family, table, name, hook } = chain;
    if ((family !== 'ip' && family !== 'inet') || typeof table !== 'string' || typeof name !== 'string') return [];
    return [{ family, table, name, hook: typeof hook === 'string' ? hook : undefined }];
  });
}

export async function readChain(
  nft: string,
  { family, table, name }: NftChain,
  signal: AbortSignal,
): Promise<ForwardChains> {
  return parseChains(await list(nft, ['chain', family, table, name], signal));
}

export async function readTable(
  nft: string,
  family: string,
  table: string,
  signal: AbortSignal,
): Promise<ForwardChains> {
  return parseChains(await list(nft, ['table', family, table], signal));
}

/** iptables' own filter table where there is nft but no iptables. */
export async function readFilterTable(nft: string, signal: AbortSignal): Promise<ForwardTable> {
  const chains = await readTable(nft, 'ip', 'filter', signal);
  return {
    chains,
    async insert({ chain, index, direction }, network, stop) {
      // `insert` puts above the rule of that handle; `add` without one at the end.
      const above = chains.get(chain)?.rules[index]?.handle;
      const where =
        above === undefined
          ? ['add', 'rule', 'ip', 'filter', chain]
          : ['insert', 'rule', 'ip', 'filter', chain, 'handle', String(above)];
      await runProgram(
        nft,
        [
          ...where,
          'ip',
          direction === 'source' ? 'saddr' : 'daddr',
          network,
          'counter',
          'accept',
          'comment',
          `"${COMMENT}"`,
        ],
        stop,
      );
    },
    async remove(chain, rule, _network, _direction, stop) {
      await unlessGone(runProgram(nft, ['delete', 'rule', 'ip', 'filter', chain, 'handle', String(rule.handle)], stop));
    },
  };
}

export async function list(nft: string, what: readonly string[], signal: AbortSignal): Promise<JsonObject[]> {
  const text = await runProgram(nft, ['-j', 'list', ...what], signal);
  const parsed: unknown = JSON.parse(text);
  const objects: JsonValue | undefined = isJsonObject(parsed) ? parsed['nftables'] : undefined;
  if (!Array.isArray(objects))
    throw new WeftError('KERNEL_UNSUPPORTED', `nft -j list ${what.join(' ')}: expected an object with "nftables"`);
  return objects.filter(isJsonObject);
}

export function parseChains(objects: readonly JsonObject[]): ForwardChains {
  const chains = new Map<string, { policy: ForwardChain['policy']; rules: ForwardRule[] }>();
  for (const { chain, rule } of objects) {
    if (isJsonObject(chain) && typeof chain['name'] === 'string') {
      const policy = chain['hook'] === undefined ? undefined : chain['policy'] === 'drop' ? 'drop' : 'accept';
      chains.set(chain['name'], { policy, rules: [] });
    } else if (isJsonObject(rule) && typeof rule['chain'] === 'string')
      chains.get(rule['chain'])?.rules.push(parseRule(rule));
  }
  return chains;
}

const VERDICTS: Readonly<Record<string, ForwardRule['does']>> = {
  accept: 'accept',
  drop: 'drop',
  reject: 'drop',
  return: 'return',
  jump: 'jump',
  goto: 'goto',
};

/** Statements that change nothing about where a packet goes. */
const HARMLESS = new Set(['counter', 'log']);

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function parseRule(object: JsonObject): ForwardRule {
  const rule: Writable<ForwardRule> = { does: 'other', links: '', special: false };
  if (typeof object['handle'] === 'number') rule.handle = object['handle'];
  if (typeof object['comment'] === 'string') rule.comment = object['comment'];
  const statements = object['expr'];
  for (const statement of Array.isArray(statements) ? statements.filter(isJsonObject) : []) {
    for (const [word, value] of Object.entries(statement)) {
      const verdict = VERDICTS[word];
      if (verdict !== undefined) {
        rule.does = verdict;
        if (isJsonObject(value) && typeof value['target'] === 'string') rule.target = value['target'];
      } else if (word === 'match' && isJsonObject(value)) readMatch(rule, value);
      else if (word === 'xt' && isJsonObject(value)) readExtension(rule, value);
      else if (!HARMLESS.has(word)) rule.special = true;
    }
  }
  return rule;
}

/** What iptables-nft could not put into nftables' words: nft names it and does not tell what it says. */
function readExtension(rule: Writable<ForwardRule>, { type, name }: JsonObject): void {
  if (type === 'target' && name === 'REJECT') rule.does = 'drop';
  else if (type !== 'target' && name !== 'comment') rule.special = true;
}

function readMatch(rule: Writable<ForwardRule>, { op, left, right }: JsonObject): void {
  const meta = isJsonObject(left) && isJsonObject(left['meta']) ? left['meta']['key'] : undefined;
  if (typeof meta === 'string' && /^[io]if(name)?$/.test(meta)) {
    const not = op === '==' ? '' : ' !=';
    rule.links = `${rule.links} ${meta}${not} ${textOf(right)}`.trim();
    return;
  }
  const payload = isJsonObject(left) && isJsonObject(left['payload']) ? left['payload'] : undefined;
  const range = op === '==' && payload?.['protocol'] === 'ip' ? rangeOf(right) : undefined;
  if (range !== undefined && payload?.['field'] === 'saddr') rule.source = range;
  else if (range !== undefined && payload?.['field'] === 'daddr') rule.destination = range;
  else rule.special = true;
}

export function rangeOf(value: JsonValue | undefined): Subnet | undefined {
  if (typeof value === 'string') return trySubnet(`${value}/32`);
  const prefix = isJsonObject(value) ? value['prefix'] : undefined;
  if (!isJsonObject(prefix)) return undefined;
  const { addr, len } = prefix;
  return typeof addr === 'string' && typeof len === 'number' ? trySubnet(`${addr}/${len}`) : undefined;
}

/** A name, or a set of them, as nft writes it. */
function textOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return `"${value}"`;
  const set = isJsonObject(value) ? value['set'] : undefined;
  return Array.isArray(set) ? `{ ${set.map(textOf).join(', ')} }` : '...';
}
