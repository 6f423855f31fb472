/** Counts what reaches the store: hosts talk to a proxy beside it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LAB_FOLDER } from '../../src/lab/inside.ts';
import type { Lab } from '../../src/lab/lab.ts';
import { listens } from '../../src/lab/namespaces.ts';
import { SERVICES } from '../../src/lab/store.ts';
import { twoSegments } from '../../src/lab/two-segments.ts';
import { becomes } from './becomes.ts';

const PORT = 8001;
const LOG = path.join(LAB_FOLDER, 'calls.log');
const WRITES = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems'];

/** What a lab's hosts need in their environment to use it. */
export const throughProxy = {
  AWS_ENDPOINT_URL_DYNAMODB: `http://${twoSegments.store.address}:${PORT}`,
};

/** Call when the store runs; it listens when this resolves. */
export async function startProxy(lab: Lab): Promise<void> {
  const program = fileURLToPath(new URL('counting-proxy.js', import.meta.url));
  const { name, address } = twoSegments.store;
  lab.start({
    name: 'proxy',
    namespace: name,
    command: [process.execPath, program, String(PORT), address, String(SERVICES.dynamodb.port)],
    logFile: LOG,
  });
  await becomes('the proxy listens', true, () => listens(name, PORT));
}

/** All calls so far, in order. */
export const calls = (): readonly string[] => readFileSync(LOG, 'utf8').split('\n').slice(0, -1);

export const writes = (all: readonly string[]): readonly string[] => all.filter((call) => WRITES.includes(call));
