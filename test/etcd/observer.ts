/** Somebody who watches in real time, and what he has seen. */
import assert from 'node:assert/strict';
import type { LeaseStore, ViewChange } from '../../src/contracts/lease-store.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { LeaseView } from '../../src/core/lease.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { never } from '../contract/store-world.ts';

/** Far longer than anything takes: a test that fails for it hangs. */
const PATIENCE_MS = 60_000;

export const until = (what: string, holds: () => boolean | Promise<boolean>): Promise<true> =>
  eventually(
    what,
    PATIENCE_MS,
    async () => ((await holds()) ? { found: true as const } : { missing: 'it is not so' }),
    never(),
  );

const watching = new Set<Observer>();

export class Observer {
  readonly changes: ViewChange[] = [];
  readonly troubles: unknown[] = [];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  /** Those of a test that failed: the file would never end. */
  static async stopAll(): Promise<void> {
    await Promise.all([...watching].map((observer) => observer.stop()));
  }

  constructor(store: LeaseStore) {
    watching.add(this);
    this.#ended = this.#watch(store);
  }

  get view(): LeaseView | undefined {
    return this.changes.at(-1)?.view;
  }

  /** Error codes, `ok` where contact was back. */
  get told(): string[] {
    return this.troubles.map((error) =>
      error instanceof WeftError ? error.code : error === undefined ? 'ok' : 'another',
    );
  }

  async until(what: string, wanted: (view: LeaseView) => boolean): Promise<LeaseView> {
    await until(what, () => this.view !== undefined && wanted(this.view));
    assert.ok(this.view !== undefined);
    return this.view;
  }

  async stop(): Promise<void> {
    watching.delete(this);
    this.#stop.abort();
    await this.#ended;
  }

  async #watch(store: LeaseStore): Promise<void> {
    for await (const change of store.watch(this.#stop.signal, (error) => this.troubles.push(error)))
      this.changes.push(change);
  }
}
