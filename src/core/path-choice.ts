/**
 * Which of the usable paths to a peer is taken.
 *
 *   new peer ──► a tunnel ──► a better path, once it is good (and has held, if it fell before)
 *                   ▲                          │
 *                   └── down, at once ◄────────┘        everything silent: back to a tunnel, and say so
 */
import { printDuration } from './duration.ts';
import {
  describePair,
  fallenPair,
  forgetPair,
  holdLeftMs,
  judgeEcho,
  judgePair,
  newPair,
  trustedPair,
  type Pair,
} from './pair.ts';
import { isTunnel, type PathName, type Refusal } from './path.ts';
import type { SettledProbe } from './probe-verdict.ts';

/** Silent on every path this often: no path works. A daemon that is being restarted is silent too, but for its kernel's echoes. */
const LOST_AFTER = 10;
const MOST_TURNS = 16;

/** One change of path. */
export interface Turn {
  readonly atMs: number;
  readonly from: PathName | undefined;
  readonly to: PathName;
  readonly why: string;
}

export interface PeerChoice {
  /** What the last pass took. */
  readonly current: PathName | undefined;
  readonly pairs: ReadonlyMap<PathName, Pair>;
  /** Of paths that are not usable now: that they fell is not forgotten when they are again. */
  readonly resting: ReadonlyMap<PathName, Pair>;
  /** No path answers any more, since. */
  readonly lostSinceMs: number | undefined;
  /** Latest last. */
  readonly turns: readonly Turn[];
}

export interface Chosen {
  readonly path: PathName;
  readonly why: string;
  /** No path works: this one is kept for want of a better. */
  readonly trouble: boolean;
  /** Of the usable paths, those that the list prefers and the choice does not. */
  readonly refused: readonly Refusal<PathName>[];
}

type Taken = Omit<Chosen, 'refused'>;

export const NO_CHOICE: PeerChoice = {
  current: undefined,
  pairs: new Map(),
  resting: new Map(),
  lostSinceMs: undefined,
  turns: [],
};

const pairOf = (choice: PeerChoice, path: PathName, nowMs: number): Pair =>
  choice.pairs.get(path) ?? choice.resting.get(path) ?? newPair(nowMs);

/**
 * Takes a verdict in.
 * @param by `kernel`: an echo, of a peer whose daemon is asked too
 */
export function judge(
  choice: PeerChoice,
  probe: SettledProbe,
  holdMs: number,
  nowMs: number,
  by: 'prober' | 'kernel' = 'prober',
): PeerChoice {
  const pairs = new Map(choice.pairs);
  const judgeOne = by === 'kernel' ? judgeEcho : judgePair;
  pairs.set(probe.path, judgeOne(pairOf(choice, probe.path, nowMs), probe, holdMs, nowMs));
  if (probe.verdict !== 'silent') return { ...choice, pairs, lostSinceMs: undefined };
  const all = [...pairs.values()];
  // A peer that never answered is unverified: it is used, and never called lost.
  const isLost =
    all.every(({ silent }) => silent >= LOST_AFTER) && all.some(({ lastHeardMs }) => lastHeardMs !== undefined);
  if (!isLost || choice.lostSinceMs !== undefined) return { ...choice, pairs };
  for (const [path, pair] of pairs) pairs.set(path, forgetPair(pair, nowMs));
  return { ...choice, pairs, lostSinceMs: nowMs };
}

/**
 * @param usable the paths that may be used in principle, the one liked best first; at least one
 * @param standing the path whose route stands in the kernel, where this process has not chosen yet
 */
export function choose(
  choice: PeerChoice,
  usable: readonly [PathName, ...PathName[]],
  standing: PathName | undefined,
  holdMs: number,
  nowMs: number,
): Chosen {
  const taken = take(choice, usable, standing, holdMs, nowMs);
  const preferred = usable.slice(0, usable.indexOf(taken.path));
  const refused = preferred.map((path) => ({ path, why: describePair(pairOf(choice, path, nowMs), holdMs, nowMs) }));
  return { ...taken, refused };
}

