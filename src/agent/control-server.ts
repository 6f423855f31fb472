/** The control socket: the same HTTP over a Unix socket that only root may open. */
import { unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { WeftError } from '../core/errors.ts';
import { serve } from './http-server.ts';
import type { Route } from './routes.ts';

/** sun_path holds 108 bytes, the last a NUL (unix(7)). */
const MAX_PATH_BYTES = 107;

/**
 * Listens before it resolves, in a folder that is there; the promise in it resolves when it is closed, after the signal.
 * @throws WeftError BAD_OPTION when the path is too long or cannot be made, INSTANCE_RUNNING when a live daemon listens there
 */
export async function serveControl(
  path: string,
  routes: readonly Route[],
  signal: AbortSignal,
): Promise<{ readonly closed: Promise<void> }> {
  const length = Buffer.byteLength(path);
  if (length > MAX_PATH_BYTES) {
    throw new WeftError(
      'BAD_OPTION',
      `the control socket's path has ${length} bytes, at most ${MAX_PATH_BYTES} are possible: ${path}`,
      { hint: 'Choose a shorter --state-dir' },
    );
  }
  try {
    await removeStale(path);
    return await listenPrivately(path, routes, signal);
  } catch (error) {
    if (error instanceof WeftError) throw error;
    throw new WeftError(
      'BAD_OPTION',
      `cannot listen on the control socket ${path}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** bind(2) gives the socket the mode that the mask leaves, and happens before `listen` returns: it is never open to others, not for a moment. */
function listenPrivately(path: string, routes: readonly Route[], signal: AbortSignal): ReturnType<typeof serve> {
  const mask = process.umask(0o177);
  try {
    return serve({ path }, routes, signal);
  } finally {
    process.umask(mask);
  }
}

/** A daemon that was killed leaves its socket; nobody answers there. */
async function removeStale(path: string): Promise<void> {
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(path);
    socket
      .once('connect', () => resolve('CONNECTED'))
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.once('connect', () => socket.destroy());
  });
  if (answer === 'CONNECTED') throw new WeftError('INSTANCE_RUNNING', `another daemon listens on ${path}`);
  if (answer === 'ECONNREFUSED') await unlink(path);
}
