/**
 * From argv and environment to words and option values, by flannel's rules: `-flag` is `--flag`, a value stands behind `=` or as the next word, a
 * switch takes one behind `=` alone, and `FLANNELD_*` counts where the command line says nothing and the variable is not empty.
 */
import { WeftError } from '../core/errors.ts';
import { probablyMeant } from '../core/nearest.ts';
import { flagOf, OPTION_KEYS, optionOf, variableOf, type OptionKey, type Options } from '../options.ts';
import type { CommandName } from './command-name.ts';
import { NOT_CARRIED } from './flannel-flags.ts';
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
    else {
      const key = keyOf(name);
      const where = `--${flagOf(key)}`;
      const text = inline ?? (optionOf(key).kind.placeholder === undefined ? 'true' : argv[(at += 1)]);
      if (text === undefined)
        throw new WeftError('BAD_OPTION', `${where} needs a value: expected ${optionOf(key).kind.expects}`);
      flags.set(key, [...(flags.get(key) ?? []), { where, text }]);
    }
  }
  return { words, flags, help, version };
}

function keyOf(name: string): OptionKey {
  const key = KEY_BY_NAME.get(name);
  if (key !== undefined) return key;
  const instead = NOT_CARRIED[name];
  if (instead !== undefined)
    throw new WeftError('BAD_OPTION', `--${name} is not carried by this version`, { hint: instead });
  const meant = probablyMeant(name, [...KEY_BY_NAME.keys(), 'help', 'version']);
  throw new WeftError('BAD_OPTION', `unknown option --${name}`, {
    hint: meant === undefined ? 'weftd --help lists them all.' : `Did you mean --${meant}?`,
  });
}

/** The values for one command. @throws WeftError BAD_OPTION, also for an option that the command does not take. */
export function readOptions(
  command: CommandName,
  { flags }: Pick<Arguments, 'flags'>,
  environment: Environment,
): Options {
  for (const key of flags.keys()) {
    if (optionOf(key).uses.includes(command)) continue;
    throw new WeftError('BAD_OPTION', `weftd ${command} takes no --${flagOf(key)}`, {
      hint: `weftd ${command} --help lists what it takes.`,
    });
  }
  const values = OPTION_KEYS.map((key) => {
    const used = optionOf(key).uses.includes(command);
    return [key, optionOf(key).value(flags.get(key) ?? (used ? fromEnvironment(key, environment) : []))] as const;
  });
  return Object.fromEntries(values) as unknown as Options;
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

/** Variables that flanneld would obey and this version does not, each with what to do instead. */
export function variablesNotCarried(
  environment: Environment,
): readonly { readonly variable: string; readonly instead: string }[] {
  return Object.entries(NOT_CARRIED).flatMap(([flag, instead]) => {
    const variable = variableOf(flag);
    const text = environment[variable] ?? '';
    // A switch that is off asks for nothing.
    return text === '' || toggle.read(text) === false ? [] : [{ variable, instead }];
  });
}
