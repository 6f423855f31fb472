/** List, then watch, for ever: whoever follows has everything, and hears of every change, whatever happens to the connection in between. */
import { backoffMs } from '../../src/core/backoff.ts';
import { Bell } from '../../src/core/bell.ts';
import { isEndpointTrouble, storeError } from './etcd-errors.ts';
import type { Etcd, Listing } from './etcd.ts';
import type { KeyRange } from './keys.ts';
import { Compacted, watchStream, type KeyEvent, type Place } from './watch-stream.ts';

export interface Follower {
  readonly doing: string;
  readonly ranges: readonly KeyRange[];
  /** Listed with them, and not watched. */
  readonly beside: readonly KeyRange[];
  /**
   * Everything as of one revision, first the ranges, then those beside. Not told before is new, told before and not there is gone.
   * `anew`: it may be another store than before, in which the same revision means something else.
   */
  restart(listing: Listing, anew: boolean): void;
  /** Later than all that was told of these keys before. */
  apply(events: readonly KeyEvent[]): void;
  /** When everything is to be listed again though nothing broke, by the clock; undefined: never. */
  dueMs(): number | undefined;
  /** At each failure; with undefined when contact is back. */
  trouble(error: unknown): void;
}

const BACKOFF = { baseMs: 200, capMs: 5000, floorMs: 50 };

/** Ends with the signal. Rejects never: what goes wrong is told to the follower. */
export async function follow(etcd: Etcd, follower: Follower, signal: AbortSignal): Promise<void> {
  const course = new Course(etcd, follower);
  let troubled = false;
  const tell = (error: unknown): void => {
    if (error !== undefined || troubled) follower.trouble(error);
    troubled = error !== undefined;
  };
  for (let failures = 0; !signal.aborted;) {
    const endpoint = etcd.connection.endpoint;
    try {
      await course.run(() => {
        failures = 0;
        tell(undefined);
      }, signal);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (error instanceof Compacted) course.forget();
      else {
        const trouble = storeError(error, follower.doing, endpoint.name);
        if (isEndpointTrouble(trouble.code)) etcd.connection.leave(endpoint);
        tell(trouble);
      }
      const waitMs = backoffMs(failures, etcd.random.fraction(), BACKOFF);
      await etcd.clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }
}

class Course {
  readonly #etcd: Etcd;
  readonly #follower: Follower;
  readonly #places: readonly Place[];
  #cluster: string | undefined;
  /** The revision of the last list; what a watch tells of it or of what was before is known. */
  #listed = 0;
  /** Events that came while a list was on its way: they are behind it. */
  #waiting: KeyEvent[] | undefined;

  constructor(etcd: Etcd, follower: Follower) {
    this.#etcd = etcd;
    this.#follower = follower;
    this.#places = follower.ranges.map((range) => ({ range, from: 0 }));
  }

  /** The next run begins with a list. */
  forget(): void {
    this.#cluster = undefined;
  }

  /** Until something breaks. */
  async run(inTouch: () => void, signal: AbortSignal): Promise<never> {
    // A unary call first: it tells whether the store is there and still the same, and has a token renewed that died with a restarted server; a watch cannot.
    if (this.#cluster !== undefined && !(await this.#sameStore(signal))) this.forget();
    if (this.#cluster === undefined) await this.#list(signal);
    const ended = new AbortController();
    const end = (): void => ended.abort();
    signal.addEventListener('abort', end, { once: true });
    try {
      const opened = new Bell();
      const stream = watchStream(
        this.#etcd.connection.endpoint.client,
        this.#places,
        {
          watching: () => {
            inTouch();
            opened.ring();
          },
          events: (_, events) => this.#take(events),
        },
        ended.signal,
      );
      stream.catch(() => undefined);
      await Promise.race([stream, opened.heard(ended.signal)]);
      for (;;) {
        await Promise.race([stream, this.#due(ended.signal)]);
        if (ended.signal.aborted) return await stream;
        this.#waiting = [];
        await Promise.race([stream, this.#list(signal)]);
      }
    } finally {
      this.#waiting = undefined;
      signal.removeEventListener('abort', end);
      end();
    }
  }

  async #due(signal: AbortSignal): Promise<void> {
    const dueMs = this.#follower.dueMs();
    if (dueMs === undefined) await new Bell().heard(signal);
    else await this.#etcd.clock.sleep(dueMs - this.#etcd.clock.now(), signal).catch(() => undefined);
  }

  /** False: restored from a backup, or made anew: revisions that we know are to come again, with other content. */
  async #sameStore(signal: AbortSignal): Promise<boolean> {
    const { revision, cluster } = await this.#etcd.list(
      this.#follower.doing,
      [{ from: this.#etcd.keys.config }],
      signal,
    );
    const known = Math.max(...this.#places.map(({ from }) => from - 1));
    return cluster === this.#cluster && revision >= known;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { doing, ranges, beside } = this.#follower;
    const listing = await this.#etcd.list(doing, [...ranges, ...beside], signal);
    const goesOn = this.#cluster === listing.cluster;
    this.#cluster = listing.cluster;
    this.#listed = listing.revision;
    const next = listing.revision + 1;
    for (const place of this.#places) place.from = goesOn ? Math.max(place.from, next) : next;
    this.#follower.restart(listing, !goesOn);
    const waited = this.#waiting ?? [];
    this.#waiting = undefined;
    if (waited.length > 0) this.#take(waited);
  }

  #take(events: readonly KeyEvent[]): void {
    if (this.#waiting !== undefined) this.#waiting.push(...events);
    else {
      const later = events.filter(({ revision }) => revision > this.#listed);
      if (later.length > 0) this.#follower.apply(later);
    }
  }
}
