/** Programs of the host, run with argument lists: no shell ever sees what we pass. */
import { accessSync, constants } from 'node:fs';
import { basename, join } from 'node:path';
import { WeftError } from '../core/errors.ts';

/** Where administrators' programs stand, also when a service is started with a short PATH. */
const FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/** A program that says nothing for this long is stuck behind a lock that nobody gives back. */
const DEADLINE_MS = 10_000;

/** Rule sets of thousands of services are megabytes of text. */
const OUTPUT_LIMIT = 256 * 1024 * 1024;

export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), ...FOLDERS]) {
    if (!folder.startsWith('/')) continue;
    try {
      const path = join(folder, name);
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** What it wrote to stdout. `input` is what it reads. ABORTED, NOT_PERMITTED, or KERNEL_REFUSED with what it wrote to stderr. */
export async function runProgram(
  path: string,
  args: readonly string[],
  signal: AbortSignal,
  input = '',
): Promise<string> {
  const options = {
    signal,
    timeout: DEADLINE_MS,
    maxBuffer: OUTPUT_LIMIT,
    env: { PATH: process.env['PATH'] ?? FOLDERS.join(':'), LC_ALL: 'C' },
  };
  // Loaded when it is needed: subnet.env is written without any program.
  const { execFile } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    const { stdin } = execFile(path, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(programError(`${basename(path)} ${args.join(' ')}`, error, stderr, signal));
    });
    // One that ends without reading says why by itself.
    stdin?.on('error', () => {});
    stdin?.end(input);
  });
}

function programError(
  command: string,
  error: Error & { killed?: boolean },
  stderr: string,
  signal: AbortSignal,
): WeftError {
  if (signal.aborted) return new WeftError('ABORTED', `${command}: stopped`, { cause: error });
  if (error.killed === true)
    return new WeftError('KERNEL_REFUSED', `${command}: no answer in ${DEADLINE_MS / 1000} s`, { cause: error });
  const said = stderr.trim() === '' ? error.message : stderr.trim().replaceAll(/\s*\n\s*/g, '; ');
  const denied = /operation not permitted|permission denied|you must be root/i.test(said);
  return new WeftError(denied ? 'NOT_PERMITTED' : 'KERNEL_REFUSED', `${command}: ${said}`, { cause: error });
}

/** Ends a removal well when somebody was quicker: "does a matching rule exist in that chain?" (iptables), ENOENT's text (nft). */
export async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    if (
      error instanceof WeftError &&
      /matching rule exist|No such file or directory|No chain\/target\/match/.test(error.message)
    )
      return;
    throw error;
  }
}
