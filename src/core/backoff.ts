/** How long to wait before the next attempt: exponential, with full jitter, so that a thousand hosts that failed together do not come back together. */

export interface BackoffOptions {
  /** Longest wait after the first failure. */
  readonly baseMs: number;
  /** Longest wait ever. */
  readonly capMs: number;
  /** Shortest wait, against a row of attempts in one moment. */
  readonly floorMs: number;
}

/** `failures` in a row, at least 1; `fraction` by chance, from 0 up to 1. */
export function backoffMs(failures: number, fraction: number, options: BackoffOptions): number {
  // 2^60 is past any cap; without the bound a long outage would end in Infinity, and 0 * Infinity is not a number.
  const longest = Math.min(options.capMs, options.baseMs * 2 ** Math.min(Math.max(failures, 1) - 1, 60));
  return Math.max(options.floorMs, Math.round(longest * fraction));
}
