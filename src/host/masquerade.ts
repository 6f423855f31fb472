/**
 * What leaves the Network gets this host's address: by nftables where it is there, else by iptables as the host has it. Rules that are right are left alone,
 * whoever set them last; so a restart finds them, and no packet ever meets half of them.
 */
import type { HostScope } from '../contracts/host-network.ts';
import type { Change } from '../core/diff.ts';
import { asWeftError, WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { masqueradeChainOf, masqueradeTableOf } from '../core/instance.ts';
import { masqueradeRules, readMasquerade, type Masquerade } from '../core/masquerade-rules.ts';
import { findIptables, kindOf, type IptablesKind } from './iptables.ts';
import type { MasqueradeTable, SeenMasquerade } from './masquerade-table.ts';
import { nftMasquerade } from './nft-masquerade.ts';
import { asSeenRule } from './postrouting.ts';
import { findProgram } from './program.ts';
import { hasLegacy, type RuleSets } from './rule-sets.ts';

type Scope = NonNullable<HostScope['masquerade']>;

export interface MasqueradeView {
  readonly entries: readonly Masquerade[];
  readonly findings: readonly Finding[];
}

export class Masquerades {
  /** What the program showed after we had set what was wanted: no other look at it can show it better, whatever its version's words are, or what it refused. */
  #made: { readonly text: string; readonly want: Masquerade } | undefined;

  /** A program that fails is told of, and keeps nothing else of the host from being looked at. ABORTED. */
  async observe(sets: RuleSets, scope: Scope, signal: AbortSignal): Promise<MasqueradeView> {
    try {
      const [entry, findings] = await Promise.all([
        this.#entry(sets, scope.instance, signal),
        others(sets, scope, signal),
      ]);
      return { entries: entry === undefined ? [] : [entry], findings };
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message } = asWeftError(error);
      return { entries: [], findings: [{ code, message: `cannot see what is masqueraded: ${message}` }] };
    }
  }

  async #entry(sets: RuleSets, instance: string, signal: AbortSignal): Promise<Masquerade | undefined> {
    const best = await bestTable(sets, signal);
    const seen = best === undefined || !mayHold(sets, best, instance) ? undefined : await best.read(instance, signal);
    // What stands where a worse program had put it is not what is wanted, whatever it says: it is taken away when that is set, or nothing is.
    if (
      sets.chains !== undefined &&
      (await anyStands(await otherTables(sets, best, instance, signal), instance, signal))
    )
      return { kind: 'masquerade', instance, ...UNKNOWN };
    return seen === undefined ? undefined : this.#meaning(instance, seen);
  }

  #meaning(instance: string, { text, rules }: SeenMasquerade): Masquerade {
    if (this.#made?.text === text && this.#made.want.instance === instance) return this.#made.want;
    const read = rules === undefined ? undefined : readMasquerade(rules.map(asSeenRule));
    return { kind: 'masquerade', instance, ...(read ?? UNKNOWN) };
  }

  /** Idempotent. KERNEL_UNSUPPORTED without a program for it; NOT_PERMITTED or KERNEL_REFUSED with the program's words. */
  async apply(sets: RuleSets, change: Change<Masquerade>, signal: AbortSignal): Promise<void> {
    const best = await bestTable(sets, signal);
    const { instance } = change.op === 'put' ? change.want : change.was;
    if (change.op === 'put') await this.#put(best, change.want, signal);
    else await best?.remove(instance, signal);
    // Where another program was the best before, or is now gone from its place.
    for (const other of await otherTables(sets, best, instance, signal)) await other.remove(instance, signal);
  }

  async #put(best: MasqueradeTable | undefined, want: Masquerade, signal: AbortSignal): Promise<void> {
    const { instance, network, subnet, fullyRandom } = want;
    if (best === undefined)
      throw new WeftError('KERNEL_UNSUPPORTED', 'neither nft nor iptables is installed, and --ip-masq needs one');
    if (network === undefined || subnet === undefined)
      throw new WeftError('INTERNAL', 'masquerade rules without a Network');
    const rules = masqueradeRules(network, subnet);
    try {
      await best.replace(instance, rules, fullyRandom, signal);
    } catch (error) {
      if (!fullyRandom || signal.aborted) throw error;
      // A kernel, or a program, that is older than random ports. What is wrong otherwise is wrong without them too, and then the first word counts.
      await best.replace(instance, rules, false, signal).catch(() => {
        throw error;
      });
    }
    const stands = await best.read(instance, signal);
    this.#made = stands === undefined ? undefined : { text: stands.text, want };
  }
}

// Loaded where there is something of iptables: most hosts with nft have none.
const byIptables = async (program: string): Promise<MasqueradeTable> =>
  (await import('./iptables-masquerade.ts')).iptablesMasquerade(program);

async function others(sets: RuleSets, scope: Scope, signal: AbortSignal): Promise<readonly Finding[]> {
  if (sets.chains !== undefined && !hasChain(sets, 'nat') && !hasLegacy(sets, 'nat')) return [];
  return (await import('./foreign-masquerade.ts')).foreignMasquerade(sets, scope, signal);
}

const UNKNOWN = { network: undefined, subnet: undefined, fullyRandom: false } as const;

/** Not where nothing can be, and it need not be looked for; and to ask old iptables for its table would make it. */
function mayHold(sets: RuleSets, { kind }: KnownTable, instance: string): boolean {
  if (kind === 'nftables') return hasChain(sets, masqueradeTableOf(instance));
  return kind === 'nft' || sets.legacy === 'hidden' || hasLegacy(sets, 'nat');
}

async function anyStands(tables: readonly MasqueradeTable[], instance: string, signal: AbortSignal): Promise<boolean> {
  for (const table of tables) if ((await table.read(instance, signal)) !== undefined) return true;
  return false;
}

interface KnownTable extends MasqueradeTable {
  readonly kind: 'nftables' | IptablesKind;
}

/** nftables first; then the iptables that this host's own programs use. */
async function bestTable({ nft, chains }: RuleSets, signal: AbortSignal): Promise<KnownTable | undefined> {
  if (nft !== undefined && chains !== undefined) return { ...nftMasquerade(nft), kind: 'nftables' };
  const plain = findProgram('iptables');
  if (plain !== undefined) return { ...(await byIptables(plain)), kind: await kindOf(plain, signal) };
  for (const kind of ['nft', 'legacy'] as const) {
    const program = findProgram(`iptables-${kind}`);
    if (program !== undefined) return { ...(await byIptables(program)), kind };
  }
  return undefined;
}

/** Where rules of ours may stand besides. */
async function otherTables(
  sets: RuleSets,
  best: KnownTable | undefined,
  instance: string,
  signal: AbortSignal,
): Promise<MasqueradeTable[]> {
  const tables: MasqueradeTable[] = [];
  for (const kind of ['nft', 'legacy'] as const) {
    const mayStand =
      kind === 'legacy'
        ? hasLegacy(sets, 'nat')
        : sets.chains === undefined || hasChain(sets, 'nat', masqueradeChainOf(instance));
    const program = best?.kind === kind || !mayStand ? undefined : await findIptables(kind, signal);
    if (program !== undefined) tables.push(await byIptables(program));
  }
  return tables;
}

const hasChain = ({ chains = [] }: RuleSets, table: string, name?: string): boolean =>
  chains.some((chain) => chain.family === 'ip' && chain.table === table && (name ?? chain.name) === chain.name);
