/** The sockets of probes: one that answers, and for each path those that ask, whose ports change. */
import type { ProbePath, ProbeSelf } from '../contracts/path-probe.ts';
import { v4Value } from '../core/address.ts';
import type { PathName } from '../core/path.ts';
import { PATIENCE_MS } from '../core/probe-verdict.ts';
import type { KernelError } from '../native/kernel-error.ts';
import { MarkedSocket } from '../native/marked-socket.ts';

/** A filter that remembers a flow passes it on although it would pass nothing new: so asks anew, as a new flow, so often. */
const ROTATE_MS = 10_000;

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
  readonly #base: number;
  readonly #paths: ReadonlyMap<PathName, ProbePath>;
  readonly #responder: MarkedSocket;
  readonly #askers = new Map<PathName, Asker>();
  readonly #echoes = new Map<PathName, MarkedSocket>();
  readonly #uses = new Map<number, SocketUse>();
  #fds: readonly number[] = [];
  #retiring: readonly Retiring[] = [];

  /** @throws KernelError */
  constructor(self: ProbeSelf) {
    this.#base = v4Value(self.base);
    this.#paths = new Map(self.paths.map((each) => [each.path, each]));
    this.#responder = this.#keep('answer', new MarkedSocket({ kind: 'udp', address: this.#base, port: self.port }));
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
    return this.#asker(path, nowMs).send(bytes, to, port);
  }

  echo(path: PathName, bytes: Uint8Array, to: number): KernelError | undefined {
    let socket = this.#echoes.get(path);
    if (socket === undefined) {
      socket = this.#keep(
        'echo',
        new MarkedSocket({ kind: 'echo', address: this.#base, port: 0, mark: this.#mark(path) }),
      );
      this.#echoes.set(path, socket);
    }
    return socket.send(bytes, to, 0);
  }

  /** From the port that was asked: a stateful filter passes nothing else. */
  answer(path: PathName, bytes: Uint8Array, to: number, port: number): KernelError | undefined {
    this.#responder.mark(this.#mark(path));
    return this.#responder.send(bytes, to, port);
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
    const socket = this.#keep(
      'ask',
      new MarkedSocket({ kind: 'udp', address: this.#base, port: 0, mark: this.#mark(path) }),
    );
    this.#askers.set(path, { socket, openedAtMs: nowMs });
    if (before !== undefined)
      this.#retiring = [...this.#retiring, { socket: before.socket, closeAtMs: nowMs + PATIENCE_MS }];
    return socket;
  }

  /** Unknown paths carry no mark: they are asked about only by a peer that has what we have not. */
  #mark(path: PathName): number {
    return this.#paths.get(path)?.mark ?? 0;
  }

  #keep(use: SocketUse, socket: MarkedSocket): MarkedSocket {
    this.#uses.set(socket.fd, use);
    this.#fds = [...this.#uses.keys()];
    return socket;
  }

  #drop(socket: MarkedSocket): void {
    this.#uses.delete(socket.fd);
    this.#fds = [...this.#uses.keys()];
    socket.close();
  }
}
