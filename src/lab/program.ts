/** Runs the programs that the lab is built with; never through a shell. */
import { spawn } from 'node:child_process';
import { WeftError } from '../core/errors.ts';

export interface ProgramOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface ProgramResult {
  /** Null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** System programs stand in sbin, which an ordinary user's PATH often leaves out. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

export function searchPath(path: string | undefined): string {
  const folders = (path ?? '').split(':').filter((folder) => folder !== '');
  return [...new Set([...folders, ...SYSTEM_FOLDERS])].join(':');
}

/**
 * What a program of the lab sees of the world: no AWS profile, no proxy and no Node option of the person who started it.
 */
export function bareEnvironment(): Record<string, string> {
  return { PATH: searchPath(process.env['PATH']), LANG: 'C.UTF-8', HOME: '/nonexistent' };
}

/** Runs to the end, whatever the exit code. Rejects only when it cannot be started or the signal fires. */
export function attempt(
  program: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...bareEnvironment(), ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.signal === undefined ? {} : { signal: options.signal, killSignal: 'SIGKILL' }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    // A program that ends without reading all of its input is judged by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Runs to the end and yields what it printed. Rejects with LAB_FAILED and the program's own words when it fails. */
export async function run(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const result = await attempt(program, args, options);
  if (result.code === 0) return result.stdout;
  const words = (result.stderr || result.stdout).trim();
  throw new WeftError(
    'LAB_FAILED',
    `"${[program, ...args].join(' ')}" ended with ${result.code === null ? 'a signal' : `exit code ${result.code}`}: ${words}`,
  );
}
