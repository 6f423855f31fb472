/** Where the daemon listens that a person means: the one of the store that is named, else the only one on this host. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { WeftError } from '../core/errors.ts';
import { fileError, isGone } from '../host/host-errors.ts';
import { instanceIdOf } from '../host/state-directory.ts';
import type { Invocation } from './command.ts';
import { ask, type Answer, type Question } from './control-client.ts';
import { isStoreNamed, namedStore } from './named-store.ts';
import { storeIdentity } from './open-store.ts';

export const CONTROL_SOCKET = 'control.sock';

/** @throws WeftError NO_DAEMON, NOT_PERMITTED, BAD_OPTION when several run here */
export async function askDaemon(invocation: Invocation, question: Question): Promise<Answer> {
  return ask(await socketOf(invocation), question, invocation.signal);
}

async function socketOf(invocation: Invocation): Promise<string> {
  const { options } = invocation;
  const { stateDir } = options;
  if (isStoreNamed(options))
    return path.join(stateDir, instanceIdOf([await storeIdentity(namedStore(options).url)]), CONTROL_SOCKET);
  const known = await socketsIn(stateDir);
  const [first, ...others] = known;
  if (first === undefined) {
    throw new WeftError('NO_DAEMON', `no weftd has run with its state in ${stateDir}`, {
      hint: 'Start it with weftd run, or name its --state-dir.',
    });
  }
  if (others.length === 0) return first;
  const live = await living(known, invocation.signal);
  const [only, ...more] = live;
  if (only !== undefined && more.length === 0) return only;
  if (only === undefined)
    throw new WeftError('NO_DAEMON', `none of the ${known.length} daemons with state in ${stateDir} runs`, {
      hint: 'Start one with weftd run.',
    });
  throw new WeftError(
    'BAD_OPTION',
    `${live.length} daemons run here, in ${live.map((socket) => path.dirname(socket)).join(', ')}`,
    { hint: 'Say which by --store, or by the etcd options.' },
  );
}

async function socketsIn(stateDir: string): Promise<string[]> {
  try {
    const entries = await readdir(stateDir, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(stateDir, entry.name));
    const contents = await Promise.all(
      folders.map(async (folder) =>
        (await readdir(folder)).includes(CONTROL_SOCKET) ? [path.join(folder, CONTROL_SOCKET)] : [],
      ),
    );
    return contents.flat().toSorted();
  } catch (error) {
    if (isGone(error)) return [];
    throw fileError(`cannot look into ${stateDir}`, error, 'STATE_UNREADABLE');
  }
}

/** A daemon that was killed leaves its socket behind: those that answer. */
async function living(sockets: readonly string[], signal: AbortSignal): Promise<string[]> {
  const answers = await Promise.all(
    sockets.map((socket) =>
      ask(socket, { method: 'GET', path: '/status', withinMs: 2000 }, signal).then(
        () => [socket],
        () => [],
      ),
    ),
  );
  return answers.flat();
}
