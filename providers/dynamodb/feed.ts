/**
 * Follows the changes of a network for all who want to know of some, with one loop.
 *
 * Most of the time it reads one small item, the counter: every second while things change, more and more seldom while they do not.
 * That read may be a moment old, which costs nothing but that moment. When the counter has grown it reads the deltas behind its own
 * position; a number without a delta is a change on its way or a dead writer's. It waits a beat, looks again with a
 * strong read, and then closes the hole (changes.ts), so that nobody waits for ever and nothing comes late.
 */
import { backoffMs } from '../../src/core/backoff.ts';
import { Bell } from '../../src/core/bell.ts';
import { closeHole } from './changes.ts';
import { holesIn, OPEN_NUMBERS, readDeltas, type Delta, type Interest } from './deltas.ts';
import { BEAT_MS, load, type Base } from './load.ts';
import type { Partition } from './partition.ts';
import { readHead, snapshotDue, writeSnapshot, type Head } from './snapshot.ts';
import { COUNTER_ROW } from './sort-keys.ts';

export interface Pace {
  /** Between two looks while things change. */
  readonly fastMs: number;
  /** The most, while nothing changes. */
  readonly slowMs: number;
}

/** Jitter of the pauses: each is between 1 - and 1 + this of what it should be. */
const JITTER = 0.2;
/** For the reading itself. */
const READING_MS = 500;

/** Whoever reads with this pace has seen a change after so long. */
export const slowestLookMs = ({ slowMs }: Pace): number => slowMs * (1 + JITTER) + READING_MS;

export interface Follower {
  readonly interest: Interest;
  /** A snapshot does not tell of renewals. */
  readonly startsFrom: Base['from'];
  /** Everything anew: at the start, when it is due, and after the feed may have lost something. */
  restart(base: Base): void;
  /** What changed; told more than once at times, and not always in order. */
  apply(deltas: readonly Delta[]): void;
  /** By the clock, when it wants the rows themselves read; undefined: never. */
  dueMs(): number | undefined;
  /** How many leases there are, from one who knows. */
  leases(): number | undefined;
  /** A look failed; or, undefined, contact is back. */
  trouble(error: unknown): void;
}

interface Standing {
  loaded: boolean;
  troubled: boolean;
}

/** How far one run of the loop has come. */
interface Place {
  /** Every change up to here has been told. Undefined: nothing has been read. */
  position: number | undefined;
  /** Numbers without a delta, and when they were first missed. */
  holes: Map<number, number>;
  seenMs: number;
}

const STRETCH = 1.5;
const BACKOFF = { baseMs: 1000, capMs: 30_000, floorMs: 250 };
/** Deltas live two weeks; whoever was away for longer than this reads everything anew, before any that it needs is deleted. */
const AWAY_MS = 24 * 3_600_000;
/** In one look; the rest waits for the next, so that a look stays short. */
const MOST_CLOSINGS = 50;
/** Of all who see that a snapshot is due, about so many write it. */
const SNAPSHOT_WRITERS = 2;

export class Feed {
  readonly #partition: Partition;
  readonly #pace: Pace;
  readonly #followers = new Map<Follower, Standing>();
  readonly #bell = new Bell();
  #intervalMs: number;
  /** The next look must not be answered from a replica that lags. */
  #doubt = false;
  #stop: (() => void) | undefined;

  constructor(partition: Partition, pace: Pace) {
    this.#partition = partition;
    this.#pace = pace;
    this.#intervalMs = pace.fastMs;
  }

