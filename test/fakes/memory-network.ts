/** What the nodes of one network share when their store is this process's memory: the "server" behind MemoryStore and MemoryRecords. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { RecordKind, StoredRecord } from '../../src/contracts/records.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Lease, LeaseKey, LeaseSubnet, StoredConfig } from '../../src/core/lease.ts';
import type { NodeId } from '../../src/core/node-id.ts';

export interface HeldLease {
  readonly lease: Lease;
  /** Undefined: a plain lease, as flanneld writes it. */
  readonly node: NodeId | undefined;
  readonly ttlMs: number;
}

export interface FreedLease {
  readonly subnet: LeaseSubnet;
  readonly node: NodeId | undefined;
  readonly freedAtMs: number;
}

/** A method of the contracts, `watch` once for each look. */
export type MemoryCall =
  | 'config'
  | 'writeConfig'
  | 'watch'
  | 'claim'
  | 'renew'
  | 'release'
  | 'list'
  | 'put'
  | 'remove'
  | 'add';

export class MemoryNetwork {
  /** The store's own time. */
  readonly clock: Clock;
  config: StoredConfig | undefined;
  readonly leases = new Map<LeaseKey, HeldLease>();
  readonly freed = new Map<LeaseKey, FreedLease>();
  /** Keys below the leases that hold what cannot be read, and why. */
  readonly garbage = new Map<string, string>();
  readonly records = new Map<RecordKind, Map<string, StoredRecord>>();
  readonly counters = new Map<string, number>();
  /** Called before a method touches anything; throw to make it fail with nothing done. */
  before: (call: MemoryCall) => void = () => undefined;
  /** Called after it is done; throw to lose the answer. */
  after: (call: MemoryCall) => void = () => undefined;
  #seq = 0;
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get seq(): number {
    return this.#seq;
  }

  /** A number for the next change. */
  draw(): number {
    return ++this.#seq;
  }

  /** One method of a node, atomic: nothing else runs while `work` does. */
  async call<T>(call: MemoryCall, signal: AbortSignal, work: () => T): Promise<T> {
    // Others get a turn, as they do at a real store.
    await Promise.resolve();
    if (signal.aborted) throw new WeftError('ABORTED', `gave up: ${call}`, { cause: signal.reason });
    this.before(call);
    const result = work();
    this.after(call);
    return result;
  }

  /** Calls back at each change. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** What a test makes a network of memory fail with. */
export const unreachable = (): WeftError => new WeftError('STORE_UNREACHABLE', 'the store is away');
