#!/usr/bin/env node
/**
 * The composition root: the only reader of the command line, the only place that ends the process. `weftd run` loads nothing here that it
 * does not need before subnet.env is written; what other commands need is loaded on demand.
 */
import type { CommandName } from './commands/command-name.ts';
import type { Action, Invocation } from './commands/command.ts';
import { errorJson, errorText, exitCodeOf } from './commands/error-text.ts';
import { namedStore } from './commands/named-store.ts';
import { openStore, preloadStore } from './commands/open-store.ts';
import { run } from './commands/run.ts';
import { readOptions, splitArguments } from './commands/read-arguments.ts';
import { WeftError } from './core/errors.ts';
import { shownUrl } from './core/shown-url.ts';
import { keepHeapSmall } from './native/heap-growth.ts';
import { SystemClock } from './system/system-clock.ts';

// Set by the bundler.
declare const __WEFT_VERSION__: string | undefined;
const VERSION = typeof __WEFT_VERSION__ === 'undefined' ? 'development' : __WEFT_VERSION__;

keepHeapSmall();

const argv = process.argv.slice(2);
hidePassword();

const io: Invocation['io'] = {
  out: (text) => void output().write(text),
  err: (text) => void process.stderr.write(text),
  input: async () => {
    const parts: Buffer[] = [];
    for await (const part of process.stdin) parts.push(Buffer.from(part));
    return Buffer.concat(parts).toString('utf8');
  },
};

/** Ends the process with a reader that has seen enough: weftd status | head. */
function output(): NodeJS.WriteStream {
  const { stdout } = process;
  if (stdout.listenerCount('error') === 0)
    stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return stdout;
}

async function main(): Promise<number> {
  if (argv[0] === 'lab') {
    // It has signals and arguments of its own.
    const { runLab } = await import('./lab/lab-command.ts');
    const { stderr, env } = process;
    return runLab(argv.slice(1), { stdout: output(), stderr, env, executable: process.argv[1] ?? '' });
  }
  const split = splitArguments(argv);
  const chosen = await choose(split);
  if (chosen.what === 'help') {
    io.out(chosen.text);
    return 0;
  }
  const { name, operands } = chosen;
  const options = readOptions(name, split, process.env);
  // The two halves of a daemon's start load side by side.
  if (name === 'run') preloadStore(namedStore(options).url);
  const action = await actionOf(name);
  const environment = process.env;
  return action({
    options,
    operands,
    environment,
    io,
    version: VERSION,
    clock: new SystemClock(),
    signal: abortOnSignals(),
    openStore,
  });
}

async function actionOf(name: CommandName): Promise<Action> {
  if (name === 'run') return run;
  if (name === 'lab') throw new WeftError('BAD_OPTION', 'options of weftd lab stand behind the word lab');
  return (await import('./commands/actions.ts')).ACTIONS[name];
}

type Chosen =
  | { readonly what: 'command'; readonly name: CommandName; readonly operands: readonly string[] }
  | { readonly what: 'help'; readonly text: string };

/** The daemon's own command line needs no commander, which costs a tenth of the start. */
async function choose({ words, help, version }: ReturnType<typeof splitArguments>): Promise<Chosen> {
  const run = words.length === 0 || (words.length === 1 && words[0] === 'run');
  if (version) return { what: 'command', name: 'version', operands: [] };
  if (run && !help) return { what: 'command', name: 'run', operands: [] };
  const { chooseCommand } = await import('./commands/command-line.ts');
  return chooseCommand(words, help);
}

/** Everybody may read the command line of a process (proc_pid_cmdline(5)); Node writes its title over it. */
function hidePassword(): void {
  const shown = argv.map((word, at) => {
    const [, flag = '', value] = /^(--?(?:etcd-password|etcd-endpoints|store)=)([\s\S]*)$/.exec(word) ?? [];
    const before = argv[at - 1] ?? '';
    if (flag.includes('-password') || /^--?etcd-password$/.test(before)) return `${flag}...`;
    if (value !== undefined) return flag + shownUrl(value);
    return /^--?(etcd-endpoints|store)$/.test(before) ? shownUrl(word) : word;
  });
  if (shown.some((word, at) => word !== argv[at])) process.title = ['weftd', ...shown].join(' ');
}

/** Told to end a second time, it ends at once: what the first asked for may hang. */
function abortOnSignals(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort(name);
    });
  }
  return stop.signal;
}

function end(error: unknown): never {
  const json = argv.some((word) => /^--?json(=|$)/.test(word));
  io.err(json ? errorJson(error) : errorText(error));
  process.exit(exitCodeOf(error));
}

process.on('uncaughtException', end);
process.on('unhandledRejection', end);

try {
  process.exit(await main());
} catch (error) {
  end(error);
}
