/** Files as part of the wanted state: subnet.env, and drop-ins that keep other programs from our devices and routes. */
import { readFile, rm } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Change } from '../core/diff.ts';
import { WeftError } from '../core/errors.ts';
import type { HostFile } from '../core/host-entry.ts';
import { writeAtomically } from './atomic-file.ts';
import { fileError, isGone } from './host-errors.ts';

/** Anybody may read them: Docker, CNI plugins and scripts do. */
const MODES = { file: 0o644, directory: 0o755 };

/** What stands for the text of a file that is there and cannot be read: unlike every text that is wanted, so that it is written anew. */
const UNREADABLE = '\0';

/**
 * Those of the files that exist. One that cannot be read (a directory of that name, say) must not keep the rest of the host from being looked at: what
 * is wrong with it shows when it is written.
 */
export async function observeFiles(paths: readonly string[]): Promise<HostFile[]> {
  const files: HostFile[] = [];
  for (const path of paths) {
    try {
      files.push({ kind: 'file', path, text: await readFile(path, 'utf8') });
    } catch (error) {
      if (!isGone(error)) files.push({ kind: 'file', path, text: UNREADABLE });
    }
  }
  return files;
}

/** Atomic and idempotent. NOT_PERMITTED or KERNEL_REFUSED, naming the path. */
export async function applyFile(change: Change<HostFile>): Promise<void> {
  const { path } = change.op === 'put' ? change.want : change.was;
  if (!isAbsolute(path)) throw new WeftError('KERNEL_REFUSED', `file "${path}": expected an absolute path`);
  if (change.op === 'put') {
    await writeAtomically(path, change.want.text, MODES).catch((error: unknown) => {
      throw fileError(`cannot write ${path}`, error);
    });
    return;
  }
  await rm(path).catch((error: unknown) => {
    if (!isGone(error)) throw fileError(`cannot remove ${path}`, error);
  });
}
