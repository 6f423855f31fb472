/** A host of its own for a benchmark: a process in a network namespace, with the daemon, a store and leases in it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Arrival, StoreKind } from './bench-store.ts';

export type Question =
  | { readonly ask: 'fill' | 'settle' | 'memory' | 'single' | 'probing'; readonly leases: number }
  | { readonly ask: 'burst'; readonly leases: number; readonly arrival: Arrival }
  | { readonly ask: 'empty node' | 'start to file' };

export interface Reply {
  readonly value?: unknown;
  readonly error?: string;
}

/** As an ordinary user a namespace of users comes first; there its owner is root. */
const UNSHARE = process.getuid?.() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net'];

export class World {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** With so many leases of other nodes in the store. */
  static async open(leases: number, store: StoreKind = 'dynamodb'): Promise<World> {
    const file = fileURLToPath(new URL('./world-process.js', import.meta.url));
    const child = spawn('unshare', [...UNSHARE, process.execPath, '--enable-source-maps', file, store], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const world = new World(child);
    await world.#reply();
    await world.ask({ ask: 'fill', leases });
    return world;
  }

  async ask<T>(question: Question): Promise<T> {
    this.#process.send(question);
    return (await this.#reply()) as T;
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
  }

  async #reply(): Promise<unknown> {
    const left = new AbortController();
    const { signal } = left;
    try {
      const ended = once(this.#process, 'exit', { signal }).then(([code]) => ({
        error: `the world ended with ${String(code)}`,
      }));
      const answered = once(this.#process, 'message', { signal }).then(([reply]) => reply as Reply);
      const { value, error } = await Promise.race<Reply>([answered, ended]);
      if (error !== undefined) throw new Error(error);
      return value;
    } finally {
      left.abort();
    }
  }
}
