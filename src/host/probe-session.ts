/** What this host has to do with one Weft peer: its keys and incarnation, which of its requests were met and on which path, and which of ours wait for an answer. */
import type { ProbePeer, ProbeSelf } from '../contracts/path-probe.ts';
import type { PathName } from '../core/path.ts';
import {
  decodeProbe,
  encodeProbe,
  type Hearing,
  type ProbeAnswer,
  type ProbeMessage,
  type ProbeRequest,
} from '../core/probe-message.ts';
import {
  addSent,
  settleByAnswer,
  settleByTime,
  type SentProbe,
  type Settled,
  type SettledProbe,
} from '../core/probe-verdict.ts';
import { admit, NOTHING_MET } from '../core/replay-window.ts';
import type { PairSeals } from './probe-keys.ts';

interface Heard {
  readonly sequence: number;
  readonly atMs: number;
}

/** A request that is taken, and how to answer it. */
export interface TakenRequest {
  readonly path: PathName;
  readonly second: boolean;
  answer(second: boolean, nowMs: number): Uint8Array;
}

export class ProbeSession {
  readonly peer: ProbePeer;
  readonly seals: PairSeals;
  readonly #self: ProbeSelf;
  /** The newest incarnation of the peer that was met. */
  #incarnation: number;
  #window = NOTHING_MET;
  readonly #heard = new Map<PathName, Heard>();
  #sequence: number;
  readonly #sinceMs: number;
  #waiting: readonly SentProbe[] = [];
  /** Asked of the peer's run before: whatever it says now, it says nothing of these. */
  #void: readonly SentProbe[] = [];
  /** Paths whose last request has no answer yet. */
  readonly #open = new Set<PathName>();
  #turn = 0;

  /**
   * @param sequence the last one that was used before
   * @param before the session that this one takes the place of, with the same key
   */
  constructor(
    self: ProbeSelf,
    peer: ProbePeer,
    seals: PairSeals,
    { sequence, nowMs }: { readonly sequence: number; readonly nowMs: number },
    before?: ProbeSession,
  ) {
    this.peer = peer;
    this.#self = self;
    this.seals = seals;
    this.#incarnation = Math.max(peer.incarnation, before === undefined ? 0 : before.#incarnation);
    this.#sinceMs = before === undefined ? nowMs : before.#sinceMs;
    this.#sequence = before === undefined ? sequence : before.#sequence;
    if (before === undefined || before.#incarnation !== this.#incarnation) return;
    this.#window = before.#window;
    this.#heard = before.#heard;
    this.#waiting = before.#waiting;
    this.#void = before.#void;
    this.#open = before.#open;
  }

  /** The last sequence that was used. */
  get sequence(): number {
    return this.#sequence;
  }

  /** A request on this path; `unsent` tells of one that did not leave. */
  request(path: PathName, nowMs: number): Uint8Array {
    this.#sequence += 1;
    const request: ProbeRequest = {
      kind: 'request',
      path,
      // Since the one before has no answer: the fault may be on the way back.
      second: this.#open.has(path),
      sender: this.#self.incarnation,
      receiver: this.#incarnation,
      sequence: this.#sequence,
    };
    this.#open.add(path);
    this.#waiting = addSent(this.#waiting, { sequence: this.#sequence, path, sentAtMs: nowMs });
    return encodeProbe(request, this.seals.out);
  }

  unsent(why: string): void {
    const last = this.#sequence;
    this.#waiting = this.#waiting.map((probe) => (probe.sequence === last ? { ...probe, unsent: why } : probe));
  }

  /** Undefined: not by this peer, or not to be taken. */
  read(bytes: Uint8Array): ProbeMessage | undefined {
    const message = decodeProbe(bytes, this.seals.in);
    if (message === undefined || message.receiver !== this.#self.incarnation) return undefined;
    if (message.sender < this.#incarnation) return undefined;
    if (message.sender > this.#incarnation) this.#begin(message.sender);
    return message;
  }

  /**
   * @param arrived the path that it came in by, as far as the device tells; undefined when that is not the one it says
   * @returns undefined for a request that was met before
   */
  take(request: ProbeRequest, arrived: PathName | undefined, nowMs: number): TakenRequest | undefined {
    const window = admit(this.#window, request.sequence);
    if (window === undefined) return undefined;
    this.#window = window;
    if (arrived !== undefined) {
      const before = this.#heard.get(arrived)?.sequence ?? 0;
      this.#heard.set(arrived, { sequence: Math.max(before, request.sequence), atMs: nowMs });
    }
    const { sequence, path } = request;
    return {
      path,
      second: request.second,
      answer: (second, atMs) => encodeProbe(this.#answer(sequence, arrived, second, atMs), this.seals.out),
    };
  }

  /** Each time the next one of those that the peer may be answered by, besides this. */
  nextPath(besides: PathName): PathName | undefined {
    const others = this.peer.paths.filter((path) => path !== besides);
    this.#turn += 1;
    return others[this.#turn % Math.max(1, others.length)];
  }

  /** What an answer settles; nothing, when no request waits for it. */
  hear(answer: ProbeAnswer, nowMs: number): readonly SettledProbe[] {
    const asked = this.#waiting.find(({ sequence }) => sequence === answer.sequence);
    const settled = settleByAnswer(this.#waiting, answer, nowMs);
    if (asked === undefined || settled === undefined) return [];
    this.#open.delete(asked.path);
    return this.#settle(settled);
  }

  giveUp(nowMs: number): readonly SettledProbe[] {
    const old = settleByTime(this.#void, nowMs);
    this.#void = old.waiting.filter(({ isGivenUp }) => isGivenUp !== true);
    return [...old.settled, ...this.#settle(settleByTime(this.#waiting, nowMs))];
  }

  #settle({ waiting, settled }: Settled): readonly SettledProbe[] {
    this.#waiting = waiting;
    return settled;
  }

  #answer(sequence: number, arrived: PathName | undefined, second: boolean, nowMs: number): ProbeAnswer {
    const heard = new Map<PathName, Hearing>(
      [...this.#heard].map(([path, { sequence: last, atMs }]) => [path, { sequence: last, ageMs: nowMs - atMs }]),
    );
    return {
      kind: 'answer',
      arrived,
      second,
      listeningMs: nowMs - this.#sinceMs,
      sender: this.#self.incarnation,
      receiver: this.#incarnation,
      sequence,
      heard,
    };
  }

  /** The peer was started anew. */
  #begin(incarnation: number): void {
    this.#incarnation = incarnation;
    this.#window = NOTHING_MET;
    this.#heard.clear();
    this.#void = [...this.#void, ...this.#waiting];
    this.#waiting = [];
  }
}
