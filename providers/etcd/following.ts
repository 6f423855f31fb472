/** A follower's news as somebody reads them, who may be slower than they come. */
import { setImmediate as rest } from 'node:timers/promises';
import type { Etcd } from './etcd.ts';
import { follow, type Follower } from './follow.ts';

export interface Teller<T> extends Follower {
  /** Resolves when `take` has something new, or when the signal fires. */
  next(signal: AbortSignal): Promise<void>;
  take(): T;
}

export async function* following<T>(etcd: Etcd, make: () => Teller<T>, signal: AbortSignal): AsyncGenerator<T> {
  if (signal.aborted) return;
  const teller = make();
  const over = new AbortController();
  const end = (): void => over.abort();
  signal.addEventListener('abort', end, { once: true });
  const ended = follow(etcd, teller, over.signal);
  try {
    for (;;) {
      await teller.next(signal);
      // What came with it from the network, each event by itself, is told with it: a view costs a look at every lease.
      await rest();
      if (signal.aborted) return;
      yield teller.take();
    }
  } finally {
    signal.removeEventListener('abort', end);
    end();
    await ended;
  }
}
