/**
 * Asks peers which paths reach them, and wakes the loop when another path is to be taken.
 *
 *   pass ──settle──► choices ◄──judge── outcomes ◄── probe ◄── schedule ◄── traffic, what is unsettled
 *     ▲                 │
 *     └── choose ◄──────┴──► wake: this peer moves
 */
import type { Clock } from '../contracts/clock.ts';
import type { Log } from '../contracts/log.ts';
import type { PathProbe, ProbePeer, ProbeSelf, ProbeTarget } from '../contracts/path-probe.ts';
import type { Random } from '../contracts/random.ts';
import { WeftError } from '../core/errors.ts';
import type { Advert, LeaseView } from '../core/lease.ts';
import type { NodeId } from '../core/node-id.ts';
import { isTunnel, type PathName } from '../core/path.ts';
import { EMPTY_PURSE, schedule, type Purse, type ScheduledPeer } from '../core/probe-schedule.ts';
import { baseOf, type Subnet } from '../core/subnet.ts';
import type { Self } from '../datapath/datapath.ts';
import type { PassReport } from '../reconcile/pass-report.ts';
import { Bell } from './bell.ts';
import { findingOf, type Findings } from './findings.ts';
import type { Changed } from './loop.ts';
import { patiently } from './patiently.ts';
import { PeerChoices, type KnownPeer } from './peer-choices.ts';
import { ProbePeers, probeSelf } from './probe-peers.ts';

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

/** Names in one finding; more are counted. */
const FEW = 5;

export class Prober {
  readonly #parts: ProberParts;
  readonly #bell = new Bell();
  readonly #relisten = new Bell();
  readonly #peers = new ProbePeers();
  readonly choices: PeerChoices;
  #active: ReadonlySet<Subnet> | undefined = new Set();
  #served = '[]';
  #listening: string | undefined;
  #isRefused = false;
  #purse: Purse = EMPTY_PURSE;
  readonly #jitter = new Map<Subnet, number>();
  readonly #scheduled = new Map<Subnet, ScheduledPeer<Subnet>>();
  #list: readonly ScheduledPeer<Subnet>[] = [];
  /** Whose place in the schedule may have changed. */
  #stale: 'all' | Set<Subnet> = 'all';
  #rotation = 0;
  #unreached = '';

