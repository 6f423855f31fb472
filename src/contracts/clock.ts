/** Time, handed in: nothing in Weft reads a clock of its own. */
export interface Clock {
  /** Milliseconds of CLOCK_BOOTTIME: never set back, and goes on while the host is suspended. For ages and deadlines. */
  now(): number;
  /** Milliseconds since 1970, as people and other hosts count. For texts alone; never compared with another host's. */
  wallTime(): number;
  /** Resolves after `ms` milliseconds of `now()`. Rejects with WeftError ABORTED when the signal fires, at once when it already has. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
