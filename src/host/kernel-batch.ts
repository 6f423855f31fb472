/** Changes of addresses, routes, neighbours and forwarding entries on their way to the kernel, hundreds in one send, each with its own outcome. */
import type { Change } from '../core/diff.ts';
import { WeftError } from '../core/errors.ts';
import {
  describeHostEntry,
  type BroadcastRoute,
  type ForwardingEntry,
  type LinkAddress,
  type Neighbour,
} from '../core/host-entry.ts';
import { EADDRNOTAVAIL, EEXIST, ENODEV, ENOENT, ESRCH } from '../native/kernel-error.ts';
import { writeAddress } from '../native/netlink/address.ts';
import {
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RTM_DELADDR,
  RTM_DELNEIGH,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
} from '../native/netlink/constants.ts';
import type { LinkMessage } from '../native/netlink/link.ts';
import { writeForwarding, writeForwardingKey, writeNeighbour, writeNeighbourKey } from '../native/netlink/neighbour.ts';
import { writeRoute, writeRouteRemoval } from '../native/netlink/route.ts';
import type { Refusal, RouteSocket } from '../native/route-socket.ts';
import { settleContested, type Contested } from './contested-routes.ts';
import { kernelFailure, refusal } from './kernel-errors.ts';
import { ipValueOf } from './kernel-values.ts';
import type { Links } from './links.ts';
import { isTunnelDevice } from './tun-links.ts';
import { broadcastRequest, routeKey, routeRequest, type OwnRoute } from './route-requests.ts';

export type BatchedEntry = LinkAddress | OwnRoute | BroadcastRoute | Neighbour | ForwardingEntry;

const PUT = NLM_F_CREATE | NLM_F_REPLACE;

/** To remove what is gone is no failure: the kernel's words for "gone", by kind. */
const GONE: Readonly<Record<BatchedEntry['kind'], number>> = {
  address: EADDRNOTAVAIL,
  route: ESRCH,
  unreachable: ESRCH,
  broadcast: ESRCH,
  neighbour: ENOENT,
  fdb: ENOENT,
};

/** Told of what we are about to do where the kernel's notification will not say that it was us. `undefined` is removal. */
export interface Expectations {
  neighbour(link: number, address: Neighbour['address'], mac: Neighbour['mac'] | undefined): void;
  forwarding(link: number, mac: ForwardingEntry['mac'], remote: ForwardingEntry['remote'] | undefined): void;
  send(): void;
}

const isRoute = (entry: BatchedEntry): entry is OwnRoute => entry.kind === 'route' || entry.kind === 'unreachable';

interface Sent {
  readonly number: number;
  readonly change: Change<BatchedEntry>;
}

/** There is no device, or one that we cannot have made under a name of ours. Only on our tunnels do we set other things than routes to neighbours on the link. */
function obstacleTo(want: BatchedEntry, device: LinkMessage | undefined): WeftError | undefined {
  if (want.kind === 'unreachable') return undefined;
  if (device === undefined) {
    return new WeftError('LINK_MISSING', `put ${describeHostEntry(want)}: there is no device ${want.link}`);
  }
  if (isTunnelDevice(device) || !needsTunnel(want)) return undefined;
  return new WeftError('LINK_FOREIGN', `put ${describeHostEntry(want)}: device ${want.link} is no tunnel of ours`);
}

function needsTunnel(want: BatchedEntry): boolean {
  if (want.kind === 'address') return want.link !== 'lo';
  return want.kind === 'neighbour' || want.kind === 'fdb' || (want.kind === 'route' && want.onlink);
}

export class KernelBatch {
  readonly #socket: RouteSocket;
  readonly #links: Links;
  readonly #expectations: Expectations;
  readonly #fail: (change: number, error: WeftError) => void;
  /** The change of each waiting request, by its number among the caller's. */
  #sent: Sent[] = [];
  #contested: Contested[] = [];

  constructor(
    socket: RouteSocket,
    links: Links,
    expectations: Expectations,
    fail: (change: number, error: WeftError) => void,
  ) {
    this.#socket = socket;
    this.#links = links;
    this.#expectations = expectations;
    this.#fail = fail;
  }

  get full(): boolean {
    return this.#socket.full;
  }

  /** Not when `full`. */
  add(number: number, change: Change<BatchedEntry>): void {
    const entry = change.op === 'put' ? change.want : change.was;
    const device = entry.kind === 'unreachable' ? undefined : this.#device(entry.link);
    const link = device?.index;
    if (change.op === 'put') {
      const obstacle = obstacleTo(entry, device);
      if (obstacle !== undefined) return this.#fail(number, obstacle);
    }
    // With its device everything on it went.
    if (link === undefined && entry.kind !== 'unreachable') return;
    this.#sent.push({ number, change });
    if (change.op === 'put') this.#put(change.want, link ?? 0, change.was === undefined);
    else this.#remove(change.was, link ?? 0);
  }

