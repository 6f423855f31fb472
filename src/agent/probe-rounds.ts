/** Whose turn it is to be asked. Looked through several times a second: only who has changed is placed anew. */
import type { Random } from '../contracts/random.ts';
import {
  coversAll,
  FULL_PURSE,
  schedule,
  type Asks,
  type ScheduledPeer,
  type ScheduleOptions,
} from '../core/probe-schedule.ts';
import type { Subnet } from '../core/subnet.ts';
import type { KnownPeer, PeerChoices } from './peer-choices.ts';

/** Peers with traffic; undefined: they cannot be told from others. */
type Active = ReadonlySet<Subnet> | 'all' | undefined;

export class ProbeRounds {
  readonly #choices: PeerChoices;
  readonly #random: Random;
  readonly #isLeaving: (subnet: Subnet) => boolean;
  #active: Active = new Set();
  #watchesTraffic: boolean | undefined;
  #purse = FULL_PURSE;
  readonly #scheduled = new Map<Subnet, ScheduledPeer<Subnet>>();
  #list: readonly ScheduledPeer<Subnet>[] = [];
  /** Whose place may have changed. */
  #stale: 'all' | Set<Subnet> = 'all';

  constructor(choices: PeerChoices, random: Random, isLeaving: (subnet: Subnet) => boolean) {
    this.#choices = choices;
    this.#random = random;
    this.#isLeaving = isLeaving;
  }

  touch(subnet: Subnet): void {
    if (this.#stale !== 'all') this.#stale.add(subnet);
  }

  touchAll(): void {
    this.#stale = 'all';
  }

  /** Has it to be known who has traffic? Not where the budget is enough to ask everybody as if they had. Undefined: there is nobody to ask yet. */
  watchesTraffic(options: ScheduleOptions): boolean | undefined {
    let requests = 0;
    for (const { usable } of this.#choices.all.values()) requests += usable?.length ?? 0;
    if (requests > 0) this.#watchesTraffic = !coversAll(requests, options, this.#watchesTraffic === true);
    return this.#watchesTraffic;
  }

  /** @returns whether somebody may have become active */
  setActive(active: Active): boolean {
    const before = this.#active;
    this.#active = active;
    if (!(active instanceof Set) || !(before instanceof Set)) {
      if (active !== before) this.touchAll();
      return active !== before;
    }
    for (const subnet of [...active, ...before]) this.touch(subnet);
    return [...active].some((subnet) => !before.has(subnet));
  }

  /** Who is asked now; that they were is for the caller to say (`PeerChoices.asked`). */
  next(options: ScheduleOptions, nowMs: number): Asks<Subnet> {
    const draw = (): number => this.#random.fraction() * 2 - 1;
    const asks = schedule(this.#place(nowMs), this.#purse, options, nowMs, draw);
    this.#purse = asks.purse;
    return asks;
  }

  stateOf(subnet: Subnet, peer: KnownPeer, nowMs: number): ScheduledPeer<Subnet>['state'] {
    if (this.#active === 'all' || this.#active?.has(subnet) === true) return 'active';
    const isUrgent = this.#active === undefined || this.#choices.isUnsettled(peer, nowMs) || this.#isLeaving(subnet);
    return isUrgent ? 'unsettled' : 'idle';
  }

  #place(nowMs: number): readonly ScheduledPeer<Subnet>[] {
    if (this.#stale === 'all') this.#scheduled.clear();
    const stale = this.#stale === 'all' ? [...this.#choices.all.keys()] : this.#stale;
    for (const key of stale) {
      const peer = this.#choices.all.get(key);
      if (peer?.usable === undefined) {
        this.#scheduled.delete(key);
        continue;
      }
      const state = this.stateOf(key, peer, nowMs);
      const cost = state === 'idle' ? 1 : peer.usable.length;
      this.#scheduled.set(key, { key, state, cost, askedAtMs: peer.askedAtMs, jitter: peer.jitter });
    }
    if (this.#stale === 'all' || this.#stale.size > 0) this.#list = [...this.#scheduled.values()];
    this.#stale = new Set();
    return this.#list;
  }
}
