/** Work in another network namespace without another process. */
import { closeSync, openSync } from 'node:fs';
import { checked, libc } from './libc.ts';

/** linux/sched.h */
const CLONE_NEWNET = 0x4000_0000;

/**
 * Runs `body` with this thread in the network namespace that the file names, then returns: sockets opened meanwhile belong to it for good.
 * `body` must not wait: the thread's other work would find itself there too. setns(2) needs CAP_SYS_ADMIN.
 */
export function inNetworkNamespace<T>(file: string, body: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(file, 'r');
    try {
      checked('setns', libc().setns(there, CLONE_NEWNET));
    } finally {
      closeSync(there);
    }
    try {
      return body();
    } finally {
      checked('setns', libc().setns(home, CLONE_NEWNET));
    }
  } finally {
    closeSync(home);
  }
}
