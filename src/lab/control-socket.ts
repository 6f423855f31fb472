/** Asks a running daemon through its control socket, which every namespace of the lab can open: it is a file. */
import { existsSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import type { Status } from '../core/status.ts';

/** One that runs answers in milliseconds, and one that has ended refuses at once: this is for one that gets no time. */
const ANSWER_WITHIN_MS = 10_000;

const SOCKET = 'control.sock';

/** What the daemon says of itself; undefined while there is none that answers. */
export async function readStatus(instanceFolder: string): Promise<Status | undefined> {
  try {
    return JSON.parse(await askControl(instanceFolder, '/status')) as Status;
  } catch {
    return undefined;
  }
}

/** How one change of path is told by `GET /explain/PEER`. */
export interface ToldTurn {
  readonly to: string;
  readonly why: string;
}

/** @param peer its node id. Rejects when the daemon does not know it. */
export async function readTurns(instanceFolder: string, peer: string): Promise<readonly ToldTurn[]> {
  const told = await askControl(instanceFolder, `/explain/${encodeURIComponent(peer)}`);
  return (JSON.parse(told) as { readonly turns: readonly ToldTurn[] }).turns;
}

/** Rejects when it has no such counter or gauge. */
export async function readMetric(instanceFolder: string, name: string): Promise<number> {
  const text = await askControl(instanceFolder, '/metrics');
  const [, value] = new RegExp(`^${name} (\\S+)$`, 'm').exec(text) ?? [];
  if (value === undefined) throw new Error(`no metric ${name}`);
  return Number(value);
}

/** `<state-dir>/<instance>`, one for each daemon that has run with this state. */
export function instanceFolders(stateFolder: string): readonly string[] {
  try {
    const folders = readdirSync(stateFolder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return folders.map(({ name }) => path.join(stateFolder, name)).filter((it) => existsSync(path.join(it, SOCKET)));
  } catch {
    // Not there yet.
    return [];
  }
}

/** Rejects when it does not answer, or with anything but 200. */
export function askControl(instanceFolder: string, resource: string): Promise<string> {
  const socketPath = path.join(instanceFolder, SOCKET);
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: resource, agent: false, timeout: ANSWER_WITHIN_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${resource}: HTTP ${response.statusCode}`));
      });
    });
    asking.on('timeout', () => asking.destroy(new Error(`${resource}: no answer`)));
    asking.on('error', reject);
    asking.end();
  });
}
