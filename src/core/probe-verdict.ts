/**
 * What became of requests. A request that is not answered says nothing: its answer may have been lost on the way back. What says something is any
 * answer of that peer which tells what it has heard (docs/probe-format.md, "Verdicts").
 */
import type { Hearing } from './probe-message.ts';
import type { PathName } from './path.ts';

/** A request on another path that is sent so much later cannot arrive earlier, but on paths that nobody wants. */
export const GRACE_MS = 500;
/** After so long nothing comes any more: it is told as silence, and what it really was comes with a later answer, if one does. */
export const PATIENCE_MS = 1500;
/** For one peer; older ones are given up. */
export const MOST_WAITING = 64;

export interface SentProbe {
  readonly sequence: number;
  readonly path: PathName;
  readonly sentAtMs: number;
  /** Why the kernel did not send it, if so: the peer will say that it did not hear it. */
  readonly unsent?: string;
  /** It was told as silence already. */
  readonly isGivenUp?: true;
}

export interface SettledProbe {
  readonly path: PathName;
  readonly verdict: 'heard' | 'missed' | 'silent';
  readonly rttMs?: number;
  readonly why?: string;
  /** It was told as silence before. */
  readonly isLate?: true;
}

export interface Settled {
  readonly waiting: readonly SentProbe[];
  readonly settled: readonly SettledProbe[];
}

/** What an answer tells. Of ICMP echo: that its request arrived, and nothing of others. */
export interface Told {
  readonly sequence: number;
  readonly arrived: PathName | undefined;
  readonly second: boolean;
  /** For how long the peer has been listening to us. */
  readonly listeningMs: number;
  readonly heard: ReadonlyMap<PathName, Hearing>;
}

/** Undefined: no request waits for this answer. It is a copy, or a recorded one. */
export function settleByAnswer(waiting: readonly SentProbe[], told: Told, nowMs: number): Settled | undefined {
  const asked = waiting.find(({ sequence }) => sequence === told.sequence);
  if (asked === undefined) return undefined;
  const left: SentProbe[] = [];
  const settled: SettledProbe[] = [];
  for (const probe of waiting) {
    if (probe === asked) {
      const own = byOwnAnswer(probe, told, nowMs);
      settled.push(probe.isGivenUp === true ? { ...own, isLate: true } : own);
    } else if (probe.sentAtMs + GRACE_MS > asked.sentAtMs) left.push(probe);
    else {
      const verdict = byLaterAnswer(probe, told, nowMs);
      if (probe.isGivenUp !== true) settled.push(verdict);
      else if (verdict.verdict !== 'silent') settled.push({ ...verdict, isLate: true });
    }
  }
  return { waiting: left, settled };
}

function byOwnAnswer({ path, sentAtMs }: SentProbe, { arrived, second }: Told, nowMs: number): SettledProbe {
  if (arrived !== path) return { path, verdict: 'missed', why: 'the request arrived by another way' };
  return second ? { path, verdict: 'heard' } : { path, verdict: 'heard', rttMs: nowMs - sentAtMs };
}

function byLaterAnswer({ path, sequence, sentAtMs, unsent }: SentProbe, told: Told, nowMs: number): SettledProbe {
  const last = told.heard.get(path);
  // The peer had not begun to listen then: it was being started, or had not read our lease.
  if (sentAtMs < nowMs - told.listeningMs) return silence(path, unsent);
  if (last !== undefined && last.sequence >= sequence) return { path, verdict: 'heard' };
  return { path, verdict: 'missed', why: unsent ?? 'the peer did not hear it' };
}

/** Gives up what has waited too long. The last one of each path waits on: where requests are rare, only the answer to the next tells whether it was heard. */
export function settleByTime(waiting: readonly SentProbe[], nowMs: number): Settled {
  const left: SentProbe[] = [];
  const settled: SettledProbe[] = [];
  const lastOver = new Map<PathName, SentProbe>();
  for (const probe of waiting) {
    if (nowMs - probe.sentAtMs < PATIENCE_MS) left.push(probe);
    else {
      if (probe.isGivenUp !== true) settled.push(silence(probe.path, probe.unsent));
      lastOver.set(probe.path, { ...probe, isGivenUp: true });
    }
  }
  return { waiting: [...lastOver.values(), ...left], settled };
}

const silence = (path: PathName, unsent: string | undefined): SettledProbe => ({
  path,
  verdict: 'silent',
  ...(unsent === undefined ? {} : { why: unsent }),
});

/** One more; the oldest is given up when too many wait. */
export function addSent(waiting: readonly SentProbe[], probe: SentProbe): readonly SentProbe[] {
  return [...waiting, probe].slice(-MOST_WAITING);
}
