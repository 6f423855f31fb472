/**
 * Probes on the kernel worker's thread: takes requests and answers them, asks, and tells what became of that.
 *
 *   main thread --listen, serve, ask--> [ station ] <--datagrams--> peers
 *                <------outcomes-------
 */
import type { ProbeOutcome, ProbePeer, ProbeSelf, ProbeTarget } from '../contracts/path-probe.ts';
import { v4Value } from '../core/address.ts';
import type { PathName } from '../core/path.ts';
import type { ProbeRequest } from '../core/probe-message.ts';
import { PATIENCE_MS, type SettledProbe } from '../core/probe-verdict.ts';
import type { Subnet } from '../core/subnet.ts';
import { DatagramReader, type Datagram } from '../native/datagram.ts';
import { errnoName, KernelError } from '../native/kernel-error.ts';
import { linkName } from '../native/marked-socket.ts';
import type { SharedDescriptors } from '../native/shared-descriptors.ts';
import { EchoSession } from './echo-session.ts';
import { EchoSessions } from './echo-sessions.ts';
import { pairSeals, publicProbeKey } from './probe-keys.ts';
import { ProbeSession } from './probe-session.ts';
import { ProbeSockets } from './probe-sockets.ts';
import type { ProbeOrder } from './worker-messages.ts';

interface Listening {
  readonly self: ProbeSelf;
  readonly privateKey: string;
  readonly publicKey: string;
  readonly firstSequence: number;
  readonly sockets: ProbeSockets;
  readonly devices: ReadonlyMap<string, PathName>;
}

/** Datagrams of one socket before the others get their turn. */
const MOST_AT_ONCE = 64;
/** Peers that are asked together answer together: one message tells of all that came in so short a time. */
const GATHER_MS = 50;
/** What is overdue is seen when there is something else to do, most of the time; at the latest so much later. */
const SLACK_MS = 200;

const NONE: readonly number[] = [];

/** A device may be given another name; nobody does that while it is up. */
const NAMED_FOR_MS = 10_000;

export class ProbeStation {
  readonly #reader = new DatagramReader();
  #listening: Listening | undefined;
  #sessions = new Map<number, ProbeSession>();
  /** The highest of peers that are gone and may come back: sequences are never used again under one key. */
  #usedSequence = 0;
  readonly #echoes = new EchoSessions();
  /** What to look at when its answer is overdue, in the order of time. */
  #overdue: { readonly atMs: number; readonly base: number }[] = [];
  /** Of devices, by their index. */
  readonly #names = new Map<number, { readonly name: string; readonly untilMs: number }>();
  readonly #descriptors: SharedDescriptors;
  #outcomes: ProbeOutcome[] = [];
  #tellAtMs = Infinity;
  #closeAtMs = Infinity;

  constructor(descriptors: SharedDescriptors) {
    this.#descriptors = descriptors;
  }

  /** Descriptors to wait for; another object when they have changed. */
  get fds(): readonly number[] {
    return this.#listening?.sockets.fds ?? NONE;
  }

