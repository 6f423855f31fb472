/** Asks a running daemon through its control socket, which every namespace of the lab can open: it is a file. */
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import type { Status } from '../core/status.ts';

const ANSWER_WITHIN_MS = 2000;

/** What the daemon says of itself; undefined while there is none that answers. */
export async function readStatus(stateFolder: string): Promise<Status | undefined> {
  const socketPath = findSocket(stateFolder);
  if (socketPath === undefined) return undefined;
  try {
    return JSON.parse(await ask(socketPath, '/status')) as Status;
  } catch {
    return undefined;
  }
}

/** `<state-dir>/<instance>/control.sock`; the lab's hosts run one instance each. */
function findSocket(stateFolder: string): string | undefined {
  try {
    for (const entry of readdirSync(stateFolder, { recursive: true, withFileTypes: true })) {
      if (entry.name === 'control.sock') return path.join(entry.parentPath, entry.name);
    }
  } catch {
    // Not there yet.
  }
  return undefined;
}

function ask(socketPath: string, resource: string): Promise<string> {
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
