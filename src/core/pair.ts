/**
 * What probes have said of one path to one peer.
 *
 *              3 heard in a row                 3 missed in a row
 *   unproven ──────────────────► good ◄──────┐ ────────────────► down
 *      │                           ▲ └───────┘                     │
 *      └── 3 missed ──► down       └──────── 3 heard in a row ─────┘   and then it has to hold, see `holdLeftMs`
 *
 * Silence moves nothing: the answers may be what is lost.
 */
import { printDuration } from './duration.ts';
import type { SettledProbe } from './probe-verdict.ts';

export const PROMOTE_AFTER = 3;
export const DOWN_AFTER = 3;

/** The hold time doubles with each fall, up to this many times the first, and halves again for each of these many hold times without one. */
const MOST_DOUBLINGS = 4;
const DECAY_HOLDS = 20;

export interface Pair {
  readonly standing: 'unproven' | 'good' | 'down';
  /** Since when it stands so. */
  readonly sinceMs: number;
  /** In a row; silence does not end a row of heard ones, nor of missed ones. */
  readonly heard: number;
  readonly missed: number;
  readonly silent: number;
  /** Its kernel has answered an echo on it since its daemon answered last. */
  readonly echoed: boolean;
  /** Begin of the row of heard ones. */
  readonly heardFromMs: number | undefined;
  readonly lastHeardMs: number | undefined;
  readonly rttMs: number | undefined;
  /** Of the last verdict, where it has something to say. */
  readonly why: string | undefined;
  /** How often it fell from good, forgotten with time, and when last. */
  readonly falls: number;
  readonly fellAtMs: number;
}

export const newPair = (nowMs: number): Pair => ({
  standing: 'unproven',
  sinceMs: nowMs,
  heard: 0,
  missed: 0,
  silent: 0,
  echoed: false,
  heardFromMs: undefined,
  lastHeardMs: undefined,
  rttMs: undefined,
  why: undefined,
  falls: 0,
  fellAtMs: 0,
});

/** Found in use after a restart: trusted until probes say otherwise. */
export const trustedPair = (nowMs: number): Pair => ({ ...newPair(nowMs), standing: 'good' });

/** Not in use after a restart although it is liked better. */
export const fallenPair = (nowMs: number): Pair => ({ ...newPair(nowMs), falls: 1, fellAtMs: nowMs });

export function judgePair(pair: Pair, { verdict, rttMs, why }: SettledProbe, holdMs: number, nowMs: number): Pair {
  switch (verdict) {
    case 'silent':
      return { ...pair, silent: pair.silent + 1, why };
    case 'heard': {
      const heard = pair.heard + 1;
      const proven = pair.standing !== 'good' && heard >= PROMOTE_AFTER;
      return {
        ...pair,
        ...(proven ? { standing: 'good', sinceMs: nowMs } : {}),
        heard,
        missed: 0,
        silent: 0,
        echoed: false,
        heardFromMs: pair.heardFromMs ?? nowMs,
        lastHeardMs: nowMs,
        rttMs: rttMs ?? pair.rttMs,
        why: undefined,
      };
    }
    case 'missed': {
      const missed = pair.missed + 1;
      const row = { ...pair, heard: 0, missed, silent: 0, echoed: false, heardFromMs: undefined, why };
      if (pair.standing === 'down' || missed < DOWN_AFTER) return row;
      const fell = pair.standing === 'good' ? { falls: fallsLeft(pair, holdMs, nowMs) + 1, fellAtMs: nowMs } : {};
      return { ...row, ...fell, standing: 'down', sinceMs: nowMs };
    }
  }
}

/**
 * What the kernel of a peer says by echo while its daemon says nothing. Filters pass echoes where they pass nothing else, and drop them where they pass all else. So one
 * that is heard proves no path, it only keeps a good one; and one that is missed blames the path only when an earlier one came through.
 */
export function judgeEcho(pair: Pair, echo: SettledProbe, holdMs: number, nowMs: number): Pair {
  const isHeard = echo.verdict === 'heard';
  if (!isHeard && !pair.echoed) return pair;
  if (isHeard && pair.standing !== 'good') return { ...pair, silent: 0, echoed: true };
  return { ...judgePair(pair, echo, holdMs, nowMs), echoed: true };
}

/** What it was good for is forgotten: the peer was lost on every path, and may be another when it comes back. */
export const forgetPair = (pair: Pair, nowMs: number): Pair => ({
  ...pair,
  standing: 'unproven',
  sinceMs: nowMs,
  heard: 0,
  heardFromMs: undefined,
});

const fallsLeft = ({ falls, fellAtMs }: Pair, holdMs: number, nowMs: number): number =>
  Math.max(0, falls - Math.floor((nowMs - fellAtMs) / (DECAY_HOLDS * holdMs)));

/** How much longer a good path has to be good before it is gone back to. 0 for one that never fell: there is no hold at the first promotion. */
export function holdLeftMs(pair: Pair, holdMs: number, nowMs: number): number {
  // The fall that it returns from always counts; earlier ones as far as they are not forgotten.
  const falls = pair.falls === 0 ? 0 : Math.max(1, fallsLeft(pair, holdMs, nowMs));
  if (falls === 0) return 0;
  const wanted = holdMs * 2 ** Math.min(falls - 1, MOST_DOUBLINGS);
  return Math.max(0, wanted - (pair.heardFromMs === undefined ? 0 : nowMs - pair.heardFromMs));
}

/** In words, for status and explain. */
export function describePair(pair: Pair, holdMs: number, nowMs: number): string {
  const left = holdLeftMs(pair, holdMs, nowMs);
  const said = pair.why === undefined ? '' : `: ${pair.why}`;
  if (pair.standing === 'down')
    return pair.heard > 0 ? `was down, ${pair.heard} good probes of ${PROMOTE_AFTER}` : `down${said}`;
  if (pair.standing === 'unproven') {
    if (pair.lastHeardMs === undefined && pair.silent > 0) return `no answer to ${pair.silent} probes yet${said}`;
    return `${pair.heard} good probes of ${PROMOTE_AFTER}`;
  }
  if (left > 0) return `was down, has to be good for ${printDuration(Math.ceil(left / 1000) * 1000)} more`;
  if (pair.missed > 0) return `${pair.missed} of ${DOWN_AFTER} probes missed${said}`;
  return pair.silent > 0 ? `good, ${pair.silent} probes without an answer` : 'good';
}
