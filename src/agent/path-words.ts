/** What probes have said of the paths to a peer, in words of now: what a pass wrote down is as old as the pass. */
import type { Clock } from '../contracts/clock.ts';
import { describePair } from '../core/pair.ts';
import type { PathName, Refusal } from '../core/path.ts';
import type { PeerPath } from '../reconcile/pass-report.ts';
import type { PeerChoices } from './peer-choices.ts';

export interface ProbedPath {
  readonly path: PathName;
  readonly says: string;
  /** Of the last answer that came by the path that was asked about; null when there is none. */
  readonly rttMs: number | null;
  /** When the peer last heard us on it, as far as it said so; ISO 8601. */
  readonly heard: string | null;
}

/** One change of path, ISO 8601. */
export interface PathTurn {
  readonly at: string;
  readonly from: PathName | null;
  readonly to: PathName;
  readonly why: string;
}

export interface PathWords {
  readonly refused: readonly Refusal[];
  /** No path works; null when one does. */
  readonly trouble: string | null;
  /** Nothing hangs on the next few probes. */
  readonly settled: boolean;
  readonly probes: readonly ProbedPath[];
  readonly turns: readonly PathTurn[];
}

export function pathWords(
  { peer, refused }: PeerPath,
  choices: PeerChoices | undefined,
  clock: Clock,
  holdMs: number,
): PathWords {
  const known = choices?.all.get(peer.subnet.v4);
  if (choices === undefined || known === undefined)
    return { refused, trouble: null, settled: false, probes: [], turns: [] };
  const nowMs = clock.now();
  const iso = (atMs: number): string => new Date(clock.wallTime() - (nowMs - atMs)).toISOString();
  const chosen = choices.now(known);
  const whys = new Map<string, string>(chosen?.refused.map(({ path, why }) => [path, why]));
  const probes = [...known.choice.pairs].map(([path, pair]): ProbedPath => {
    const { rttMs, lastHeardMs } = pair;
    return {
      path,
      says: describePair(pair, holdMs, nowMs),
      rttMs: rttMs ?? null,
      heard: lastHeardMs === undefined ? null : iso(lastHeardMs),
    };
  });
  return {
    refused: refused.map(({ path, why }) => ({ path, why: whys.get(path) ?? why })),
    trouble: chosen?.trouble === true ? chosen.why : null,
    settled: chosen?.path === known.choice.current && !choices.isUnsettled(known),
    probes,
    turns: known.choice.turns.map(({ atMs, from, to, why }) => ({ at: iso(atMs), from: from ?? null, to, why })),
  };
}