/** As `choose`, without a word about it. */
export function take(
  choice: PeerChoice,
  usable: readonly [PathName, ...PathName[]],
  standing: PathName | undefined,
  holdMs: number,
  nowMs: number,
): Taken {
  const current = [choice.current, standing].find((path) => path !== undefined && usable.includes(path));
  const [first] = usable;
  const fallback = usable.find(isTunnel) ?? first;
  if (choice.lostSinceMs !== undefined)
    return bad(fallback, `no path has answered for ${printDuration(wholeSeconds(nowMs - choice.lostSinceMs))}`);
  // Its lease showed no tunnel when it was met.
  const isUnproven = current === choice.current && pairOf(choice, current ?? first, nowMs).standing === 'unproven';
  if (current !== undefined && isUnproven && !isTunnel(current) && isTunnel(fallback))
    return good(fallback, 'a tunnel until the path is proven');
  if (current === undefined && choice.pairs.size === 0)
    return good(fallback, isTunnel(fallback) ? 'a new peer starts on a tunnel' : 'there is no tunnel to start on');

  const ranked = usable.map((path) => ({ path, rank: rankOf(pairOf(choice, path, nowMs), path, holdMs, nowMs) }));
  const is = ranked.find(({ path }) => path === current);
  if (is !== undefined && is.rank < RANK.down) {
    const better = ranked.slice(0, ranked.indexOf(is)).find(({ rank }) => rank === RANK.proven);
    if (better === undefined) return good(is.path, choice.current === undefined ? 'found in use' : 'stays');
    return good(better.path, `${better.path} is liked better, and good`);
  }
  const best = ranked.reduce((a, b) => (b.rank < a.rank ? b : a));
  const fell = is === undefined ? 'the path before is no longer usable' : `${is.path} is down`;
  return best.rank === RANK.down ? bad(fallback, 'every path is down') : good(best.path, fell);
}

const good = (path: PathName, why: string): Taken => ({ path, why, trouble: false });
const bad = (path: PathName, why: string): Taken => ({ path, why, trouble: true });

const wholeSeconds = (ms: number): number => Math.floor(ms / 1000) * 1000;

/** The lower the better. */
const RANK = { proven: 0, holding: 1, hopeful: 2, tunnel: 3, other: 4, down: 5 } as const;

function rankOf(pair: Pair, path: PathName, holdMs: number, nowMs: number): number {
  if (pair.standing === 'down') return RANK.down;
  // An answer that is overdue is no reason to leave a path, but one not to go there now.
  if (pair.standing === 'good' && pair.silent === 0 && pair.missed === 0)
    return holdLeftMs(pair, holdMs, nowMs) === 0 ? RANK.proven : RANK.holding;
  if (pair.heard > 0) return RANK.hopeful;
  return isTunnel(path) ? RANK.tunnel : RANK.other;
}

/**
 * After a pass: this is the path now.
 * @param trusted a first choice that stood in the kernel before. What the list prefers to it has fallen in an earlier run, as far as anybody knows, and has
 * to hold before it is gone back to.
 */
export function settle(choice: PeerChoice, chosen: Chosen, trusted: boolean, nowMs: number): PeerChoice {
  const { path, why, refused } = chosen;
  if (choice.current === path) return choice;
  const pairs = new Map(choice.pairs);
  if (trusted) {
    if (!pairs.has(path)) pairs.set(path, trustedPair(nowMs));
    for (const { path: better } of refused) if (!pairs.has(better)) pairs.set(better, fallenPair(nowMs));
  }
  const turns = [...choice.turns, { atMs: nowMs, from: choice.current, to: path, why }].slice(-MOST_TURNS);
  return { ...choice, current: path, pairs, turns };
}

/** Paths that are not usable any more are asked about no more, and must not count as silent. */
export function keepPairs(choice: PeerChoice, usable: readonly PathName[], nowMs: number): PeerChoice {
  if ([...choice.pairs.keys()].every((path) => usable.includes(path))) return choice;
  const pairs = new Map<PathName, Pair>();
  const resting = new Map(choice.resting);
  for (const [path, pair] of choice.pairs) {
    if (usable.includes(path)) pairs.set(path, pair);
    else resting.set(path, { ...newPair(nowMs), falls: pair.falls, fellAtMs: pair.fellAtMs });
  }
  return { ...choice, pairs, resting };
}

/** Does something hang on the next few probes? Then they come sooner. */
export function isUnsettled(
  { pairs }: PeerChoice,
  usable: readonly PathName[],
  holdMs: number,
  nowMs: number,
): boolean {
  return usable.some((path) => {
    const pair = pairs.get(path);
    if (pair === undefined) return true;
    // One that is known to be dead has time, whatever its requests come to.
    if (pair.standing === 'down' && pair.heard === 0) return false;
    if (pair.silent >= UNSURE_SILENCES) return false;
    if (pair.silent > 0 || (pair.missed > 0 && pair.standing !== 'down')) return true;
    if (pair.standing === 'good') return holdLeftMs(pair, holdMs, nowMs) > 0;
    return pair.standing === 'unproven' || pair.heard > 0;
  });
}

/** One that goes on saying nothing has time. */
const UNSURE_SILENCES = 3;
