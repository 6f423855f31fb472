/** A file is the one before or the one after, whatever happens in between: crash, full disk, power. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './host-errors.ts';

export interface Modes {
  readonly file: number;
  /** Of directories that are made; those that stand keep theirs. */
  readonly directory: number;
}

/**
 * A scratch file lies beside its target, since rename(2) does not leave a file system. Its name says which process writes it, so that
 * leftovers of a crash can be told from what another writer has in hand; the start time tells processes of one id apart (a container's is often 1).
 */
const scratchPrefix = (path: string): string => `.${basename(path)}.weft-`;
const self = { pid: process.pid, started: Math.round(Date.now() - process.uptime() * 1000) };

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

async function removeLeftovers(path: string): Promise<void> {
  const directory = dirname(path);
  const prefix = scratchPrefix(path);
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix)) continue;
    const [pid, started] = name.slice(prefix.length).split('-').map(Number);
    if (pid === undefined || !Number.isInteger(pid)) continue;
    const ended = pid === self.pid ? started !== self.started : !isRunning(pid);
    if (ended) await rm(join(directory, name), { force: true });
  }
}

async function makeDirectories(directory: string, mode: number): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode });
  if (first === undefined) return;
  // mkdir's mode is cut by the umask.
  for (let made = directory; made.length >= first.length; made = dirname(made)) await chmod(made, mode);
}

async function writeThrough(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  try {
    await file.chmod(mode);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Without it the rename may be lost with the power, although the file's text is not. */
async function syncDirectory(directory: string): Promise<void> {
  const folder = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Throws what the file system throws: the caller knows what the file is for. Missing directories are made. */
export async function writeAtomically(path: string, text: string, modes: Modes): Promise<void> {
  const directory = dirname(path);
  await makeDirectories(directory, modes.directory);
  await removeLeftovers(path);
  const scratch = join(directory, `${scratchPrefix(path)}${self.pid}-${self.started}-${randomUUID()}`);
  try {
    await writeThrough(scratch, text, modes.file);
    await rename(scratch, path);
  } catch (error) {
    await rm(scratch, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}
