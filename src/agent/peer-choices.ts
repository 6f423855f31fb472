/** The path of each peer as probes have it: what was said of each path, what is taken, and who still answers. Asks nobody and waits for nothing. */
import type { Clock } from '../contracts/clock.ts';
import type { ProbeOutcome } from '../contracts/path-probe.ts';
import type { Lease, LeaseKey } from '../core/lease.ts';
import type { Pair } from '../core/pair.ts';
import {
  choose,
  isUnsettled,
  judge,
  keepPairs,
  NO_CHOICE,
  settle,
  take,
  type Chosen,
  type PeerChoice,
} from '../core/path-choice.ts';
import type { PathName } from '../core/path.ts';
import type { Subnet } from '../core/subnet.ts';
import type { Choose } from '../datapath/plan.ts';
import type { Usable } from '../datapath/usable-paths.ts';
import type { PassReport, PeerPath } from '../reconcile/pass-report.ts';

/** An idle peer is asked three times meanwhile, once at least by the path that is taken. */
const ANSWERS_FOR_MS = 180_000;

/** One peer, from the pass that met it to the one that lost it. */
export interface KnownPeer {
  readonly lease: Lease;
  /** Undefined: none is usable. */
  readonly usable: Usable | undefined;
  readonly choice: PeerChoice;
  /** When its daemon answered last, and whether it has since been silent. */
  readonly answeredAtMs: number | undefined;
  readonly isQuiet: boolean;
  /** Asked last; -Infinity: never. And the jitter (probe-schedule.ts) until the next time. */
  readonly askedAtMs: number;
  readonly jitter: number;
  /** How often it was asked. */
  readonly asked: number;
}

/** Written in place: it changes with every request and every answer. */
type Entry = { -readonly [Name in keyof KnownPeer]: KnownPeer[Name] } & {
  /** What the pass said: the same object when it did not look at this peer again. */
  readonly said: PeerPath;
};

/** What an outcome has changed. */
export interface Judged {
  readonly key: LeaseKey;
  /** Another path is to be taken. */
  readonly moves: boolean;
  /** It answered until now, and does no more. */
  readonly fellSilent: boolean;
  /** It is lost on every path, or found again. */
  readonly lostOrFound: boolean;
  readonly path: PathName;
  readonly before: Pair | undefined;
  readonly after: Pair | undefined;
}

export class PeerChoices {
  readonly #clock: Clock;
  readonly #holdMs: () => number;
  readonly #peers = new Map<Subnet, Entry>();

  constructor(clock: Clock, holdMs: () => number) {
    this.#clock = clock;
    this.#holdMs = holdMs;
  }

  get all(): ReadonlyMap<Subnet, KnownPeer> {
    return this.#peers;
  }

  /** For plans. Goes by what was known before. */
  readonly choose: Choose = (peer, usable, standing) =>
    choose(this.#choiceOf(peer), usable, standing, this.#holdMs(), this.#clock.now());

  /** What a pass has made so. @returns whether there are other peers than before, or other paths to them */
  settle(report: Pick<PassReport, 'peers' | 'moved'>): boolean {
    let changed = false;
    for (const { peer, is } of report.moved)
      if (is === undefined) changed = this.#peers.delete(peer.subnet.v4) || changed;
    for (const said of report.peers.values()) {
      const before = this.#peers.get(said.peer.subnet.v4);
      if (before?.said === said) continue;
      changed = true;
      this.#peers.set(said.peer.subnet.v4, this.#settled(said, before));
    }
    return changed;
  }

  asked(subnet: Subnet, jitter: number, nowMs: number): void {
    const peer = this.#peers.get(subnet);
    if (peer === undefined) return;
    peer.askedAtMs = nowMs;
    peer.jitter = jitter;
    peer.asked += 1;
  }

  /** Undefined for a peer that is gone. */
  judge(outcome: ProbeOutcome, nowMs: number): Judged | undefined {
    const peer = this.#peers.get(outcome.subnet);
    // A peer with a daemon is asked by echo only beside its probes, which are silent already.
    const isKernels = outcome.by === 'echo' && peer?.lease.attributes.weft?.probe !== undefined;
    const isNeedless = isKernels && outcome.verdict === 'silent';
    if (peer?.usable === undefined || !peer.usable.includes(outcome.path) || isNeedless) return undefined;
    const before = peer.choice;
    const wasQuiet = peer.isQuiet;
    const choice = judge(before, outcome, this.#holdMs(), nowMs, isKernels ? 'kernel' : 'prober');
    peer.choice = choice;
    if (outcome.by === 'probe' && outcome.verdict !== 'silent') {
      peer.isQuiet = false;
      peer.answeredAtMs = nowMs;
    } else if (outcome.by === 'probe') peer.isQuiet = allSilent(choice);
    const taken = take(choice, peer.usable, undefined, this.#holdMs(), nowMs);
    return {
      key: peer.lease.key,
      moves: taken.path !== choice.current,
      fellSilent: peer.isQuiet && !wasQuiet,
      lostOrFound: (choice.lostSinceMs === undefined) !== (before.lostSinceMs === undefined),
      path: outcome.path,
      before: before.pairs.get(outcome.path),
      after: choice.pairs.get(outcome.path),
    };
  }

  /** What would be taken now. */
  now(peer: KnownPeer): Chosen | undefined {
    if (peer.usable === undefined) return undefined;
    return choose(peer.choice, peer.usable, undefined, this.#holdMs(), this.#clock.now());
  }

  isUnsettled({ choice, usable }: KnownPeer, nowMs = this.#clock.now()): boolean {
    return usable !== undefined && isUnsettled(choice, usable, this.#holdMs(), nowMs);
  }

  /** Subnets whose daemons answer. A kernel that answers echoes is not enough: it does so for ever. */
  get answering(): ReadonlySet<Subnet> {
    const since = this.#clock.now() - ANSWERS_FOR_MS;
    const answering = new Set<Subnet>();
    for (const [subnet, { answeredAtMs = -Infinity, isQuiet }] of this.#peers)
      if (!isQuiet && answeredAtMs >= since) answering.add(subnet);
    return answering;
  }

  #choiceOf({ subnet, epoch }: Lease): PeerChoice {
    const known = this.#peers.get(subnet.v4);
    // Another owner is another peer.
    return known?.lease.epoch === epoch ? known.choice : NO_CHOICE;
  }

  #settled(said: PeerPath, before: Entry | undefined): Entry {
    const {
      peer: lease,
      usable: [first, ...rest],
      chosen,
      stood,
    } = said;
    const same = before?.lease.epoch === lease.epoch ? before : undefined;
    const usable: Usable | undefined = first === undefined ? undefined : [first, ...rest];
    const kept = keepPairs(same?.choice ?? NO_CHOICE, said.usable, this.#clock.now());
    const choice = chosen === undefined ? kept : settle(kept, chosen, stood && same === undefined, this.#clock.now());
    return {
      said,
      lease,
      usable,
      choice,
      answeredAtMs: same?.answeredAtMs,
      isQuiet: same?.isQuiet ?? false,
      askedAtMs: same?.askedAtMs ?? -Infinity,
      jitter: same?.jitter ?? 0,
      asked: same?.asked ?? 0,
    };
  }
}

const allSilent = ({ pairs }: PeerChoice): boolean => [...pairs.values()].every(({ silent }) => silent > 0);
