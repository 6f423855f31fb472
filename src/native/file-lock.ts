/** A lock that goes with the process that holds it, however that ends: flock(2). Node has none. */
import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import os from 'node:os';
import { checked, libc } from './libc.ts';

/** linux/fcntl.h (asm-generic): exclusive, and do not wait. */
const LOCK_EX_NB = 2 | 4;

export interface FileLock {
  release(): void;
}

/**
 * Locks the file, which is made if need be and stays for ever: removing it would let two holders have files of one name. Our process id is
 * written into it. Undefined when another process (or another open file of ours) holds it. Throws Node's errors of open(2), or KernelError.
 */
export function lockFile(path: string): FileLock | undefined {
  // Node opens with O_CLOEXEC, so that no program we start keeps the lock.
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  let held = false;
  try {
    held = takeLock(fd);
    if (!held) return undefined;
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
    let open = true;
    return {
      release() {
        // A second close would hit whatever file has the number by then.
        if (open) closeSync(fd);
        open = false;
      },
    };
  } finally {
    if (!held) closeSync(fd);
  }
}

function takeLock(fd: number): boolean {
  const result = libc().flock(fd, LOCK_EX_NB);
  if (result !== 0 && libc().errno() === os.constants.errno.EWOULDBLOCK) return false;
  checked('flock', result);
  return true;
}