  /** Sends all that waits, then settles what met something that stands. */
  flush(): void {
    this.send();
    const contested = this.#contested;
    this.#contested = [];
    if (contested.length === 0) return;
    try {
      settleContested(this.#socket, this.#links, contested, this.#fail);
    } catch (error) {
      for (const { number, op, route } of contested)
        this.#fail(number, kernelFailure(`${op} ${describeHostEntry(route)}`, error));
    }
  }

  /** Sends what waits. Routes that met something that stands wait for `flush`. */
  send(): void {
    if (this.#socket.waiting === 0) return;
    const sent = this.#sent;
    this.#sent = [];
    this.#expectations.send();
    for (const { request, errno, said } of this.#exchange(sent)) {
      const at = sent[request];
      if (at === undefined) continue;
      const { number, change } = at;
      const entry = change.op === 'put' ? change.want : change.was;
      if (isRoute(entry) && errno === (change.op === 'put' ? EEXIST : ESRCH))
        this.#contested.push({ number, op: change.op, route: entry });
      else if (change.op === 'put' || (errno !== GONE[entry.kind] && errno !== ENODEV)) {
        this.#fail(number, refusal(`${change.op} ${describeHostEntry(entry)}`, errno, said));
      }
    }
  }

  /** When the socket itself fails it is not known what was done: each of its changes says so, and the next look at the kernel will tell. */
  #exchange(sent: readonly Sent[]): readonly Refusal[] {
    try {
      return this.#socket.exchange();
    } catch (error) {
      for (const { number, change } of sent) {
        this.#fail(
          number,
          kernelFailure(`${change.op} ${describeHostEntry(change.op === 'put' ? change.want : change.was)}`, error),
        );
      }
      return [];
    }
  }

  /** Asking the kernel takes the socket for itself. */
  #device(name: string): LinkMessage | undefined {
    if (!this.#links.knows(name)) this.send();
    return this.#links.named(name);
  }

  #put(want: BatchedEntry, link: number, fresh: boolean): void {
    const socket = this.#socket;
    switch (want.kind) {
      case 'address':
        return socket.add(RTM_NEWADDR, PUT, (w) => writeAddress(w, link, ipValueOf(want.address), want.prefixLength));
      case 'route':
      case 'unreachable':
        // A replace takes the place of any route to that destination, whoever made it. So it is for routes that we saw to be ours; a new one must find the place free.
        return socket.add(RTM_NEWROUTE, fresh ? NLM_F_CREATE | NLM_F_EXCL : PUT, (w) =>
          writeRoute(w, routeRequest(want, link)),
        );
      case 'broadcast':
        return socket.add(RTM_NEWROUTE, PUT, (w) => writeRoute(w, broadcastRequest(want, link)));
      case 'neighbour':
        this.#expectations.neighbour(link, want.address, want.mac);
        return socket.add(RTM_NEWNEIGH, PUT, (w) => writeNeighbour(w, link, ipValueOf(want.address), want.mac));
      case 'fdb':
        this.#expectations.forwarding(link, want.mac, want.remote);
        return socket.add(RTM_NEWNEIGH, PUT, (w) => writeForwarding(w, link, want.mac, ipValueOf(want.remote)));
    }
  }

  #remove(was: BatchedEntry, link: number): void {
    const socket = this.#socket;
    switch (was.kind) {
      case 'address':
        return socket.add(RTM_DELADDR, 0, (w) => writeAddress(w, link, ipValueOf(was.address), was.prefixLength));
      case 'route':
      case 'unreachable':
        return socket.add(RTM_DELROUTE, 0, (w) => writeRouteRemoval(w, routeKey(was, isRoute(was) ? link : undefined)));
      case 'broadcast':
        return socket.add(RTM_DELROUTE, 0, (w) => writeRouteRemoval(w, broadcastRequest(was, link)));
      case 'neighbour':
        this.#expectations.neighbour(link, was.address, undefined);
        return socket.add(RTM_DELNEIGH, 0, (w) => writeNeighbourKey(w, link, ipValueOf(was.address)));
      case 'fdb':
        this.#expectations.forwarding(link, was.mac, undefined);
        return socket.add(RTM_DELNEIGH, 0, (w) => writeForwardingKey(w, link, was.mac));
    }
  }
}
