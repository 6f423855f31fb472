/** What the first process inside the lab's namespaces does before anything else. */
import { mkdirSync, readdirSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { WeftError } from '../core/errors.ts';
import { attempt, run } from './program.ts';

/** Files of the lab: in memory, and gone with it. Hosts have a folder each. */
export const LAB_FOLDER = '/run/weft-lab';

/**
 * Covers /run with a tmpfs that only this mount namespace sees: namespace names (/run/netns), iptables' lock and the lab's files need a
 * place to write, which an ordinary user has nowhere else, and nothing of it may outlive the lab.
 */
export async function settleIn(executable: string): Promise<void> {
  for (const file of [process.execPath, executable].map((it) => realpathSync(it))) {
    if (file.startsWith('/run/')) {
      throw new WeftError('UNSUPPORTED', `the lab covers /run inside its namespaces, and ${file} lies there`, {
        hint: 'copy it elsewhere and run it from there',
      });
    }
  }
  // Some systems find their programs through links in /run (NixOS: /run/current-system).
  const links = readdirSync('/run', { withFileTypes: true }).filter((entry) => entry.isSymbolicLink());
  const targets = links.map(({ name }) => ({ name, target: readlinkSync(path.join('/run', name)) }));
  await run('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', '/run']);
  for (const { name, target } of targets) symlinkSync(target, path.join('/run', name));
  mkdirSync(LAB_FOLDER);
  // So that pids in /proc are those of the lab. Where a container masks parts of /proc the kernel refuses; it works without.
  await attempt('mount', ['-t', 'proc', 'proc', '/proc']);
}