  /** Until the returned function is called. */
  join(follower: Follower): () => void {
    this.#followers.set(follower, { loaded: false, troubled: false });
    if (this.#stop === undefined) {
      const running = new AbortController();
      this.#stop = (): void => running.abort();
      void this.#run(running.signal);
    } else this.#bell.ring();
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size > 0) return;
      this.#stop?.();
      this.#stop = undefined;
    };
  }

  /** Look at once: something was written here. */
  look(): void {
    this.#intervalMs = this.#pace.fastMs;
    this.#doubt = true;
    this.#bell.ring();
  }

  /** Rejects never: what goes wrong is told to the followers. */
  async #run(signal: AbortSignal): Promise<void> {
    const { random } = this.#partition;
    const place: Place = { position: undefined, holes: new Map(), seenMs: 0 };
    for (let failures = 0; !signal.aborted;) {
      let waitMs: number;
      try {
        await this.#look(place, signal);
        failures = 0;
        this.#tell(undefined);
        waitMs = this.#intervalMs * (1 - JITTER + 2 * JITTER * random.fraction());
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#tell(error);
        waitMs = backoffMs(failures, random.fraction(), BACKOFF);
      }
      await this.#bell.wait(this.#partition.clock, waitMs, signal).catch(() => undefined);
    }
  }

  #tell(error: unknown): void {
    for (const [follower, standing] of this.#followers) {
      if (error !== undefined || standing.troubled) follower.trouble(error);
      standing.troubled = error !== undefined;
    }
  }

  async #look(place: Place, signal: AbortSignal): Promise<void> {
    const partition = this.#partition;
    if (partition.clock.now() - place.seenMs > AWAY_MS) this.#forget(place);
    const first = place.position === undefined;
    await this.#restart(place, signal);

    const reading = this.#doubt || place.holes.size > 0 ? 'strong' : 'eventual';
    this.#doubt = false;
    const head = readHead(await partition.row(COUNTER_ROW, reading, signal));
    const position = place.position ?? 0;
    place.seenMs = partition.clock.now();
    if (head.seq < position) {
      // A replica that lags; or, when a strong read says it too, a table restored from an old backup or made anew.
      if (reading === 'strong') this.#forget(place);
      this.#doubt = true;
    }
    if (head.seq > position || place.holes.size > 0) {
      await this.#advance(place, position, head, signal);
      this.#intervalMs = this.#pace.fastMs;
    } else this.#intervalMs = Math.min(this.#pace.slowMs, this.#intervalMs * STRETCH);
    if (!first) await this.#snapshot(head, signal);
  }

  #forget(place: Place): void {
    place.position = undefined;
    place.holes.clear();
    for (const standing of this.#followers.values()) standing.loaded = false;
  }

  /** Gives everything to those who have nothing yet, or want it read again. */
  async #restart(place: Place, signal: AbortSignal): Promise<void> {
    for (const [follower, standing] of this.#followers) {
      const due = follower.dueMs();
      const again = standing.loaded;
      if (again && (due === undefined || this.#partition.clock.now() < due)) continue;
      const base = await load(
        this.#partition,
        follower.interest,
        { from: again ? 'rows' : follower.startsFrom, holes: 'settled' },
        signal,
      );
      standing.loaded = true;
      follower.restart(base);
      place.position ??= base.position;
    }
  }

  async #advance(place: Place, position: number, head: Head, signal: AbortSignal): Promise<void> {
    const partition = this.#partition;
    const interest = [...this.#followers.keys()].flatMap((follower) => follower.interest);
    const deltas = await readDeltas(
      partition,
      position,
      interest,
      place.holes.size > 0 ? 'strong' : 'eventual',
      signal,
    );
    for (const [follower, { loaded }] of this.#followers) if (loaded) follower.apply(deltas);
    const top = Math.max(head.seq, deltas.at(-1)?.seq ?? 0);
    if (top - position - deltas.length > OPEN_NUMBERS) {
      // More than can be on its way: what was between is deleted.
      this.#forget(place);
      return;
    }
    const nowMs = partition.clock.now();
    const open = new Map<number, number>();
    let closings = 0;
    for (const seq of holesIn(deltas, position, top)) {
      const sinceMs = place.holes.get(seq);
      const ripe = sinceMs !== undefined && nowMs - sinceMs >= BEAT_MS && ++closings <= MOST_CLOSINGS;
      if (!ripe || (await closeHole(partition, seq, signal)) === 'written') open.set(seq, sinceMs ?? nowMs);
    }
    place.holes = open;
    const [firstOpen] = open.keys();
    place.position = firstOpen === undefined ? top : firstOpen - 1;
  }

  async #snapshot(head: Head, signal: AbortSignal): Promise<void> {
    for (const follower of this.#followers.keys()) {
      const leases = follower.leases();
      if (leases === undefined || !snapshotDue(head, leases)) continue;
      if (this.#partition.random.fraction() * Math.max(1, leases) >= SNAPSHOT_WRITERS) return;
      // A service to those who join later: that it failed is nobody's trouble, and another turn or node does it.
      await writeSnapshot(this.#partition, signal).catch(() => false);
      return;
    }
  }
}
