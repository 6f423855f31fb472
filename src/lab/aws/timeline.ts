/**
 * The account in time: what is true now, what readers see of it already (writes show late), and what will happen by itself.
 * Time is the clock's; nothing here waits but one sleeper for the next thing to happen.
 */
import type { SystemClock } from '../../system/system-clock.ts';
import type { AwsState } from './model.ts';

export type LabClock = Pick<SystemClock, 'now' | 'wallTime' | 'sleep'>;

export type Change = (state: AwsState) => AwsState;

interface Version {
  readonly state: AwsState;
  readonly readableAt: number;
}

interface Event {
  readonly at: number;
  /** Nobody needs to be woken for it: it has happened when somebody looks. */
  readonly quiet?: true;
  happen(): void;
}

export class Timeline {
  readonly #clock: LabClock;
  readonly #closing = new AbortController();
  #waiting = new AbortController();
  /** Oldest first; the last is the truth. */
  #versions: Version[];
  #events: Event[] = [];
  /** Changes that listeners have not heard of yet: what a listener changes is told after what it was told of. */
  #untold: (readonly [next: AwsState, before: AwsState])[] = [];
  #telling = false;
  #listeners: ((state: AwsState, before: AwsState) => void)[] = [];

  constructor(first: AwsState, clock: LabClock) {
    this.#clock = clock;
    this.#versions = [{ state: first, readableAt: clock.now() }];
  }

  /** The truth, and where writes act. */
  get state(): AwsState {
    this.settle();
    return this.#last.state;
  }

  /** What a reader sees: the newest state that has become readable. */
  get readable(): AwsState {
    this.settle();
    this.#forget();
    return this.#versions[0]?.state ?? this.#last.state;
  }

  /** @param lagMs how long readers do not see it. */
  change(change: Change, lagMs = 0): void {
    this.settle();
    this.#enter(change, this.#clock.now() + lagMs);
  }

  /** Something that will happen by itself, in `ms` from now. */
  later(ms: number, change: Change): void {
    const at = this.#clock.now() + ms;
    this.#plan({ at, happen: () => this.#enter(change, at) });
  }

  /** The same, where it takes more than one change. */
  after(ms: number, happen: () => void): void {
    this.#plan({ at: this.#clock.now() + ms, happen });
  }

  /** Something that shows to readers alone, and that no listener waits for. */
  quietly(ms: number, change: Change): void {
    const at = this.#clock.now() + ms;
    this.#plan({ at, quiet: true, happen: () => this.#enter(change, at) });
  }

  #plan(event: Event): void {
    this.#events = [...this.#events, event].toSorted((a, b) => a.at - b.at);
    if (event.quiet === true) return;
    // The sleeper may wait for a later one.
    this.#waiting.abort();
    this.#waiting = new AbortController();
    void this.#sleep(AbortSignal.any([this.#waiting.signal, this.#closing.signal]));
  }

  /** When the next thing happens by itself; undefined: nothing will. */
  get nextAt(): number | undefined {
    return this.#events[0]?.at;
  }

  /** Called after each change, with the truth, and what was true before. */
  onChange(listener: (state: AwsState, before: AwsState) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#closing.abort();
  }

  get #last(): Version {
    const last = this.#versions.at(-1);
    if (last === undefined) throw new Error('a timeline has no beginning');
    return last;
  }

  #enter(change: Change, readableAt: number): void {
    const { state } = this.#last;
    const next = change(state);
    if (next === state) return;
    this.#versions.push({ state: next, readableAt });
    this.#forget();
    this.#untold.push([next, state]);
    this.#tell();
  }

  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    try {
      for (let it = this.#untold.shift(); it !== undefined; it = this.#untold.shift()) {
        for (const listener of this.#listeners) listener(...it);
      }
    } finally {
      this.#telling = false;
    }
  }

  /** Of the readable versions only the newest counts. */
  #forget(): void {
    const now = this.#clock.now();
    const index = this.#versions.findLastIndex(({ readableAt }) => readableAt <= now);
    this.#versions.splice(0, Math.max(0, index));
  }

  /** Lets happen what is due; whoever asks for a state has it done. */
  settle(): void {
    const now = this.#clock.now();
    for (let [next] = this.#events; next !== undefined && next.at <= now; [next] = this.#events) {
      this.#events.shift();
      next.happen();
    }
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const next = (): Event | undefined => this.#events.find(({ quiet }) => quiet !== true);
    try {
      for (let it = next(); it !== undefined; it = next()) {
        await this.#clock.sleep(it.at - this.#clock.now(), signal);
        this.settle();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
