/** The main thread's side of the kernel worker: starts it for the first who needs it, ends it with the last. */
import { closeSync, writeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { keepHeapSmall } from '../native/heap-growth.ts';
import { checked, libc } from '../native/libc.ts';
import { SharedDescriptors } from '../native/shared-descriptors.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';

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

export interface ThreadUser {
  onMessage(message: FromWorker): void;
  /** It has ended by itself; nobody is its user any more. */
  onFailure(error: Error): void;
}

export class KernelThread {
  readonly #ownPort: number;
  readonly #receiveBytes: number;
  readonly #users = new Set<ThreadUser>();
  #worker: Worker | undefined;
  #wakeFd = -1;

  /**
   * @param ownPort netlink port of the socket that makes our changes
   * @param receiveBytes how much of the kernel's notifications may wait; 5,000 forwarding entries, whose notifications do not say who made them, take 4 MB
   */
  constructor(ownPort: number, receiveBytes = 4 << 20) {
    this.#ownPort = ownPort;
    this.#receiveBytes = receiveBytes;
  }

  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /**
   * `leave` what was joined.
   * @returns whether it ran already
   * @throws KernelError
   */
  async join(user: ThreadUser): Promise<boolean> {
    // Loaded when it is needed: the worker starts when subnet.env is written.
    const threads = await import('node:worker_threads');
    const wasRunning = this.isRunning;
    if (!wasRunning) this.#start(threads.Worker);
    this.#users.add(user);
    return wasRunning;
  }

  leave(user: ThreadUser): void {
    this.#users.delete(user);
    if (this.#users.size === 0) this.#stop();
  }

  /** Nothing happens while it does not run. */
  post(message: ToWorker): void {
    if (this.#worker === undefined) return;
    this.#worker.postMessage(message);
    writeSync(this.#wakeFd, ONE);
  }

  /** As `post`, but it need not look before it has something else to do. */
  postLazily(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #start(Thread: typeof Worker): void {
    this.#wakeFd = checked('eventfd', libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const descriptors = new SharedDescriptors();
    const start: WorkerStart = {
      wakeFd: this.#wakeFd,
      ownPort: this.#ownPort,
      receiveBytes: this.#receiveBytes,
      descriptors: descriptors.memory,
    };
    const worker = new Thread(workerFile(), {
      workerData: start,
      execArgv: [],
      resourceLimits: LIMITS,
      // Its sockets come from socket(2): Node would warn of each that it closes.
      trackUnmanagedFds: false,
      name: 'kernel',
    });
    worker.once('online', keepHeapSmall);
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => {
      for (const user of this.#users) user.onMessage(message);
    });
    worker.on('error', (error) => this.#fail(worker, error));
    worker.on('exit', () => {
      // What it could not close itself: whoever takes its place wants its port.
      descriptors.closeAll();
      this.#fail(worker, new Error('the kernel worker ended'));
    });
    // Listening holds the process; waiting for the kernel must not.
    worker.unref();
    process.once('exit', this.#stop);
  }

  #fail(worker: Worker, error: Error): void {
    if (worker !== this.#worker) return;
    this.#stop();
    const users = [...this.#users];
    this.#users.clear();
    for (const user of users) user.onFailure(error);
  }

  /** Also when the process ends: a thread in poll(2) would hold it up. The worker closes what it opened; the eventfd outlives it. */
  readonly #stop = (): void => {
    const worker = this.#worker;
    if (worker === undefined) return;
    this.post({ kind: 'stop' });
    this.#worker = undefined;
    process.off('exit', this.#stop);
    const wakeFd = this.#wakeFd;
    worker.once('exit', () => closeSync(wakeFd));
  };
}

/** What eventfd(2) wants: eight bytes, a number to add. */
const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);
