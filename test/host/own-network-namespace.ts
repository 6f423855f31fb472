/** A test that changes rules or settings of the kernel does so in namespaces that only its process has, gone with it. */
import { execFileSync } from 'node:child_process';
import { loadKoffi } from '../../src/native/koffi.ts';

// linux/sched.h
const CLONE_NEWNS = 0x0002_0000;
const CLONE_NEWNET = 0x4000_0000;

/** Why tests with namespaces cannot run here; false when they can. As root they always must. */
export const NEEDS_ROOT = process.getuid?.() === 0 ? false : 'needs root';

/**
 * A fresh network namespace, and mounts of its own, for the main thread and the programs it starts. May be called again: then both are fresh again.
 * (Not for Node's worker threads: those of /proc/sys that a promise of node:fs reads there are the old ones.)
 */
export function enterOwnNetworkNamespace(): void {
  // Fresh mounts are copies of those before.
  uncoverPrograms();
  const koffi = loadKoffi();
  const unshare = koffi.load(null).func('int unshare(int flags)');
  if (unshare(CLONE_NEWNS | CLONE_NEWNET) !== 0) throw new Error(`unshare: errno ${koffi.errno()}`);
  execFileSync('mount', ['--make-rprivate', '/']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
}

const hidden: string[] = [];

/** Installs what was hidden. */
export function uncoverPrograms(): void {
  for (const path of hidden.splice(0)) execFileSync('umount', [path]);
}

/** Makes programs as good as not installed, until the next fresh namespace. */
export function hidePrograms(...paths: readonly string[]): void {
  for (const path of paths) {
    execFileSync('mount', ['--bind', '/dev/null', path]);
    hidden.push(path);
  }
}
