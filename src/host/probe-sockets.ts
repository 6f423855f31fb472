/**
 * The sockets of probes: one that answers, and for each path those that ask, whose ports change. A path is its device: what is sent leaves by that one, by the route that the peer
 * has there, whichever route traffic takes.
 */
import type { ProbePath, ProbeSelf } from '../contracts/path-probe.ts';
import { v4Value } from '../core/address.ts';
import { PROBE_MARK } from '../core/instance.ts';
import type { PathName } from '../core/path.ts';
import { PATIENCE_MS } from '../core/probe-verdict.ts';
import { EADDRNOTAVAIL, ENODEV, KernelError } from '../native/kernel-error.ts';
import { linkIndex, MarkedSocket } from '../native/marked-socket.ts';
import type { SharedDescriptors } from '../native/shared-descriptors.ts';

/** A filter that remembers a flow passes it on although it would pass nothing new: so asks anew, as a new flow, so often. */
const ROTATE_MS = 10_000;

/** What the kernel says of an index that no device has: as it sends, and as the socket is told of it. */
const GONE: ReadonlySet<number> = new Set([ENODEV, EADDRNOTAVAIL]);

export type SocketUse = 'answer' | 'ask' | 'echo';

interface Asker {
  readonly socket: MarkedSocket;
  readonly openedAtMs: number;
}

interface Retiring {
  readonly socket: MarkedSocket;
  readonly closeAtMs: number;
}

export class ProbeSockets {
  readonly #descriptors: SharedDescriptors;
  readonly #base: number;
  readonly #paths: ReadonlyMap<PathName, ProbePath>;
  readonly #responder: MarkedSocket;
  readonly #askers = new Map<PathName, Asker>();
  readonly #echoes = new Map<PathName, MarkedSocket>();
  readonly #uses = new Map<number, SocketUse>();
  #fds: readonly number[] = [];
  /** Of each path's device, as it was looked up last. */
  readonly #links = new Map<PathName, number>();
  #retiring: readonly Retiring[] = [];

  /** @throws KernelError */
  constructor(self: ProbeSelf, descriptors: SharedDescriptors) {
    this.#descriptors = descriptors;
    this.#base = v4Value(self.base);
    this.#paths = new Map(self.paths.map((each) => [each.path, each]));
    this.#responder = this.#keep('answer', this.#open('udp', self.port));
  }

  /** What waits for datagrams. */
  get uses(): ReadonlyMap<number, SocketUse> {
    return this.#uses;
  }

  /** The descriptors of those; another object when it has changed. */
  get fds(): readonly number[] {
    return this.#fds;
  }

  /** Why it was not sent; undefined when it was. */
  ask(path: PathName, bytes: Uint8Array, to: number, port: number, nowMs: number): KernelError | undefined {
    return this.#send(this.#asker(path, nowMs), path, bytes, to, port);
  }

  echo(path: PathName, bytes: Uint8Array, to: number): KernelError | undefined {
    let socket = this.#echoes.get(path);
    if (socket === undefined) {
      socket = this.#keep('echo', this.#open('echo', 0));
      this.#echoes.set(path, socket);
    }
    return this.#send(socket, path, bytes, to, 0);
  }

  /** From the port that was asked: a stateful filter passes nothing else. */
  answer(path: PathName, bytes: Uint8Array, to: number, port: number): KernelError | undefined {
    return this.#send(this.#responder, path, bytes, to, port);
  }

  /** Closes what no answer can come to any more. Infinity: nothing is to be closed. */
  closeOld(nowMs: number): number {
    for (const { socket, closeAtMs } of this.#retiring) if (closeAtMs <= nowMs) this.#drop(socket);
    this.#retiring = this.#retiring.filter(({ closeAtMs }) => closeAtMs > nowMs);
    return Math.min(Infinity, ...this.#retiring.map(({ closeAtMs }) => closeAtMs));
  }

  close(): void {
    const asking = [...this.#askers.values(), ...this.#retiring].map(({ socket }) => socket);
    for (const socket of [this.#responder, ...asking, ...this.#echoes.values()]) this.#drop(socket);
  }

  #asker(path: PathName, nowMs: number): MarkedSocket {
    const before = this.#askers.get(path);
    if (before !== undefined && nowMs - before.openedAtMs < ROTATE_MS) return before.socket;
    const socket = this.#keep('ask', this.#open('udp', 0));
    // Looked up anew: another device may have the name by now.
    this.#links.delete(path);
    this.#askers.set(path, { socket, openedAtMs: nowMs });
    if (before !== undefined)
      this.#retiring = [...this.#retiring, { socket: before.socket, closeAtMs: nowMs + PATIENCE_MS }];
    return socket;
  }

  #open(kind: 'udp' | 'echo', port: number): MarkedSocket {
    return new MarkedSocket({ kind, address: this.#base, port, mark: PROBE_MARK });
  }

  /** Once more when the device that it knew is gone: it may have been made anew. */
  #send(socket: MarkedSocket, path: PathName, bytes: Uint8Array, to: number, port: number): KernelError | undefined {
    const failure = this.#attempt(socket, path, bytes, to, port);
    if (failure === undefined || !GONE.has(failure.errno)) return failure;
    this.#links.delete(path);
    return this.#attempt(socket, path, bytes, to, port);
  }

  #attempt(socket: MarkedSocket, path: PathName, bytes: Uint8Array, to: number, port: number): KernelError | undefined {
    try {
      socket.leaveBy(this.#link(path));
    } catch (error) {
      if (error instanceof KernelError) return error;
      throw error;
    }
    return socket.send(bytes, to, port);
  }

  /** @throws KernelError ENODEV, also for a path that this host does not have: nothing leaves by whatever way there is. */
  #link(path: PathName): number {
    const known = this.#links.get(path);
    if (known !== undefined) return known;
    const index = linkIndex(this.#paths.get(path)?.link ?? '');
    this.#links.set(path, index);
    return index;
  }

  #keep(use: SocketUse, socket: MarkedSocket): MarkedSocket {
    this.#descriptors.add(socket.fd);
    this.#uses.set(socket.fd, use);
    this.#fds = [...this.#uses.keys()];
    return socket;
  }

  #drop(socket: MarkedSocket): void {
    this.#uses.delete(socket.fd);
    this.#fds = [...this.#uses.keys()];
    this.#descriptors.remove(socket.fd);
    socket.close();
  }
}
