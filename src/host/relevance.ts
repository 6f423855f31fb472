/** Which notification of the kernel is about us and by another hand. Pure but for what it remembers; the kernel worker asks it. */
import type { HostHint } from '../contracts/host-network.ts';
import { readAddress } from '../native/netlink/address.ts';
import {
  AF_BRIDGE,
  AF_UNSPEC,
  IFF_UP,
  NUD_PERMANENT,
  RT_SCOPE_LINK,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
} from '../native/netlink/constants.ts';
import type { IpValue } from '../native/netlink/ip-value.ts';
import { readLink } from '../native/netlink/link.ts';
import type { MessageReader } from '../native/netlink/message-reader.ts';
import { neighbourLink, readNeighbour } from '../native/netlink/neighbour.ts';
import { readRoute } from '../native/netlink/route.ts';
import { ipValueOf, within } from './kernel-values.ts';
import type { Expected, WatchScope } from './worker-messages.ts';

interface OnLink {
  readonly neighbours: Map<IpValue, string | null>;
  readonly forwarding: Map<string, IpValue | null>;
}

const NOTHING: readonly HostHint[] = [];

export class Relevance {
  readonly #ownPort: number;
  #scope: WatchScope | undefined;
  #isWithin = within([]);
  /** Indexes of our devices, and of ours and the uplink. */
  #own = new Set<number>();
  #watched = new Set<number>();
  /**
   * What we last set, by device: a notification that says just that is our own, whatever else happened before. When one entry changes twice before the first
   * change was read, the first looks like another hand's: a hint in vain, where anything more lenient could swallow one that matters.
   */
  readonly #expected = new Map<number, OnLink>();

  constructor(ownPort: number) {
    this.#ownPort = ownPort;
  }

  /** Indexes of the devices whose neighbours matter. */
  get ownLinks(): readonly number[] {
    return [...this.#own];
  }

  /** True when other devices are ours than before: what happened to their neighbours meanwhile went unseen. */
  watch(scope: WatchScope): boolean {
    const before = this.#own;
    this.#scope = scope;
    this.#isWithin = within(scope.networks);
    this.#own = new Set(scope.linkIndexes);
    this.#watched = new Set([...scope.linkIndexes, ...scope.uplinkIndexes]);
    return before.size !== this.#own.size || scope.linkIndexes.some((index) => !before.has(index));
  }

  expect({ link, neighbours, forwarding }: Expected): void {
    let known = this.#expected.get(link);
    if (known === undefined) this.#expected.set(link, (known = { neighbours: new Map(), forwarding: new Map() }));
    for (const [address, mac] of neighbours) known.neighbours.set(address, mac);
    for (const [mac, remote] of forwarding) known.forwarding.set(mac, remote);
  }

  /** What to look at because of this notification. Before the first scope: at all that could be ours. */
  judge(m: MessageReader): readonly HostHint[] {
    if (m.port === this.#ownPort) return NOTHING;
    switch (m.type) {
      case RTM_NEWLINK:
      case RTM_DELLINK:
        return this.#link(m);
      case RTM_NEWADDR:
      case RTM_DELADDR:
        return this.#address(m);
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return this.#route(m) ? ['routes'] : NOTHING;
      case RTM_NEWNEIGH:
      case RTM_DELNEIGH:
        return this.#neighbour(m) ? ['neighbours'] : NOTHING;
      default:
        return NOTHING;
    }
  }

  /** IPv4 says nothing of the routes and neighbours that go with a device or its being up: look at everything then. */
  #link(m: MessageReader): readonly HostHint[] {
    // Bridges tell of their ports in the same words.
    if (m.u8(0) !== AF_UNSPEC) return NOTHING;
    const { index, name, changed } = readLink(m);
    if (m.type === RTM_DELLINK) {
      this.#expected.delete(index);
      this.#own.delete(index);
      return this.#watched.delete(index) || this.#seesAllLinks() ? ['everything'] : NOTHING;
    }
    const isOwn = this.#scope?.links.includes(name) === true;
    const isUplink = this.#scope?.uplinks.includes(name) === true;
    const isNew = (isOwn || isUplink) && !this.#watched.has(index);
    if (isOwn) this.#own.add(index);
    if (isOwn || isUplink) this.#watched.add(index);
    if (!this.#watched.has(index) && !this.#seesAllLinks()) return NOTHING;
    return isNew || (changed & IFF_UP) !== 0 ? ['everything'] : ['links'];
  }

  /** With an address the routes that have it as their source go, without a word. */
  #address(m: MessageReader): readonly HostHint[] {
    const found = readAddress(m);
    // IPv6 makes and checks its link-local addresses by itself whenever a device comes up.
    if (found === undefined || (typeof found.address === 'bigint' && found.scope === RT_SCOPE_LINK)) return NOTHING;
    const base = this.#scope?.base;
    const matters =
      this.#seesAllLinks() ||
      this.#watched.has(found.link) ||
      (base !== undefined && found.address === ipValueOf(base));
    return matters ? ['addresses', 'routes'] : NOTHING;
  }

  #route(m: MessageReader): boolean {
    const scope = this.#scope;
    const route = readRoute(m);
    if (scope === undefined) return true;
    if (route.table === RT_TABLE_LOCAL) return scope.base !== undefined && route.destination === ipValueOf(scope.base);
    if (route.table !== RT_TABLE_MAIN) return false;
    // Also of our protocol: outside our networks it is another daemon's of this host.
    if (this.#isWithin(route.destination, route.prefixLength)) return true;
    // What the uplink is chosen by, and what it reaches without a gateway: IPv4.
    if (typeof route.destination === 'bigint') return false;
    return (
      route.prefixLength === 0 ||
      (route.scope === RT_SCOPE_LINK && (this.#watched.has(route.link) || this.#seesAllLinks()))
    );
  }

  #neighbour(m: MessageReader): boolean {
    const link = neighbourLink(m);
    if (!this.#own.has(link)) return false;
    const { af, address, mac, state } = readNeighbour(m);
    const expected = this.#expected.get(link);
    const standing = m.type === RTM_NEWNEIGH && (state & NUD_PERMANENT) !== 0;
    if (af === AF_BRIDGE) {
      return (
        mac !== undefined && deviates(expected?.forwarding, mac, standing && address !== undefined ? address : null)
      );
    }
    if (address === undefined) return false;
    // What the kernel resolves by itself beside our entries.
    if (m.type === RTM_NEWNEIGH && !standing && expected?.neighbours.has(address) !== true) return false;
    // One that goes has no MAC any more.
    return deviates(expected?.neighbours, address, standing && mac !== undefined ? mac : null);
  }

  #seesAllLinks(): boolean {
    return this.#scope === undefined || this.#scope.uplinks.length === 0;
  }
}

/** Is what was told (null: gone) other than what we set last? */
function deviates<K, V>(expected: Map<K, V | null> | undefined, key: K, told: V | null): boolean {
  if (expected === undefined || expected.get(key) !== told) return true;
  // Removed as we meant to: nothing is expected there any more.
  if (told === null) expected.delete(key);
  return false;
}
