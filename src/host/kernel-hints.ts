/** The main thread's side of the kernel worker: starts it at the first wish for hints, ends it with the last. */
import { closeSync, writeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { HostHint } from '../contracts/host-network.ts';
import type { ForwardingEntry, Neighbour } from '../core/host-entry.ts';
import { keepHeapSmall } from '../native/heap-growth.ts';
import { checked, libc } from '../native/libc.ts';
import type { IpValue } from '../native/netlink/ip-value.ts';
import type { Expectations } from './kernel-batch.ts';
import { kernelFailure } from './kernel-errors.ts';
import { ipValueOf } from './kernel-values.ts';
import type { Expected, FromWorker, ToWorker, WatchScope, WorkerStart } from './worker-messages.ts';

// sys/eventfd.h
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

/** It reads messages and remembers some thousand numbers; without limits the engine reserves more than the rest of us uses. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/** Beside the bundle's entry, which also has parts in a folder below; compiled file by file, beside this file. */
function workerFile(): URL {
  const here = import.meta.url;
  if (here.endsWith('.js')) return new URL('./kernel-worker.js', here);
  return new URL(/\/later\/[^/]+$/.test(here) ? '../kernel-worker.mjs' : './kernel-worker.mjs', here);
}

/** Hints of one reader that waits. */
interface Inbox {
  readonly hints: Set<HostHint>;
  wake: () => void;
}

export class KernelHints implements Expectations {
  readonly #ownPort: number;
  readonly #receiveBytes: number;
  readonly #inboxes = new Set<Inbox>();
  readonly #expected = new Map<
    number,
    { neighbours: [IpValue, string | null][]; forwarding: [string, IpValue | null][] }
  >();
  #worker: Worker | undefined;
  #wakeFd = -1;
  #failure: Error | undefined;
  #scope: WatchScope | undefined;
  #scopeText = '';

  /**
   * @param ownPort netlink port of the socket that makes our changes
   * @param receiveBytes how much of the kernel's notifications may wait; 5,000 forwarding entries, whose notifications do not say who made them, take 4 MB
   */
  constructor(ownPort: number, receiveBytes = 4 << 20) {
    this.#ownPort = ownPort;
    this.#receiveBytes = receiveBytes;
  }

  async *hints(signal: AbortSignal): AsyncGenerator<HostHint, void, undefined> {
    if (signal.aborted) return;
    // A worker that starts says so by itself, when it listens.
    const first: HostHint[] = this.#worker === undefined ? [] : ['everything'];
    const inbox: Inbox = { hints: new Set(first), wake: () => {} };
    this.#inboxes.add(inbox);
    const onAbort = (): void => inbox.wake();
    signal.addEventListener('abort', onAbort);
    try {
      await this.#start();
      while (!signal.aborted) {
        if (this.#failure !== undefined) throw kernelFailure('wait for kernel notifications', this.#failure);
        const hint = take(inbox.hints);
        if (hint !== undefined) {
          // The last one is out of our hands: the worker may send what came since.
          if (inbox.hints.size === 0) this.#post({ kind: 'taken' });
          yield hint;
        } else await new Promise<void>((resolve) => (inbox.wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#inboxes.delete(inbox);
      if (this.#inboxes.size === 0) this.#stop();
    }
  }

  /** Which notifications are about us, from now on. */
  watch(scope: WatchScope): void {
    const text = JSON.stringify(scope);
    if (text === this.#scopeText) return;
    this.#scope = scope;
    this.#scopeText = text;
    this.#post({ kind: 'watch', scope });
  }

  neighbour(link: number, address: Neighbour['address'], mac: Neighbour['mac'] | undefined): void {
    if (this.#worker !== undefined) this.#on(link).neighbours.push([ipValueOf(address), mac ?? null]);
  }

  forwarding(link: number, mac: ForwardingEntry['mac'], remote: ForwardingEntry['remote'] | undefined): void {
    if (this.#worker !== undefined)
      this.#on(link).forwarding.push([mac, remote === undefined ? null : ipValueOf(remote)]);
  }

  send(): void {
    if (this.#expected.size === 0) return;
    const expected: Expected[] = [...this.#expected].map(([link, on]) => ({ link, ...on }));
    this.#expected.clear();
    this.#worker?.postMessage({ kind: 'expect', expected } satisfies ToWorker);
  }

  #on(link: number): { neighbours: [IpValue, string | null][]; forwarding: [string, IpValue | null][] } {
    let on = this.#expected.get(link);
    if (on === undefined) this.#expected.set(link, (on = { neighbours: [], forwarding: [] }));
    return on;
  }

  async #start(): Promise<void> {
    // Loaded when it is needed: the worker starts when subnet.env is written.
    const threads = await import('node:worker_threads');
    if (this.#worker !== undefined) return;
    this.#failure = undefined;
    this.#wakeFd = checked('eventfd', libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const start: WorkerStart = { wakeFd: this.#wakeFd, ownPort: this.#ownPort, receiveBytes: this.#receiveBytes };
    const worker = new threads.Worker(workerFile(), {
      workerData: start,
      execArgv: [],
      resourceLimits: LIMITS,
      name: 'kernel',
      // Its descriptors are not of Node's making.
      trackUnmanagedFds: false,
    });
    worker.once('online', keepHeapSmall);
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => {
      for (const inbox of this.#inboxes) {
        for (const hint of message.hints) inbox.hints.add(hint);
        inbox.wake();
      }
    });
    worker.on('error', (error) => this.#fail(worker, error));
    worker.on('exit', () => this.#fail(worker, new Error('the kernel worker ended')));
    // Listening holds the process; waiting for the kernel must not.
    worker.unref();
    process.once('exit', this.#stop);
    if (this.#scope !== undefined) this.#post({ kind: 'watch', scope: this.#scope });
  }

  #fail(worker: Worker, error: Error): void {
    if (worker !== this.#worker) return;
    this.#failure = error;
    this.#stop();
    for (const inbox of this.#inboxes) inbox.wake();
  }

  /** Also when the process ends: a thread in poll(2) would hold it up. The worker closes what it opened; the eventfd outlives it. */
  readonly #stop = (): void => {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.#post({ kind: 'stop' });
    this.#worker = undefined;
    process.off('exit', this.#stop);
    const wakeFd = this.#wakeFd;
    worker.once('exit', () => closeSync(wakeFd));
  };

  #post(message: ToWorker): void {
    if (this.#worker === undefined) return;
    this.#worker.postMessage(message);
    writeSync(this.#wakeFd, ONE);
  }
}

/** What eventfd(2) wants: eight bytes, a number to add. */
const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/** "Everything" makes the others needless. */
function take(hints: Set<HostHint>): HostHint | undefined {
  if (hints.has('everything')) {
    hints.clear();
    return 'everything';
  }
  const [hint] = hints;
  if (hint !== undefined) hints.delete(hint);
  return hint;
}
