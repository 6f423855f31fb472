/** Programs in a network namespace that has nothing, not even loopback: what they do there they do without a network. */
import { spawnSync } from 'node:child_process';

const NO_NETWORK = process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net'];

/** Why this cannot be tried here; undefined when it can. */
export function whyNotOffline(): string | undefined {
  const { status, error, stderr } = spawnSync('unshare', [...NO_NETWORK, 'true'], { encoding: 'utf8' });
  if (error !== undefined) return `unshare cannot be started: ${error.message}`;
  return status === 0 ? undefined : `this machine lets nobody make a network namespace: ${stderr.trim()}`;
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function runOffline(folder: string, program: string, ...words: readonly string[]): Ended {
  const { status, stdout, stderr } = spawnSync('unshare', [...NO_NETWORK, program, ...words], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, CI: 'true' },
  });
  return { status, stdout, stderr };
}
