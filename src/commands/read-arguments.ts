/**
 * From argv and environment to words and option values, by flannel's rules: `-flag` is `--flag`, a value stands behind `=` or as the next word, a
 * switch takes one behind `=` alone, and `FLANNELD_*` counts where the command line says nothing and the variable is not empty.
 */
import { WeftError } from '../core/errors.ts';
import { probablyMeant } from '../core/nearest.ts';
import { ETCD_KEYS, flagOf, OPTION_KEYS, optionOf, variableOf, type OptionKey, type Options } from '../options.ts';
import type { CommandName } from './command-name.ts';
import { insteadOf, NAME_ANOTHER_STORE, NOT_CARRIED, SWITCHES } from './flannel-flags.ts';
import { toggle } from './option-kinds.ts';
import type { Given } from './option.ts';

export interface Arguments {
  /** What is no flag: the command and its operands. */
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<OptionKey, readonly Given[]>;
  readonly help: boolean;
  readonly version: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const KEY_BY_NAME: ReadonlyMap<string, OptionKey> = new Map(
  OPTION_KEYS.flatMap((key) => {
    const { letter } = optionOf(key);
    return [[flagOf(key), key] as const, ...(letter === undefined ? [] : [[letter, key] as const])];
  }),
);

/** @throws WeftError BAD_OPTION */
export function splitArguments(argv: readonly string[]): Arguments {
  const words: string[] = [];
  const flags = new Map<OptionKey, Given[]>();
  let help = false;
  let version = false;
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (word === '--') {
      words.push(...argv.slice(at + 1));
      break;
    }
    // A lone dash is a file name: standard input.
    const [, name, inline] = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (name === undefined) {
      words.push(word);
      continue;
    }
    if (name === 'help' || name === 'h') help = true;
    else if (name === 'version') version = true;
    else if (inline !== undefined && asksNothing(name, inline)) continue;
    else {
      const key = keyOf(name, argv);
      const where = `--${flagOf(key)}`;
      const text = inline ?? (optionOf(key).kind.placeholder === undefined ? 'true' : argv[(at += 1)]);
      if (text === undefined)
        throw new WeftError('BAD_OPTION', `${where} needs a value: expected ${optionOf(key).kind.expects}`);
      flags.set(key, [...(flags.get(key) ?? []), { where, text }]);
    }
  }
  return { words, flags, help, version };
}

function keyOf(name: string, argv: readonly string[]): OptionKey {
  const key = KEY_BY_NAME.get(name);
  if (key !== undefined) return key;
  if (Object.hasOwn(NOT_CARRIED, name)) throw notCarried(`--${name}`, name, (flag) => valueIn(argv, flag));
  const meant = probablyMeant(name, [...KEY_BY_NAME.keys(), 'help', 'version']);
  throw new WeftError('BAD_OPTION', `unknown option --${name}`, {
    hint: meant === undefined ? 'weftd --help lists them all.' : `Did you mean --${meant}?`,
  });
}

function notCarried(where: string, name: string, valueOf: (flag: string) => string): WeftError {
  return new WeftError('BAD_OPTION', `${where} is not carried by this version`, { hint: insteadOf(name, valueOf) });
}

/** Of a flag that need not be one of ours; empty when it is not there. */
function valueIn(argv: readonly string[], flag: string): string {
  const at = argv.findIndex((word) => /^--?([^=]*)/.exec(word)?.[1] === flag);
  const word = argv[at] ?? '';
  if (word.includes('=')) return word.slice(word.indexOf('=') + 1);
  return at < 0 ? '' : (argv[at + 1] ?? '');
}

/** What is not carried, and is not wanted either: off, or empty. */
const asksNothing = (flag: string, text: string): boolean =>
  Object.hasOwn(NOT_CARRIED, flag) && (text === '' || (SWITCHES.has(flag) && toggle.read(text) === false));

/** The values for one command. @throws WeftError BAD_OPTION, also for an option that the command does not take. */
export function readOptions(
  command: CommandName,
  { flags }: Pick<Arguments, 'flags'>,
  environment: Environment,
): Options {
  for (const key of flags.keys()) {
    if (optionOf(key).uses.includes(command)) continue;
    throw new WeftError('BAD_OPTION', `weftd ${command} takes no --${flagOf(key)}`, {
      hint: optionOf(key).elsewhere ?? `weftd ${command} --help lists what it takes.`,
    });
  }
  if (command === 'run') refuseOtherStores(environment);
  const passedOver = otherWayToTheStore(flags, environment);
  const values = OPTION_KEYS.map((key) => {
    const option = optionOf(key);
    const isUsed = option.uses.includes(command) && !passedOver.includes(key);
    return [key, option.value(isUsed ? (typed(key, flags) ?? fromEnvironment(key, environment)) : [])] as const;
  });
  return Object.fromEntries(values) as unknown as Options;
}

/** Whatever flannel has no default for is absent when it is empty: units fill their flags in from variables. */
function typed(key: OptionKey, flags: Arguments['flags']): readonly Given[] | undefined {
  const { flannel, fallback } = optionOf(key);
  const given = flags.get(key);
  return flannel === true && fallback === '' ? given?.filter(({ text }) => text !== '') : given;
}

/** There are two ways to say which store. What is typed counts before variables, and of variables those that say it by --store's name. */
function otherWayToTheStore(flags: Arguments['flags'], environment: Environment): readonly OptionKey[] {
  const etcd = ETCD_KEYS.find((key) => (typed(key, flags) ?? []).length > 0);
  if (etcd !== undefined && flags.has('store'))
    throw new WeftError('BAD_OPTION', `--store and --${flagOf(etcd)} both say where the store is`, {
      hint: 'Leave one of them out: what the etcd options say can stand in the URL of --store.',
    });
  if (etcd !== undefined) return ['store'];
  return flags.has('store') || fromEnvironment('store', environment).length > 0 ? ETCD_KEYS : [];
}

/** @throws WeftError BAD_OPTION */
function refuseOtherStores(environment: Environment): void {
  const valueOf = (flag: string): string => environment[variableOf(flag)] ?? '';
  for (const flag of NAME_ANOTHER_STORE) {
    const text = valueOf(flag);
    if (text !== '' && toggle.read(text) !== false) throw notCarried(variableOf(flag), flag, valueOf);
  }
}

/** A repeatable option gets one value: flannel does not split it either. */
function fromEnvironment(key: OptionKey, environment: Environment): readonly Given[] {
  const names = [variableOf(flagOf(key)), optionOf(key).variable];
  for (const where of names) {
    const text = where === undefined ? undefined : environment[where];
    if (where !== undefined && text !== undefined && text !== '') return [{ where, text }];
  }
  return [];
}
