/** The words of a command line: which sub-command is meant, its operands, and --help. Commander knows the words; options are read before it. */
import { Command, CommanderError } from 'commander';
import { WeftError } from '../core/errors.ts';
import { flagOf, OPTION_KEYS, optionOf, type OptionKey } from '../options.ts';
import { COMMAND_NAMES, type CommandName } from './command-name.ts';
import { COMMANDS } from './commands.ts';

export type Chosen =
  | { readonly what: 'command'; readonly name: CommandName; readonly operands: readonly string[] }
  | { readonly what: 'help'; readonly text: string };

const ENVIRONMENT =
  'Every option is a variable too: --public-ip is FLANNELD_PUBLIC_IP. The command line counts before it.';

/** @throws WeftError BAD_OPTION */
export function chooseCommand(words: readonly string[], help: boolean): Chosen {
  const written: string[] = [];
  let chosen: Chosen | undefined;
  const choose = (name: CommandName, operands: readonly string[]): void => {
    chosen = { what: 'command', name, operands };
  };
  const program = commandTree(choose, (text) => void written.push(text));
  try {
    program.parse([...(words.length === 0 && !help ? ['run'] : words), ...(help ? ['--help'] : [])], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { what: 'help', text: written.join('') };
    if (error.code === 'commander.help')
      throw new WeftError('BAD_OPTION', `weftd ${words.join(' ')}: which command of it?`, {
        hint: `weftd ${words.join(' ')} --help lists them.`,
      });
    throw readable(error, words);
  }
  if (chosen === undefined) throw new WeftError('INTERNAL', `no command was chosen for "${words.join(' ')}"`);
  return chosen;
}

function commandTree(
  choose: (name: CommandName, operands: readonly string[]) => void,
  write: (text: string) => void,
): Command {
  const program = new Command('weftd');
  furnish(program, write)
    .description('Container networking that takes the cloud\u2019s own routes first. A drop-in for flannel.')
    .addHelpText('after', `\nweftd alone is weftd run. weftd COMMAND --help says more.\n`);
  const groups = new Map<string, Command>();
  for (const name of COMMAND_NAMES) {
    const about = COMMANDS[name];
    const [first = '', second] = name.split(' ');
    const parent = second === undefined ? program : (groups.get(first) ?? group(program, first, write));
    if (second !== undefined) groups.set(first, parent);
    const command = furnish(parent.command(second ?? first), write)
      .summary(about.summary)
      .description([about.summary, about.more].filter((text) => text !== undefined).join('\n\n'))
      .action(() => choose(name, command.args));
    for (const { name: operand, about: text, optional } of about.operands ?? []) {
      command.argument(optional === true ? `[${operand}]` : `<${operand}>`, text);
    }
    const keys = OPTION_KEYS.filter((key) => optionOf(key).uses.includes(name));
    for (const key of keys) command.option(usage(key), describe(key));
    command.addHelpText(
      'after',
      `\n${keys.length === 0 ? '' : `${ENVIRONMENT}\n\n`}Example:\n${about.examples.map((line) => `  ${line}\n`).join('')}`,
    );
  }
  return program;
}

function group(program: Command, name: string, write: (text: string) => void): Command {
  const members = COMMAND_NAMES.filter((full) => full.startsWith(`${name} `)).map((full) =>
    full.slice(name.length + 1),
  );
  return furnish(program.command(name), write).description(`${members.join(', ')}: weftd ${name} --help`);
}

function furnish(command: Command, write: (text: string) => void): Command {
  return command
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'show this')
    .helpCommand(false)
    .configureOutput({ writeOut: write, writeErr: write });
}

function usage(key: OptionKey): string {
  const { kind, letter } = optionOf(key);
  return `${letter === undefined ? '' : `-${letter}, `}--${flagOf(key)}${kind.placeholder === undefined ? '' : ` <${kind.placeholder}>`}`;
}

function describe(key: OptionKey): string {
  const { help, fallback, kind } = optionOf(key);
  return fallback === '' || (kind.placeholder === undefined && fallback === 'false')
    ? help
    : `${help} (default: ${fallback})`;
}

/** Commander's words, but for the name of the program and the place of the advice. */
function readable(error: CommanderError, words: readonly string[]): WeftError {
  const [message = '', advice] = error.message.replace(/^error: /, '').split('\n');
  const operands = error.code === 'commander.missingArgument' || error.code === 'commander.excessArguments';
  const help = operands ? `weftd ${words[0]} --help shows how it is written.` : 'weftd --help lists the commands.';
  return new WeftError('BAD_OPTION', `weftd ${words.join(' ')}: ${message}`, {
    cause: error,
    hint: advice === undefined ? help : advice.replace(/^\(|\)$/g, ''),
  });
}
