/**
 * One command of the network config, by `sh -c` as flannel runs it: its text is the operator's and goes to the shell as it stands. Data goes in by the environment and
 * standard input, so that nothing a peer writes into its lease is ever read as shell.
 */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { WeftError } from '../core/errors.ts';
import { trimmedOutput, type CommandEnvironment } from '../core/extension.ts';

export interface ShellCommand {
  /** For messages: which it is, and for whom. */
  readonly name: string;
  readonly text: string;
  readonly environment: CommandEnvironment;
  /** One line. */
  readonly input: string;
}

/** What of its output is kept. */
const OUTPUT_LIMIT = 64 * 1024;
/** What of it a message repeats. */
const SAID_LIMIT = 1000;
/** After the shell has ended, what it started may still hold its output open, for ever if it is a daemon. */
const LINGER_MS = 500;

/** Runs its argument with one pipe for both outputs, as Go's CombinedOutput does: of two, nobody could tell which line was first. */
const BOTH_OUTPUTS = 'exec sh -c "$1" 2>&1';

/** A command that takes longer hangs. */
export const COMMAND_LIMIT_MS = 60_000;

/** For those of a pass: they are over, and the next has begun, well before somebody takes the daemon for hanging. */
export const commandLimitMs = (watchdogMs = Infinity): number => Math.min(COMMAND_LIMIT_MS, watchdogMs / 3);

/** What it wrote to stdout and stderr, trimmed, 64 KiB of it at most. Killed with all it started when it takes too long, or the signal fires. */
export async function runShell(
  command: ShellCommand,
  signal: AbortSignal,
  limitMs = COMMAND_LIMIT_MS,
): Promise<string> {
  if (signal.aborted) throw stopped(command);
  // Loaded when it is needed: most configs have no commands.
  const { spawn } = await import('node:child_process');
  const env = { ...process.env, ...command.environment };
  // A group of its own: what it has started can be killed with it.
  const child = spawn('/bin/sh', ['-c', BOTH_OUTPUTS, 'sh', command.text], { env, detached: true, stdio: 'pipe' });
  const output = collect(child);
  // It may end without reading.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${command.input}\n`);

  let why: 'late' | 'stopped' | undefined;
  const kill = (because: 'late' | 'stopped'): void => {
    why ??= because;
    killGroup(child.pid);
  };
  const timer = setTimeout(() => kill('late'), limitMs);
  const onAbort = (): void => kill('stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  // Told to end a second time, the daemon waits for nothing (main.ts); no signal of its own group reaches the command.
  const onExit = (): void => killGroup(child.pid);
  process.on('exit', onExit);
  try {
    const ending = await ended(child);
    if (why === 'stopped') throw stopped(command);
    if (why === 'late')
      throw failed(command, `took longer than ${limitMs / 1000} s and was killed`, output(), undefined);
    if (ending !== 'well') throw failed(command, ending.how, output(), ending.cause);
    return trimmedOutput(output());
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    process.off('exit', onExit);
  }
}

/** What is too much is read too, or the command would wait for ever to be rid of it. */
function collect(child: ChildProcessWithoutNullStreams): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  const add = (chunk: Buffer): void => {
    if (size < OUTPUT_LIMIT) chunks.push(chunk.subarray(0, OUTPUT_LIMIT - size));
    size += chunk.length;
  };
  child.stdout.on('data', add);
  child.stderr.on('data', add);
  return () => Buffer.concat(chunks).toString('utf8');
}

type Ending = 'well' | { readonly how: string; readonly cause?: Error };

function ended(child: ChildProcessWithoutNullStreams): Promise<Ending> {
  return new Promise((resolve) => {
    let ending: Ending = 'well';
    const done = (): void => resolve(ending);
    child.on('error', (cause) => resolve({ how: `cannot be run: ${cause.message}`, cause }));
    child.on('close', done);
    child.on('exit', (code, killedBy) => {
      if (code !== 0) ending = { how: code === null ? `was killed by ${killedBy}` : `ended with ${code}` };
      setTimeout(() => {
        // Whatever holds them now writes to nobody.
        child.stdout.destroy();
        child.stderr.destroy();
        done();
      }, LINGER_MS).unref();
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}

const stopped = ({ name }: ShellCommand): WeftError => new WeftError('ABORTED', `${name}: stopped`);

function failed({ name }: ShellCommand, how: string, output: string, cause: Error | undefined): WeftError {
  const said = trimmedOutput(output)
    .replaceAll(/\s*\n\s*/g, '; ')
    .slice(-SAID_LIMIT);
  return new WeftError('EXTENSION_FAILED', `${name} ${how}${said === '' ? '' : `: ${said}`}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'The command stands in the network config (Backend); it is run by sh -c, as root',
  });
}
