/**
 * Which peers are asked now. A peer is asked on all its paths at once: what it says on one tells what it heard on the others.
 *
 *   active      every interval, whatever it costs
 *   idle        in a round that takes four fifths of the budget, or 10 s where that is longer
 *   unsettled   every interval, as far as the rest of the budget goes
 */

/** Idle ones in a small cluster: oftener would tell nothing that matters before there is traffic. */
const IDLE_LEAST_MS = 10_000;
const IDLE_SHARE = 0.8;
/** Of a second's budget, what may go at once after a pause; the rest is refilled evenly. So no second sees more than the budget. */
const BURST = 0.1;
const JITTER = 0.05;

export interface ScheduledPeer<Key> {
  readonly key: Key;
  /** Requests that asking it takes: one a path. */
  readonly cost: number;
  readonly state: 'active' | 'unsettled' | 'idle';
  /** -Infinity: never asked. */
  readonly askedAtMs: number;
}

export interface ScheduleOptions {
  readonly intervalMs: number;
  /** Requests a second for all that is not active. */
  readonly budget: number;
}

/** Requests that may go now; refilled with time. */
export interface Purse {
  readonly requests: number;
  readonly atMs: number;
}

export interface Asks<Key> {
  readonly now: readonly Key[];
  readonly purse: Purse;
  /** When somebody is due again; never more than an interval away. */
  readonly nextAtMs: number;
}

export const EMPTY_PURSE: Purse = { requests: 0, atMs: -Infinity };

interface Due<Key> {
  readonly peer: ScheduledPeer<Key>;
  readonly dueAtMs: number;
}

/** @param jitter from -1 to 1, for each peer anew: hosts that start together must not ask together for ever */
export function schedule<Key>(
  peers: readonly ScheduledPeer<Key>[],
  before: Purse,
  { intervalMs, budget }: ScheduleOptions,
  nowMs: number,
  jitter: (key: Key) => number,
): Asks<Key> {
  const most = Math.max(1, budget * BURST);
  const refill = budget * (1 - BURST);
  let purse = Math.min(most, before.requests + (Math.max(0, nowMs - before.atMs) / 1000) * refill);
  const idleMs = idlePeriodMs(peers, budget);
  const active: Due<Key>[] = [];
  const unsettled: Due<Key>[] = [];
  const idle: Due<Key>[] = [];
  let nextAtMs = nowMs + intervalMs;
  for (const peer of peers) {
    const period = peer.state === 'idle' ? idleMs : intervalMs;
    const dueAtMs = peer.askedAtMs + period * (1 + JITTER * jitter(peer.key));
    if (dueAtMs > nowMs) nextAtMs = Math.min(nextAtMs, dueAtMs);
    else (peer.state === 'active' ? active : peer.state === 'unsettled' ? unsettled : idle).push({ peer, dueAtMs });
  }

  const now = active.map(({ peer }) => peer.key);
  const spend = (due: readonly Due<Key>[]): void => {
    for (const { peer } of due.toSorted((a, b) => a.dueAtMs - b.dueAtMs)) {
      // Whoever costs more than the purse can hold goes when it is full, and it owes the rest.
      if (purse < Math.min(peer.cost, most)) break;
      purse -= peer.cost;
      now.push(peer.key);
    }
  };
  spend(idle);
  spend(unsettled);
  const waiting = unsettled.length + idle.length - (now.length - active.length);
  if (waiting > 0) nextAtMs = Math.min(nextAtMs, nowMs + TICK_MS);
  return { now, purse: { requests: purse, atMs: nowMs }, nextAtMs: Math.max(nextAtMs, nowMs + LEAST_TICK_MS) };
}

/** While somebody waits for the purse. Less than a full purse, so that none of it is lost between two looks. */
const TICK_MS = 60;
/** Peers that come due one shortly after another are asked together. */
const LEAST_TICK_MS = 20;

function idlePeriodMs<Key>(peers: readonly ScheduledPeer<Key>[], budget: number): number {
  let requests = 0;
  for (const { state, cost } of peers) if (state === 'idle') requests += cost;
  return Math.max(IDLE_LEAST_MS, (requests / (budget * (1 - BURST) * IDLE_SHARE)) * 1000);
}
