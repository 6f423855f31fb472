/**
 * One watch stream on etcd's raw protocol, for as long as it lasts. etcd3's own Watcher goes on from the header's revision, which loses what is still to
 * come when a stream ends while it catches up; here each range goes on from the revision behind its last event.
 */
import type { Etcd3, IWatchResponse } from 'etcd3';
import { rangeRequest, readEntry, type Entry } from './etcd.ts';
import type { KeyRange } from './keys.ts';

export interface KeyEvent {
  readonly key: string;
  /** Undefined: the key is gone, removed or expired. */
  readonly entry: Entry | undefined;
  readonly revision: number;
}

/** A range, and the first revision of which nothing is known yet. */
export interface Place {
  readonly range: KeyRange;
  from: number;
}

export interface Listener {
  /** Every place is watched now. */
  watching(): void;
  /** In the order of their revisions within one place. The place has been moved on. */
  events(place: Place, events: readonly KeyEvent[]): void;
}

/** What came after a place's revision is deleted: only a new list can tell. */
export class Compacted extends Error {}

/** Rejects when the stream ends, however it does. */
export async function watchStream(
  client: Etcd3,
  places: readonly Place[],
  listener: Listener,
  signal: AbortSignal,
): Promise<never> {
  const stream = await client.watchClient.watch({ interceptors: [withLeader] });
  const cancel = (): void => stream.cancel();
  try {
    return await new Promise<never>((_, reject) => {
      const byId = new Map<string, Place>();
      stream.on('error', reject);
      stream.on('end', () => reject(new Error('14 UNAVAILABLE: the server ended the watch')));
      stream.on('data', (answer) => {
        try {
          take(answer, places, byId, listener);
        } catch (error) {
          reject(error);
        }
      });
      signal.addEventListener('abort', cancel, { once: true });
      if (signal.aborted) cancel();
      for (const { range, from } of places)
        stream.write({ create_request: { ...rangeRequest(range), start_revision: from } });
    });
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

function take(answer: IWatchResponse, places: readonly Place[], byId: Map<string, Place>, listener: Listener): void {
  const { watch_id, created, canceled, compact_revision, cancel_reason, events } = answer;
  if (Number(compact_revision) > 0) throw new Compacted(`compacted up to revision ${compact_revision}`);
  // etcd has no status for these: the stream goes on without the watch.
  if (canceled) throw new Error(`${cancel_reason || '14 UNAVAILABLE: the server cancelled the watch'}`);
  if (created) {
    // Requests are answered in their order.
    const place = places[byId.size];
    if (place !== undefined) byId.set(watch_id, place);
    if (byId.size === places.length) listener.watching();
  }
  const place = byId.get(watch_id);
  if (place === undefined || events.length === 0) return;
  const read = events.map(({ type, kv }): KeyEvent => {
    const entry = readEntry(kv);
    return {
      key: entry.key,
      entry: type === 'Delete' || String(type) === 'DELETE' ? undefined : entry,
      revision: entry.modified,
    };
  });
  place.from = Math.max(place.from, (read.at(-1)?.revision ?? 0) + 1);
  listener.events(place, read);
}

type Interceptor = NonNullable<NonNullable<Parameters<Etcd3['watchClient']['watch']>[0]>['interceptors']>[number];

/** A member that has lost its leader would go on for ever without an event: asked so, it ends the stream (etcd's clientv3.WithRequireLeader). */
const withLeader: Interceptor = (options, nextCall) => {
  const call = nextCall(options);
  const start = call.start.bind(call);
  call.start = (metadata, listener) => {
    const own = metadata.clone();
    own.set('hasleader', 'true');
    start(own, listener);
  };
  // What gRPC wants here is this very object, with any method replaced.
  return call as ReturnType<Interceptor>;
};