  constructor(parts: ProberParts) {
    this.#parts = parts;
    this.choices = new PeerChoices(parts.clock, () => parts.self().config.probe.holdMs);
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
      this.#stale = 'all';
      this.#serve();
      this.#bell.ring();
    }
    if (report.scope === 'all') this.#relisten.ring();
    this.#tellUnreached();
  }

  async #listen(signal: AbortSignal): Promise<never> {
    const { probe, clock, random, findings, self, node, incarnation } = this.#parts;
    const asNow = (): ProbeSelf => probeSelf(self(), node, incarnation);
    for (;;) {
      const begin = async (): Promise<void> => {
        const own = asNow();
        if (JSON.stringify(own) === this.#listening) return;
        try {
          await probe.listen(own, signal);
          this.#listening = JSON.stringify(own);
          this.#isRefused = false;
        } catch (error) {
          this.#isRefused = true;
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
      for await (const outcome of probe.outcomes(signal)) {
        const judged = this.choices.judge(outcome);
        if (judged === undefined) continue;
        this.#touch(outcome.subnet);
        const { key, moves, fellSilent, lostOrFound, before, after, path } = judged;
        if (before?.standing !== after?.standing && before !== undefined)
          this.#parts.log.debug(
            { subnet: outcome.subnet, path, why: after?.why },
            `path is ${after?.standing ?? 'unknown'}`,
          );
        if (!isTunnel(path) && after?.standing === 'down' && before?.standing !== 'down') this.#parts.doubt();
        if (moves) this.#parts.wake(new Set([key]));
        // Its removal may have been held because it answered.
        if (fellSilent && this.#isLeaving(outcome.subnet)) this.#parts.wake('all');
        if (lostOrFound) this.#tellUnreached();
        if (moves || fellSilent) this.#bell.ring();
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

  async #watchTraffic(signal: AbortSignal): Promise<never> {
    const { probe, clock, findings, self } = this.#parts;
    for (;;) {
      await clock.sleep(self().config.probe.intervalMs, signal);
      if (this.choices.all.size === 0 || this.#listening === undefined) continue;
      let active: ReadonlySet<Subnet> | undefined;
      try {
        active = await probe.active(signal);
        if (active === undefined)
          findings.set('traffic', [
            { code: 'ACTIVITY_UNKNOWN', message: 'nft is not installed: which peers have traffic cannot be seen' },
          ]);
        else findings.clear('traffic');
      } catch (error) {
        if (signal.aborted) throw error;
        findings.set('traffic', [{ code: 'ACTIVITY_UNKNOWN', message: findingOf(error).message }]);
      }
      const before = this.#active;
      this.#active = active;
      if (active === undefined || before === undefined) this.#stale = active === before ? this.#stale : 'all';
      else for (const subnet of [...active, ...before]) this.#touch(subnet);
      if (active !== undefined && [...active].some((subnet) => before?.has(subnet) !== true)) this.#bell.ring();
    }
  }

  async #ask(signal: AbortSignal): Promise<never> {
    const { clock, random, self } = this.#parts;
    for (;;) {
      const { intervalMs, idleBudget } = self().config.probe;
      const nowMs = clock.now();
      const options = { intervalMs, budget: idleBudget };
      const jitter = (subnet: Subnet): number => this.#jitter.get(subnet) ?? 0;
      const asks = schedule(this.#listening === undefined ? [] : this.#schedule(), this.#purse, options, nowMs, jitter);
      this.#purse = asks.purse;
      for (const subnet of asks.now) {
        this.#askPeer(subnet);
        this.#jitter.set(subnet, random.fraction() * 2 - 1);
      }
      await this.#bell.wait(clock, this.choices.all.size === 0 ? Infinity : asks.nextAtMs - nowMs, signal);
    }
  }

  /** Looked through many times a second: only who has changed is written anew. */
  #schedule(): readonly ScheduledPeer<Subnet>[] {
    if (this.#stale === 'all') {
      this.#scheduled.clear();
      for (const subnet of this.choices.all.keys()) this.#place(subnet);
    } else for (const subnet of this.#stale) this.#place(subnet);
    if (this.#stale === 'all' || this.#stale.size > 0) this.#list = [...this.#scheduled.values()];
    this.#stale = new Set();
    return this.#list;
  }

  #place(key: Subnet): void {
    const peer = this.choices.all.get(key);
    if (peer?.usable === undefined) {
      this.#scheduled.delete(key);
      return;
    }
    const state = this.#stateOf(key, peer);
    const cost = state === 'idle' ? Math.min(2, peer.usable.length) : peer.usable.length;
    this.#scheduled.set(key, { key, state, askedAtMs: peer.askedAtMs, cost });
  }

  #touch(subnet: Subnet): void {
    if (this.#stale !== 'all') this.#stale.add(subnet);
  }

  #stateOf(subnet: Subnet, peer: KnownPeer): 'active' | 'unsettled' | 'idle' {
    if (this.#active?.has(subnet) === true) return 'active';
    const isUrgent = this.#active === undefined || this.choices.isUnsettled(peer) || this.#isLeaving(subnet);
    return isUrgent ? 'unsettled' : 'idle';
  }

  #askPeer(subnet: Subnet): void {
    const { probe } = this.#parts;
    const peer = this.choices.all.get(subnet);
    if (peer?.usable === undefined) return;
    const isIdle = this.#stateOf(subnet, peer) === 'idle';
    const paths = isIdle ? this.#twoOf(peer.usable, peer.choice.current) : peer.usable;
    const base = baseOf(subnet);
    const ask = (by: ProbeTarget['by']): void => {
      for (const path of paths) probe.ask({ subnet, base, path, by });
    };
    const hasProber = peer.lease.attributes.weft?.probe !== undefined;
    if (hasProber) ask('probe');
    // Its daemon says nothing on any path: it may be away while its kernel forwards on.
    if (!hasProber || peer.isQuiet) ask('echo');
    this.choices.asked(subnet);
    this.#touch(subnet);
  }

  /** The path in use and, in turn, one of the others. */
  #twoOf(usable: readonly PathName[], current: PathName | undefined): readonly PathName[] {
    const others = usable.filter((path) => path !== current);
    const other = others[(this.#rotation += 1) % Math.max(1, others.length)];
    return [current, other].filter((path) => path !== undefined);
  }

  #serve(): void {
    const { probe, findings } = this.#parts;
    const peers: ProbePeer[] = [];
    for (const { lease, usable, choice } of this.choices.all.values()) {
      const peer = this.#peers.peerOf(lease, usable ?? [], choice.current);
      if (peer !== undefined) peers.push(peer);
    }
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