  /** When `tick` has something to do. */
  get nextMs(): number {
    return Math.min((this.#overdue[0]?.atMs ?? Infinity) + SLACK_MS, this.#closeAtMs + SLACK_MS, this.#tellAtMs);
  }

  /** Those that have been gathered; undefined while it is not time. */
  takeOutcomes(nowMs: number): readonly ProbeOutcome[] | undefined {
    if (nowMs < this.#tellAtMs) return undefined;
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    this.#tellAtMs = Infinity;
    return outcomes;
  }

  /** @throws KernelError when it cannot listen */
  obey(order: ProbeOrder, nowMs: number): void {
    switch (order.kind) {
      case 'probe-listen':
        return this.#listen(order, nowMs);
      case 'probe-serve':
        return this.#serve(order.peers, nowMs);
      case 'probe-ask':
        for (const target of order.targets) this.#ask(target, nowMs);
        return;
      case 'probe-stop':
        return this.#stop();
    }
  }

  /** Reads what has come to one of `fds`. */
  read(fd: number, nowMs: number): void {
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      const use = this.#listening?.sockets.uses.get(fd);
      if (use === undefined) return;
      const datagram = this.#receive(fd);
      if (datagram === undefined) return;
      if (use === 'echo') this.#hearEcho(datagram, nowMs);
      else this.#hear(datagram, use === 'answer', nowMs);
    }
  }

  /** What the network refused of an earlier datagram (ENETDOWN, say) is no reason to stop. */
  #receive(fd: number): Datagram | undefined {
    try {
      return this.#reader.receive(fd);
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  tick(nowMs: number): void {
    if (this.#listening !== undefined) this.#closeAtMs = this.#listening.sockets.closeOld(nowMs);
    while ((this.#overdue[0]?.atMs ?? Infinity) <= nowMs) {
      const base = this.#overdue.shift()?.base ?? 0;
      const session = this.#sessions.get(base);
      if (session !== undefined) this.#tell(session.peer.subnet, 'probe', session.giveUp(nowMs), nowMs);
      const echo = this.#echoes.of(base);
      if (echo !== undefined) this.#tell(echo.subnet, 'echo', echo.session.giveUp(nowMs), nowMs);
    }
  }

  #listen({ self, privateKey, firstSequence }: Extract<ProbeOrder, { kind: 'probe-listen' }>, nowMs: number): void {
    const before = this.#listening;
    // First, for the port may be the same; and if the new ones cannot be opened there are none.
    if (before !== undefined) this.#stop();
    const devices = new Map(self.paths.flatMap(({ path, device }) => (device === undefined ? [] : [[device, path]])));
    const publicKey = publicProbeKey(privateKey);
    this.#listening = {
      self,
      privateKey,
      publicKey,
      firstSequence,
      sockets: new ProbeSockets(self, this.#descriptors),
      devices,
    };
    this.#serve(
      [...this.#sessions.values()].map(({ peer }) => peer),
      nowMs,
    );
  }

  #stop(): void {
    this.#listening?.sockets.close();
    this.#listening = undefined;
    this.#closeAtMs = Infinity;
  }

  #serve(peers: readonly ProbePeer[], nowMs: number): void {
    const before = this.#sessions;
    for (const { sequence } of before.values()) this.#usedSequence = Math.max(this.#usedSequence, sequence);
    const sessions = new Map<number, ProbeSession>();
    for (const peer of peers) {
      const base = v4Value(peer.base);
      const session = this.#session(peer, before.get(base), nowMs);
      if (session !== undefined) sessions.set(base, session);
    }
    this.#sessions = sessions;
  }

  #session(peer: ProbePeer, before: ProbeSession | undefined, nowMs: number): ProbeSession | undefined {
    if (this.#listening === undefined) return undefined;
    const { self, privateKey, publicKey, firstSequence } = this.#listening;
    const isSame = before?.peer.node === peer.node && before.peer.key === peer.key;
    const known = isSame ? before.seals : undefined;
    const seals = known ?? pairSeals(privateKey, { node: self.node, key: publicKey }, peer);
    if (seals === undefined) return undefined;
    const sequence = Math.max(this.#usedSequence, firstSequence);
    return new ProbeSession(self, peer, seals, { sequence, nowMs }, isSame ? before : undefined);
  }

  #ask({ subnet, base: address, path, by }: ProbeTarget, nowMs: number): void {
    const base = v4Value(address);
    const session = by === 'echo' ? this.#echoes.to(base, subnet, nowMs) : this.#sessions.get(base);
    const sockets = this.#listening?.sockets;
    if (session === undefined || sockets === undefined)
      return this.#tell(subnet, by, [{ path, verdict: 'silent', why: 'there is no key for this peer' }], nowMs);
    const bytes = session.request(path, nowMs);
    const failure = attempt(() =>
      session instanceof EchoSession
        ? sockets.echo(path, bytes, base)
        : sockets.ask(path, bytes, base, session.peer.port, nowMs),
    );
    if (failure !== undefined) session.unsent(`not sent: ${errnoName(failure.errno)}`);
    this.#overdue.push({ atMs: nowMs + PATIENCE_MS, base });
    this.#closeAtMs = Math.min(this.#closeAtMs, sockets.closeOld(nowMs));
  }

  #hearEcho({ bytes, from }: Datagram, nowMs: number): void {
    const echo = this.#echoes.of(from);
    if (echo !== undefined) this.#tell(echo.subnet, 'echo', echo.session.hear(bytes, nowMs), nowMs);
  }

  #hear({ bytes, from, port, link }: Datagram, isRequest: boolean, nowMs: number): void {
    const session = this.#sessions.get(from);
    const message = session?.read(bytes);
    if (session === undefined || message === undefined) return;
    if (message.kind === 'request') {
      if (isRequest) this.#answer(session, message, { from, port, link }, nowMs);
    } else if (!isRequest && port === session.peer.port)
      this.#tell(session.peer.subnet, 'probe', session.hear(message, nowMs), nowMs);
  }

  #answer(
    session: ProbeSession,
    request: ProbeRequest,
    { from, port, link }: Pick<Datagram, 'from' | 'port' | 'link'>,
    nowMs: number,
  ): void {
    const listening = this.#listening;
    const taken =
      listening && session.take(request, arrivedPath(listening, request.path, this.#nameOf(link, nowMs)), nowMs);
    if (listening === undefined || taken === undefined) return;
    // By a path that it may be answered by: without a route on that device the kernel would take it to be on the link, and nobody would hear of it.
    const send = (path: PathName, second: boolean): boolean =>
      session.peer.paths.includes(path) &&
      listening.sockets.answer(path, taken.answer(second, nowMs), from, port) === undefined;
    const sent = send(taken.path, false);
    if (sent && !taken.second) return;
    // Where the way that it came by is closed for answers, another one is better than none.
    const other = session.nextPath(taken.path);
    if (other !== undefined) send(other, true);
  }

  /** The kernel takes a socket to tell it, and a device that is made anew has another index. */
  #nameOf(link: number, nowMs: number): string | undefined {
    const known = this.#names.get(link);
    if (known !== undefined && nowMs < known.untilMs) return known.name;
    const name = linkName(link);
    if (name === undefined) this.#names.delete(link);
    else this.#names.set(link, { name, untilMs: nowMs + NAMED_FOR_MS });
    return name;
  }

  #tell(subnet: Subnet, by: ProbeOutcome['by'], settled: readonly SettledProbe[], nowMs: number): void {
    if (settled.length === 0) return;
    for (const each of settled) this.#outcomes.push({ ...each, subnet, by });
    this.#tellAtMs = Math.min(this.#tellAtMs, nowMs + GATHER_MS);
  }
}

/** The path that it says, when it has come by that path's device: a tunnel's by that device, any other by none of the tunnels'. */
function arrivedPath({ self, devices }: Listening, said: PathName, name: string | undefined): PathName | undefined {
  if (name === undefined) return undefined;
  const known = self.paths.find(({ path }) => path === said);
  return known !== undefined && devices.get(name) === (known.device === undefined ? undefined : said)
    ? said
    : undefined;
}

function attempt(send: () => KernelError | undefined): KernelError | undefined {
  try {
    return send();
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
}
