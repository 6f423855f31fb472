/** A command's time with the store that its options name. */
import { asWeftError, WeftError } from '../core/errors.ts';
import type { LeaseView } from '../core/lease.ts';
import type { LeaseStore } from '../contracts/lease-store.ts';
import { CryptoRandom } from '../system/crypto-random.ts';
import type { Invocation, OpenedStore } from './command.ts';
import { namedStore } from './named-store.ts';
import { machineRegion } from './this-cloud.ts';

/** Opens the store, and closes it whatever happens. */
export async function withStore<T>(invocation: Invocation, work: (opened: OpenedStore) => Promise<T>): Promise<T> {
  const { clock, options, signal } = invocation;
  const seams = { clock, random: new CryptoRandom() };
  const { url, password } = namedStore(options);
  const opened = await invocation.openStore(url, {
    ...seams,
    ...(password === undefined ? {} : { password }),
    // Where the cloud is, the store is too, when nothing else says where.
    machineRegion: async () => options.region ?? machineRegion(options, seams, signal),
  });
  try {
    return await work(opened);
  } finally {
    opened.close();
  }
}

/** The whole of what the store says now. A store that is away is an error here: a person waits at the other end. */
export async function currentView(store: LeaseStore, signal: AbortSignal): Promise<LeaseView> {
  const stop = new AbortController();
  const forward = (): void => stop.abort();
  signal.addEventListener('abort', forward, { once: true });
  let trouble: unknown;
  const failed = (error: unknown): void => {
    trouble = error;
    if (error !== undefined) stop.abort();
  };
  try {
    for await (const { view } of store.watch(stop.signal, failed)) return view;
  } finally {
    stop.abort();
    signal.removeEventListener('abort', forward);
  }
  if (signal.aborted) throw new WeftError('ABORTED', 'ended by a signal');
  throw asWeftError(trouble ?? new WeftError('INTERNAL', 'the store yielded no view'));
}
