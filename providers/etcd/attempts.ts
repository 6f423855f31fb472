/** How often a call to the store is tried: each endpoint at once, then all again after a wait, within seconds. None does harm when it is done again. */
import type { Etcd3 } from 'etcd3';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { backoffMs } from '../../src/core/backoff.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Connection } from './client.ts';
import { isEndpointTrouble, passes, storeError } from './etcd-errors.ts';

const ROUNDS = 3;
/** No further attempt begins after this, but that each endpoint is tried once; with the client's own deadline no call to one endpoint outlasts 12 s. */
const DEADLINE_MS = 8000;
const BACKOFF = { baseMs: 200, capMs: 2000, floorMs: 20 };

export interface AttemptOptions {
  /** What is tried, as it reads after "cannot". */
  readonly doing: string;
  readonly connection: Connection;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

export async function attempt<T>(options: AttemptOptions, call: (client: Etcd3) => Promise<T>): Promise<T> {
  const { doing, connection, clock, random, signal } = options;
  const deadline = clock.now() + DEADLINE_MS;
  for (let failures = 1; ; failures++) {
    if (signal.aborted) throw gaveUp(doing, signal);
    const endpoint = connection.endpoint;
    try {
      return await orAborted(call(endpoint.client), doing, signal);
    } catch (error) {
      if (connection.learn(error) && failures < ROUNDS * connection.size) continue;
      const translated = storeError(error, doing, endpoint.name, signal);
      if (isEndpointTrouble(translated.code)) connection.leave(endpoint);
      if (!passes(translated.code)) throw translated;
      if (failures < connection.size) continue;
      if (failures >= ROUNDS * connection.size || clock.now() >= deadline) throw translated;
      if (failures % connection.size !== 0) continue;
      const waitMs = backoffMs(failures / connection.size, random.fraction(), BACKOFF);
      if (clock.now() + waitMs > deadline) throw translated;
      await clock.sleep(waitMs, signal);
    }
  }
}

const gaveUp = (doing: string, signal: AbortSignal): WeftError =>
  new WeftError('ABORTED', `gave up: cannot ${doing}`, { cause: signal.reason });

/** etcd3 lets nobody cancel a call: it goes on alone, until its deadline at the latest. */
async function orAborted<T>(work: Promise<T>, doing: string, signal: AbortSignal): Promise<T> {
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(gaveUp(doing, signal));
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
