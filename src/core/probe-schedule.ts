/**
 * Which peers are asked now. A peer is asked on all its paths at once: what it says on one tells what it heard on the others.
 *
 *   active      every interval, whatever it costs
 *   idle        in a round of 10 s, of up to 55 s where that saves half of the budget, or as long as four fifths of the budget make it
 *   unsettled   every interval, as far as the rest of the budget goes
 */

/** Idle ones in a small cluster: oftener would tell nothing that matters before there is traffic. */
const IDLE_LEAST_MS = 10_000;
const IDLE_SHARE = 0.8;
/** Everybody once a minute is enough: until a round takes so long, half of that share has to do. */
const IDLE_ROUND_MS = 55_000;
/** Idle ones that are due so soon go along with those who are due: fewer wakes, here and there. */
const IDLE_ALONG_MS = 1000;
const JITTER = 0.05;
/** In a small cluster who is due so soon goes along with those who are due: one wake for all. */
const ALONG = 0.1;
/** A second, and what may lie between the look and the moment in which a request leaves: so no second sees more than the budget. */
const WINDOW_MS = 1100;
/** The budget is given out in so many parts: few wakes, and no bursts. */
const PARTS = 5;
const TICK_MS = WINDOW_MS / PARTS;
const MOST_PARTS = 2;
/** Active pairs that come due one shortly after another are asked together. */
const LEAST_TICK_MS = 20;

export interface ScheduledPeer<Key> {
  readonly key: Key;
  /** Requests that asking it takes: one a path. */
  readonly cost: number;
  readonly state: 'active' | 'unsettled' | 'idle';
  /** -Infinity: never asked. */
  readonly askedAtMs: number;
  /** As drawn when it was asked. */
  readonly jitter: number;
}

export interface ScheduleOptions {
  readonly intervalMs: number;
  /** Requests a second for all that is not active. */
  readonly budget: number;
}

/** What has been spent of the budget, as far as it still counts. */
export type Purse = readonly { readonly atMs: number; readonly requests: number }[];

export const FULL_PURSE: Purse = [];

export interface Asks<Key> {
  readonly now: readonly { readonly key: Key; readonly jitter: number }[];
  readonly purse: Purse;
  /** When somebody is due again. Infinity: never. */
  readonly nextAtMs: number;
}

interface Due<Key> {
  readonly peer: ScheduledPeer<Key>;
  readonly dueAtMs: number;
}

/**
 * Is the budget enough to ask everybody each interval?
 * @param requests that asking everybody once takes
 * @param wasShort it was not enough before: then there has to be room to spare, so that the answer does not change with each peer that comes and goes
 */
export function coversAll(requests: number, { intervalMs, budget }: ScheduleOptions, wasShort: boolean): boolean {
  const most = (budget * IDLE_SHARE * intervalMs) / 1000;
  return requests <= (wasShort ? most / 2 : most);
}

/** @param draw a jitter from -1 to 1, for each asking anew: hosts that start together must not ask together for ever */
export function schedule<Key>(
  peers: readonly ScheduledPeer<Key>[],
  before: Purse,
  { intervalMs, budget }: ScheduleOptions,
  nowMs: number,
  draw: () => number,
): Asks<Key> {
  const idleMs = idlePeriodMs(peers, budget);
  const alongMs = { active: 0, unsettled: TICK_MS / 2, idle: idleMs > IDLE_LEAST_MS ? IDLE_ALONG_MS : ALONG * idleMs };
  const due = { active: [] as Due<Key>[], unsettled: [] as Due<Key>[], idle: [] as Due<Key>[] };
  let activeAtMs = Infinity;
  let othersAtMs = Infinity;
  const wait = (isActive: boolean, dueAtMs: number): void => {
    if (isActive) activeAtMs = Math.min(activeAtMs, dueAtMs);
    else othersAtMs = Math.min(othersAtMs, dueAtMs);
  };
  const periodOf = ({ state }: ScheduledPeer<Key>, jitter: number): number =>
    (state === 'idle' ? idleMs : intervalMs) * (1 + JITTER * jitter);
  for (const peer of peers) {
    const dueAtMs = peer.askedAtMs + periodOf(peer, peer.jitter);
    if (dueAtMs <= nowMs + alongMs[peer.state]) due[peer.state].push({ peer, dueAtMs });
    else wait(peer.state === 'active', dueAtMs);
  }
  const others = [...oldestFirst(due.idle), ...oldestFirst(due.unsettled)];
  const isTime = others.some(({ dueAtMs }) => dueAtMs <= nowMs);

  const now: { readonly key: Key; readonly jitter: number }[] = [];
  const ask = (peer: ScheduledPeer<Key>): void => {
    const jitter = draw();
    now.push({ key: peer.key, jitter });
    wait(peer.state === 'active', nowMs + periodOf(peer, jitter));
  };
  for (const { peer } of due.active) ask(peer);

  const overAtMs = ({ atMs, requests }: Purse[number]): number => atMs + WINDOW_MS * Math.max(1, requests / budget);
  const counting = before.filter((each) => overAtMs(each) > nowMs);
  const left = budget - sum(counting);
  // A look that comes late gives out what it would have given in time.
  const part = (budget / PARTS) * Math.min(MOST_PARTS, (nowMs - (counting.at(-1)?.atMs ?? -Infinity)) / TICK_MS);
  let spent = 0;
  let refillAtMs = Infinity;
  for (const { peer, dueAtMs } of others) {
    if (!isTime) {
      wait(false, dueAtMs);
      continue;
    }
    // Whoever costs more than the whole budget goes when nothing else is spent, and it owes the rest.
    const isEmpty = left - spent < Math.min(peer.cost, budget);
    if (isEmpty || spent >= part) {
      othersAtMs = nowMs;
      if (isEmpty) refillAtMs = Math.min(...counting.map(overAtMs));
      break;
    }
    spent += peer.cost;
    ask(peer);
  }
  const soonAtMs = nowMs + LEAST_TICK_MS;
  return {
    now,
    purse: spent === 0 ? counting : [...counting, { atMs: nowMs, requests: spent }],
    nextAtMs: Math.min(
      Math.max(activeAtMs, soonAtMs),
      Math.max(refillAtMs, soonAtMs),
      Math.max(othersAtMs, nowMs + TICK_MS),
    ),
  };
}

const oldestFirst = <Key>(due: readonly Due<Key>[]): readonly Due<Key>[] =>
  due.length < 2 ? due : due.toSorted((a, b) => a.dueAtMs - b.dueAtMs);

const sum = (purse: Purse): number => purse.reduce((all, { requests }) => all + requests, 0);

function idlePeriodMs<Key>(peers: readonly ScheduledPeer<Key>[], budget: number): number {
  let requests = 0;
  for (const { state, cost } of peers) if (state === 'idle') requests += cost;
  const shortestMs = (requests / (budget * IDLE_SHARE)) * WINDOW_MS;
  return Math.max(IDLE_LEAST_MS, Math.min(IDLE_ROUND_MS, 2 * shortestMs), shortestMs);
}
