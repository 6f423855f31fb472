/** Locks in the state directory: of a daemon's own folder, and of what all daemons of the host share. */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { WeftError } from '../core/errors.ts';
import { lockFile, type FileLock } from '../native/file-lock.ts';
import { fileError } from './host-errors.ts';

/** Whoever has the lock writes one small file and gives it back. */
const RETRY_MS = 10;
const PATIENCE_MS = 10_000;

/** Undefined when another process holds it. @throws WeftError NOT_PERMITTED, STATE_UNREADABLE */
export function lockAt(path: string): FileLock | undefined {
  try {
    return lockFile(path);
  } catch (error) {
    throw fileError(`cannot lock ${path}`, error, 'STATE_UNREADABLE');
  }
}

/** For as short as it takes to change a file that all daemons share. */
export async function lockClaims(directory: string, signal: AbortSignal): Promise<FileLock> {
  const path = join(directory, 'claims.lock');
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += RETRY_MS) {
    const lock = lockAt(path);
    if (lock !== undefined) return lock;
    await wait(RETRY_MS, undefined, { signal }).catch((error: unknown) => {
      throw new WeftError('ABORTED', `waiting for ${path}: stopped`, { cause: error });
    });
  }
  throw new WeftError('INSTANCE_RUNNING', `another process holds ${path} and does not give it back`);
}
