/** The main thread's side of one packet worker: its messages, and its end. */
import { closeSync, writeSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { keepHeapSmall } from '../native/heap-growth.ts';
import { checked, libc } from '../native/libc.ts';
import type { FromPacketWorker, PacketWorkerStart, ToPacketWorker } from './udp-messages.ts';

// sys/eventfd.h
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

/** It holds one table and one packet. */
const LIMITS = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 };

/** What eventfd(2) wants: eight bytes, a number to add. */
const ONE = new Uint8Array([1, 0, 0, 0, 0, 0, 0, 0]);

/** Beside the bundle's entry, which also has parts in a folder below; compiled file by file, beside this file. */
function workerFile(): URL {
  const here = import.meta.url;
  if (here.endsWith('.js')) return new URL('./udp-worker.js', here);
  return new URL(/\/later\/[^/]+$/.test(here) ? '../udp-worker.mjs' : './udp-worker.mjs', here);
}

export interface PacketThreadUser {
  onDetached(): void;
  /** It has ended by itself. */
  onFailure(error: Error): void;
}

/** What it is to be woken by goes with it where it cannot be made. */
function threadWith(wakeFd: number, make: () => Worker): Worker {
  try {
    return make();
  } catch (error) {
    closeSync(wakeFd);
    throw error;
  }
}

export class PacketThread {
  readonly #worker: Worker;
  readonly #wakeFd: number;
  readonly #waiting = new Map<number, () => void>();
  /** Resolves when the thread has ended, whichever way: nothing uses its descriptors any more. */
  readonly ended: Promise<void>;
  #version = 0;
  #isStopped = false;

  /** @throws KernelError */
  constructor(Thread: typeof Worker, start: Omit<PacketWorkerStart, 'wakeFd'>, user: PacketThreadUser) {
    const wakeFd = checked('eventfd', libc().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const workerData: PacketWorkerStart = { ...start, wakeFd };
    // Its descriptors come from socket(2): Node would warn of each that it closes.
    const options = { workerData, execArgv: [], resourceLimits: LIMITS, trackUnmanagedFds: false, name: 'udp' };
    const worker = threadWith(wakeFd, () => new Thread(workerFile(), options));
    let failure = new Error('the packet worker ended');
    worker.once('online', keepHeapSmall);
    worker.on('message', (message: FromPacketWorker) => {
      if (message.kind === 'in force') this.#arrive(message.version);
      else {
        this.#isStopped = true;
        worker.ref();
        user.onDetached();
      }
    });
    worker.on('error', (error) => (failure = error));
    this.ended = new Promise((resolve) => {
      worker.once('exit', () => {
        process.off('exit', this.stop);
        closeSync(wakeFd);
        resolve();
        // Whoever waits for a table: it is given to the next one at its start.
        for (const version of this.#waiting.keys()) this.#arrive(version);
        if (!this.#isStopped) user.onFailure(failure);
      });
    });
    this.#worker = worker;
    this.#wakeFd = wakeFd;
    // Packets do not keep a process from its end.
    worker.unref();
    process.once('exit', this.stop);
  }

  /** Resolves when the worker goes by these peers, or has ended. */
  setPeers(peers: Uint32Array): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const version = (this.#version += 1);
    return new Promise((resolve) => {
      this.#waiting.set(version, resolve);
      this.#worker.ref();
      this.#post({ kind: 'peers', peers, version });
    });
  }

  /** Also when the process ends: a thread in poll(2) would hold it up. */
  readonly stop = (): void => {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#worker.ref();
    this.#post({ kind: 'stop' });
  };

  #post(message: ToPacketWorker): void {
    this.#worker.postMessage(message);
    writeSync(this.#wakeFd, ONE);
  }

  #arrive(version: number): void {
    this.#waiting.get(version)?.();
    this.#waiting.delete(version);
    if (this.#waiting.size === 0 && !this.#isStopped) this.#worker.unref();
  }
}
