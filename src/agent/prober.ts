/**
 * Asks peers which paths reach them, and wakes the loop when another path is to be taken.
 *
 *   pass ──settle──► choices ◄──judge── outcomes ◄── probe ◄── schedule ◄── traffic, what is unsettled
 *     ▲                 │
 *     └── choose ◄──────┴──► wake: this peer moves
 */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type {
  KnownTraffic,
  PathProbe,
  ProbeOutcome,
  ProbePeer,
  ProbeSelf,
  ProbeTarget,
} from '../contracts/path-probe.ts';
import type { Random } from '../contracts/random.ts';
import { WeftError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Advert, LeaseView } from '../core/lease.ts';
import type { NodeId } from '../core/node-id.ts';
import type { Pair } from '../core/pair.ts';
import { isTunnel, type PathName } from '../core/path.ts';
import { baseOf, type Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import type { Usable } from '../datapath/usable-paths.ts';
import type { PassReport } from '../reconcile/pass-report.ts';
import { Bell } from '../core/bell.ts';
import { findingOf, type Findings } from './findings.ts';
import type { Changed } from './loop.ts';
import { patiently } from './patiently.ts';
import { PeerChoices } from './peer-choices.ts';
import { ProbePeers, probeSelf } from './probe-peers.ts';
import { ProbeRounds } from './probe-rounds.ts';

export interface ProberParts {
  readonly probe: PathProbe;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly findings: Findings;
  readonly node: NodeId;
  readonly incarnation: number;
  readonly self: () => Self;
  /** Undefined before the first. */
  readonly view: () => LeaseView | undefined;
  readonly wake: (changed: Changed) => void;
  /** A path that a cloud carries as it is has gone down: by its routes, or within one of its subnets. */
  readonly doubt: () => void;
}

const unknown = (message: string): Finding => ({ code: 'ACTIVITY_UNKNOWN', message });

/** Names in one finding; more are counted. */
const FEW = 5;

export class Prober {
  readonly #parts: ProberParts;
  readonly #bell = new Bell();
  readonly #relisten = new Bell();
  readonly #watching = new Bell();
  readonly #peers = new ProbePeers();
  readonly choices: PeerChoices;
  readonly #rounds: ProbeRounds;
  #served = '[]';
  #listening: string | undefined;
  #isRefused = false;
  #watchesTraffic: boolean | undefined;
  /** Fires when traffic need not be watched any more. */
  #watch = new AbortController();
  #unreached = '';

  constructor(parts: ProberParts) {
    this.#parts = parts;
    this.choices = new PeerChoices(parts.clock, () => parts.self().config.probe.holdMs);
    this.#rounds = new ProbeRounds(this.choices, parts.random, (subnet) => this.#isLeaving(subnet));
  }

  /** For the lease. Promised before the sockets stand: a question that comes too early is not answered, and silence is no verdict. */
  get advert(): Advert['probe'] {
    const { probe, self } = this.#parts;
    return this.#isRefused ? undefined : { key: probe.key, port: self().config.probe.port };
  }

  /** Runs until the signal fires (ABORTED). */
  run(signal: AbortSignal): Promise<never> {
    return Promise.race([this.#listen(signal), this.#read(signal), this.#watchTraffic(signal), this.#ask(signal)]);
  }

  /** What a pass has made so. */
  settle(report: PassReport): void {
    if (this.choices.settle(report)) {
      this.#serve();
      this.#watching.ring();
    }
    this.#decideWatch();
    if (report.scope === 'all') this.#relisten.ring();
    // Other leases, interval or budget make others due.
    this.#rounds.touchAll();
    this.#bell.ring();
    this.#tellUnreached();
  }

  async #listen(signal: AbortSignal): Promise<never> {
    const { probe, clock, random, findings, self, node, incarnation } = this.#parts;
    const asNow = (): ProbeSelf => probeSelf(self(), node, incarnation, this.#watchesTraffic);
    for (;;) {
      const begin = async (): Promise<void> => {
        const own = asNow();
        if (JSON.stringify(own) === this.#listening) return;
        try {
          await probe.listen(own, signal);
          this.#listening = JSON.stringify(own);
          this.#isRefused = false;
          findings.clear('probe');
          this.#bell.ring();
          this.#watching.ring();
        } catch (error) {
          this.#isRefused = true;
          this.#listening = undefined;
          throw error;
        }
      };
      await patiently('probe', begin, { clock, random, findings }, signal, () => !signal.aborted);
      await this.#relisten.wait(clock, Infinity, signal);
    }
  }

  async #read(signal: AbortSignal): Promise<never> {
    const { probe, clock, random, findings } = this.#parts;
    const follow = async (): Promise<never> => {
      for await (const outcomes of probe.outcomes(signal)) {
        const nowMs = clock.now();
        for (const outcome of outcomes) this.#hear(outcome, nowMs);
      }
      throw new WeftError(signal.aborted ? 'ABORTED' : 'KERNEL_REFUSED', 'nothing is heard of probes any more');
    };
    const again = async (): Promise<never> => {
      try {
        return await follow();
      } finally {
        this.#listening = undefined;
        this.#relisten.ring();
      }
    };
    return patiently('probe', again, { clock, random, findings }, signal, () => !signal.aborted);
  }

  #hear(outcome: ProbeOutcome, nowMs: number): void {
    const judged = this.choices.judge(outcome, nowMs);
    if (judged === undefined) return;
    this.#rounds.touch(outcome.subnet);
    const { log, wake, doubt } = this.#parts;
    const { key, moves, fellSilent, lostOrFound, before, after, path } = judged;
    if (before?.standing !== after?.standing && before !== undefined)
      log.debug({ subnet: outcome.subnet, path, why: after?.why }, `path is ${after?.standing ?? 'unknown'}`);
    if (!isTunnel(path) && after?.standing === 'down' && before?.standing !== 'down') doubt();
    if (moves) wake(new Set([key]));
    // Its removal may have been held because it answered.
    if (fellSilent && this.#isLeaving(outcome.subnet)) wake('all');
    if (lostOrFound) this.#tellUnreached();
    if (moves || fellSilent || isNews(before, after)) this.#bell.ring();
  }

  /** In a small cluster all are asked as if they had traffic, and nothing has to look at packets for that. */
  #decideWatch(): void {
    const { intervalMs, idleBudget } = this.#parts.self().config.probe;
    const watches = this.#rounds.watchesTraffic({ intervalMs, budget: idleBudget });
    if (watches === this.#watchesTraffic) return;
    this.#watchesTraffic = watches;
    // Until traffic was looked at, all within the budget.
    if (watches === true) this.#rounds.setActive(undefined);
    this.#watch.abort();
    this.#watch = new AbortController();
    this.#watching.ring();
    this.#relisten.ring();
  }

  async #watchTraffic(signal: AbortSignal): Promise<never> {
    const { probe, clock, findings, self } = this.#parts;
    const everyMs = (): number => self().config.probe.intervalMs;
    let known: KnownTraffic | undefined;
    for (;;) {
      const { signal: end } = this.#watch;
      if (this.#watchesTraffic !== true || this.#listening === undefined) {
        known = undefined;
        findings.clear('traffic');
        if (this.#watchesTraffic === false && this.#rounds.setActive('all')) this.#bell.ring();
        await this.#watching.wait(clock, Infinity, signal);
        continue;
      }
      try {
        const active = await probe.active(known, AbortSignal.any([signal, end]));
        known = { active, everyMs };
        if (this.#rounds.setActive(active)) this.#bell.ring();
        if (active !== undefined) findings.clear('traffic');
        else findings.set('traffic', [unknown('nft is not installed: which peers have traffic cannot be seen')]);
      } catch (error) {
        if (signal.aborted) throw error;
        known = undefined;
        if (end.aborted) continue;
        if (this.#rounds.setActive(undefined)) this.#bell.ring();
        findings.set('traffic', [unknown(findingOf(error).message)]);
        await clock.sleep(everyMs(), signal);
      }
    }
  }

  async #ask(signal: AbortSignal): Promise<never> {
    const { clock, self } = this.#parts;
    for (;;) {
      if (this.#listening === undefined) {
        await this.#bell.wait(clock, Infinity, signal);
        continue;
      }
      const { intervalMs, idleBudget } = self().config.probe;
      const nowMs = clock.now();
      const asks = this.#rounds.next({ intervalMs, budget: idleBudget }, nowMs);
      for (const { key, jitter } of asks.now) this.#askPeer(key, jitter, nowMs);
      await this.#bell.wait(clock, asks.nextAtMs - nowMs, signal);
    }
  }

  #askPeer(subnet: Subnet, jitter: number, nowMs: number): void {
    const { probe } = this.#parts;
    const peer = this.choices.all.get(subnet);
    if (peer?.usable === undefined) return;
    const isIdle = this.#rounds.stateOf(subnet, peer, nowMs) === 'idle';
    const paths = isIdle ? [pathInTurn(peer.usable, peer.choice.current, peer.asked)] : peer.usable;
    const base = baseOf(subnet);
    const ask = (by: ProbeTarget['by']): void => {
      for (const path of paths) probe.ask({ subnet, base, path, by });
    };
    const hasProber = peer.lease.attributes.weft?.probe !== undefined;
    if (hasProber) ask('probe');
    // Its daemon says nothing on any path: it may be away while its kernel forwards on.
    if (!hasProber || peer.isQuiet) ask('echo');
    this.choices.asked(subnet, jitter, nowMs);
    this.#rounds.touch(subnet);
  }

  #serve(): void {
    const { probe, findings } = this.#parts;
    const peers: ProbePeer[] = [];
    for (const { lease, usable, choice } of this.choices.all.values()) {
      const peer = this.#peers.peerOf(lease, usable ?? [], choice.current);
      if (peer !== undefined) peers.push(peer);
    }
    this.#peers.keep(new Set(peers.map(({ node }) => node)));
    findings.set('keys', this.#peers.findings);
    const text = JSON.stringify(peers);
    if (text === this.#served) return;
    this.#served = text;
    probe.serve(peers);
  }

  /** Its lease is gone; its route stands still. */
  #isLeaving(subnet: Subnet): boolean {
    const peer = this.choices.all.get(subnet);
    const view = this.#parts.view();
    return peer !== undefined && view !== undefined && !view.leases.has(peer.lease.key);
  }

  #tellUnreached(): void {
    const names: string[] = [];
    for (const peer of this.choices.all.values())
      if (peer.choice.lostSinceMs !== undefined) names.push(peer.lease.attributes.weft?.node ?? peer.lease.subnet.v4);
    const more = names.length > FEW ? ` and ${names.length - FEW} more` : '';
    const message = names.length === 0 ? '' : `no path works to ${names.slice(0, FEW).join(', ')}${more}`;
    if (message === this.#unreached) return;
    this.#unreached = message;
    this.#parts.findings.set('peers', message === '' ? [] : [{ code: 'PEER_UNREACHED', message }]);
  }
}

/** Every other time the path in use, and one of the others in between: one request a visit, and whoever leaves it unanswered is asked by all of them soon. */
function pathInTurn([first, ...rest]: Usable, current: PathName | undefined, turn: number): PathName {
  const used = current ?? first;
  const others = [first, ...rest].filter((path) => path !== used);
  return turn % 2 === 0 ? used : (others[(turn >> 1) % others.length] ?? used);
}

/** A request that is not heard where all were, or the first that is heard again: the next ones are not to wait for the peer's turn. */
const isNews = (before: Pair | undefined, after: Pair | undefined): boolean =>
  after !== undefined &&
  ((after.silent + after.missed === 1 && (before?.silent ?? 0) + (before?.missed ?? 0) === 0) ||
    (after.heard === 1 && before?.heard === 0));
