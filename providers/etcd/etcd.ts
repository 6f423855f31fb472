/** One network's keys in etcd: the few calls we make, each with a deadline, repeated where that is safe, errors translated, numbers as numbers. */
import type { Etcd3, ICompare, IKeyValue, IRangeRequest, IRequestOp } from 'etcd3';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { attempt } from './attempts.ts';
import type { Connection } from './client.ts';
import type { KeyRange, Keys } from './keys.ts';

export interface EtcdOptions {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly random: Random;
}

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** The revisions that created the key and that wrote it last. */
  readonly created: number;
  readonly modified: number;
  /** The etcd lease under which it lives, NO_LEASE when it lives until it is removed. */
  readonly lease: string;
}

export const NO_LEASE = '0';

/** All ranges as of one revision. */
export interface Listing {
  readonly ranges: readonly (readonly Entry[])[];
  readonly revision: number;
  /** Another one: the store was made anew, and its revisions mean something else. */
  readonly cluster: string;
}

/** What must hold for a transaction to write. `leased: true`: the key lives under an etcd lease. */
export type Check = { readonly key: string } & (
  | { readonly is: 'absent' }
  | { readonly modified: number }
  | { readonly leased: true }
);

/** As the key was read: that entry, or none. */
export const asRead = (key: string, entry: Entry | undefined): Check =>
  entry === undefined ? { key, is: 'absent' } : { key, modified: entry.modified };

export type Write =
  | { readonly put: string; readonly value: string; readonly lease: string }
  | { readonly remove: string };

export interface Transaction {
  /** As it reads after "cannot". */
  readonly doing: string;
  readonly checks: readonly Check[];
  readonly writes: readonly Write[];
  /** A key whose entry is told when the checks do not hold. */
  readonly look: string;
}

export type Outcome =
  | { readonly done: true; readonly revision: number }
  | { readonly done: false; readonly found: Entry | undefined };

/** Longer than all attempts of a call together. */
const MARK_MS = 60_000;

export class Etcd {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly random: Random;

  constructor({ connection, keys, clock, random }: EtcdOptions) {
    this.connection = connection;
    this.keys = keys;
    this.clock = clock;
    this.random = random;
  }

  /** Everything in these ranges, in one linearizable read. */
  async list(doing: string, ranges: readonly KeyRange[], signal: AbortSignal): Promise<Listing> {
    const success = ranges.map((range): IRequestOp => ({ request_range: rangeRequest(range) }));
    const { header, responses } = await this.#call(doing, signal, ({ kv }) =>
      kv.txn({ compare: [], success, failure: [] }),
    );
    return {
      ranges: responses.map(({ response_range }) => response_range.kvs.map(readEntry)),
      revision: Number(header.revision),
      cluster: header.cluster_id,
    };
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    const { kvs } = await this.#call(`read ${key}`, signal, ({ kv }) => kv.range(rangeRequest({ from: key })));
    const [found] = kvs;
    return found === undefined ? undefined : readEntry(found);
  }

  /** All writes or none. Tried again after a lost answer: the caller knows its own writing by what it finds. */
  async transact({ doing, checks, writes, look }: Transaction, signal: AbortSignal): Promise<Outcome> {
    const answer = await this.#write(doing, checks, writes, [look], signal);
    return answer.done ? answer : { done: false, found: answer.found[0] };
  }

  /** The same where another may write the same words: a key of this call's own, written with the rest, tells after a lost answer who it was. */
  async transactOnce({ doing, checks, writes, look }: Transaction, signal: AbortSignal): Promise<Outcome> {
    const lease = await this.grant(MARK_MS, signal);
    const mark = this.keys.mark(lease);
    try {
      const all = [...writes, { put: mark, value: '', lease }];
      const answer = await this.#write(doing, checks, all, [look, mark], signal);
      if (answer.done) return answer;
      const [found, marked] = answer.found;
      return marked === undefined ? { done: false, found } : { done: true, revision: marked.modified };
    } finally {
      // The mark goes with it, and a late attempt that is still on its way can do nothing any more.
      this.revoke(lease);
    }
  }

  /** A new etcd lease; nothing happens to it until it ends. Granted twice because an answer was lost, the first ends empty. */
  async grant(ttlMs: number, signal: AbortSignal): Promise<string> {
    const TTL = Math.max(1, Math.ceil(ttlMs / 1000));
    const { ID } = await this.#call('grant an etcd lease', signal, ({ leaseClient }) =>
      leaseClient.leaseGrant({ TTL }),
    );
    return ID;
  }

  /** How long what lives under an etcd lease lives yet; 0 when that has ended. */
  async remainingMs(lease: string, signal: AbortSignal): Promise<number> {
    const { TTL } = await this.#call('ask for the end of an etcd lease', signal, ({ leaseClient }) =>
      leaseClient.leaseTimeToLive({ ID: lease }),
    );
    return Math.max(0, Number(TTL)) * 1000;
  }

  /** Best effort: one that nobody used ends by itself. */
  revoke(lease: string): void {
    const { client } = this.connection.endpoint;
    client.leaseClient.leaseRevoke({ ID: lease }).catch(() => undefined);
  }

  /** @returns when the checks do not hold, what stands at each of `looks` */
  async #write(
    doing: string,
    checks: readonly Check[],
    writes: readonly Write[],
    looks: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly done: true; readonly revision: number } | { readonly done: false; readonly found: Found }> {
    const { header, succeeded, responses } = await this.#call(doing, signal, ({ kv }) =>
      kv.txn({
        compare: checks.map(compareOf),
        success: writes.map(requestOf),
        failure: looks.map((key) => ({ request_range: rangeRequest({ from: key }) })),
      }),
    );
    if (succeeded) return { done: true, revision: Number(header.revision) };
    const found = responses.map(({ response_range: { kvs } }) =>
      kvs[0] === undefined ? undefined : readEntry(kvs[0]),
    );
    return { done: false, found };
  }

  #call<T>(doing: string, signal: AbortSignal, send: (client: Etcd3) => Promise<T>): Promise<T> {
    const { connection, clock, random } = this;
    return attempt({ doing, connection, clock, random, signal }, send);
  }
}

type Found = readonly (Entry | undefined)[];

export function rangeRequest({ from, to }: KeyRange): IRangeRequest {
  return { key: Buffer.from(from), ...(to === undefined ? {} : { range_end: Buffer.from(to) }) };
}

export const readEntry = ({ key, value, create_revision, mod_revision, lease }: IKeyValue): Entry => ({
  key: key.toString('utf8'),
  value: value.toString('utf8'),
  created: Number(create_revision),
  modified: Number(mod_revision),
  lease,
});

function compareOf(check: Check): ICompare {
  const key = Buffer.from(check.key);
  if ('is' in check) return { key, target: TARGET.version, result: RESULT.equal, version: 0 };
  if ('leased' in check) return { key, target: TARGET.lease, result: RESULT.notEqual, lease: NO_LEASE };
  return { key, target: TARGET.modified, result: RESULT.equal, mod_revision: check.modified };
}

/** Numbers of rpc.proto: loading the enums would load etcd3 before a store is opened. */
const TARGET = { version: 0, modified: 2, lease: 4 } as const;
const RESULT = { equal: 0, notEqual: 3 } as const;

function requestOf(write: Write): IRequestOp {
  if ('remove' in write) return { request_delete_range: { key: Buffer.from(write.remove) } };
  const { put, value, lease } = write;
  return { request_put: { key: Buffer.from(put), value: Buffer.from(value), lease } };
}
