/**
 * The namespaces that hold a whole lab: mounts, network and processes of its own, as root or, for an ordinary user, inside a user namespace.
 * Nothing in it reaches the machine's network, names in it collide with nobody's, and it ends with its first process, even by kill -9.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import path from 'node:path';
import { WeftError } from '../core/errors.ts';
import { attempt, searchPath } from './program.ts';
import type { StoreKind } from './store.ts';

/** How a lab gets the right to make namespaces. */
export type Way = 'root' | 'user namespace';

/** Programs that the lab and its hosts call, and the Debian package of each. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  nft: 'nftables',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
};
/** The same, for a lab with this store. */
const STORE_PROGRAMS: Readonly<Record<StoreKind, typeof PROGRAMS>> = { dynamodb: {}, etcd: { etcd: 'etcd-server' } };

const NAMESPACES = ['--mount', '--net', '--pid', '--fork', '--kill-child'];

/** The command that runs `command` as the first process of new namespaces. */
export function enclosed(way: Way, command: readonly string[]): readonly [string, ...string[]] {
  const user = way === 'root' ? [] : ['--user', '--map-root-user'];
  return ['unshare', ...user, ...NAMESPACES, '--', ...command];
}

/** Rejects with UNSUPPORTED (something is missing) or NOT_PERMITTED, saying what to do. */
export async function findWay(store: StoreKind = 'dynamodb'): Promise<Way> {
  if (process.platform !== 'linux') {
    throw new WeftError('UNSUPPORTED', `the lab is made of Linux network namespaces, and this is ${process.platform}`);
  }
  const needed = { ...PROGRAMS, ...STORE_PROGRAMS[store] };
  const missing = Object.entries(needed).filter(([program]) => !onPath(program));
  if (missing.length > 0) {
    const [programs, packages] = [missing.map(([program]) => program), new Set(missing.map(([, debian]) => debian))];
    throw new WeftError('UNSUPPORTED', `the lab needs programs that are not installed: ${programs.join(', ')}`, {
      hint: `on Debian or Ubuntu: apt-get install ${[...packages].join(' ')}`,
    });
  }
  const ways: Way[] = process.getuid?.() === 0 ? ['root', 'user namespace'] : ['user namespace'];
  let words = '';
  for (const way of ways) {
    const [program, ...args] = enclosed(way, ['true']);
    const result = await attempt(program, args);
    if (result.code === 0) return way;
    words ||= result.stderr.trim();
  }
  throw new WeftError('NOT_PERMITTED', `the lab may not make namespaces here: ${words}`, { hint: whyRefused() });
}

function onPath(program: string): boolean {
  return searchPath(process.env['PATH'])
    .split(':')
    .some((folder) => {
      try {
        accessSync(path.join(folder, program), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Which of the usual locks it is. */
function whyRefused(): string {
  if (process.getuid?.() === 0) {
    return 'root lacks CAP_SYS_ADMIN: start the container with it, for example "docker run --privileged"';
  }
  const byRoot = 'or run the lab as root';
  const locks: readonly (readonly [key: string, locked: string, unlock: string])[] = [
    ['user/max_user_namespaces', '0', 'sysctl user.max_user_namespaces=10000'],
    // Debian's and Ubuntu's own patch.
    ['kernel/unprivileged_userns_clone', '0', 'sysctl kernel.unprivileged_userns_clone=1'],
    // Ubuntu 24.04 and later.
    ['kernel/apparmor_restrict_unprivileged_userns', '1', 'sysctl kernel.apparmor_restrict_unprivileged_userns=0'],
  ];
  for (const [key, locked, unlock] of locks) {
    if (readSetting(key) === locked) return `user namespaces are switched off: "sudo ${unlock}", ${byRoot}`;
  }
  return `this system keeps user namespaces from ordinary users (a container's seccomp profile?): allow them, ${byRoot}`;
}

function readSetting(key: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${key}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
