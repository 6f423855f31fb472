/** A test that changes rules or settings of the kernel does so in namespaces that only its process has, gone with it. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadKoffi } from '../../src/native/koffi.ts';

// linux/sched.h
const CLONE_NEWNS = 0x0002_0000;
const CLONE_NEWNET = 0x4000_0000;

const LOCK_FILE = 'XTABLES_LOCKFILE';

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
  ownLock();
}

/**
 * All users of iptables on a machine share one lock, whatever their namespaces, and a call of a test that does not wait for it fails when another test file holds it at that
 * moment (xtables.lock, iptables(8), since 1.8.5).
 */
function ownLock(): void {
  if (process.env[LOCK_FILE] !== undefined) return;
  const file = path.join(os.tmpdir(), `weft-xtables-${process.pid}.lock`);
  process.env[LOCK_FILE] = file;
  process.on('exit', () => rmSync(file, { force: true }));
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
