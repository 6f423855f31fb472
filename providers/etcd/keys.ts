/**
 * Where everything stands below a network's prefix. `config` and `subnets/` are flannel's (pkg/subnet/etcd/registry.go); all that is ours is below
 * `weft/`. Never another key below `<prefix>/subnets`: flanneld watches that prefix without a slash behind it, and drops all its peers for one that it cannot read.
 */
import path from 'node:path';
import type { RecordKind } from '../../src/contracts/records.ts';
import type { LeaseKey } from '../../src/core/lease.ts';

/** From `from` up to, not including, `to`. Without `to`: that one key. */
export interface KeyRange {
  readonly from: string;
  readonly to?: string;
}

export class Keys {
  readonly prefix: string;
  readonly config: string;
  /** Leases, one key each; ends with a slash. */
  readonly leases: string;

  constructor(prefix: string) {
    // As Go's path.Join does: double and trailing slashes go.
    const join = (...parts: string[]): string => path.posix.join(prefix, ...parts);
    this.prefix = join().replace(/(.)\/$/, '$1');
    this.config = join('config');
    this.leases = `${join('subnets')}/`;
  }

  lease(key: LeaseKey): string {
    return `${this.leases}${key}`;
  }

  /** Who has a subnet or had it until lately, under an etcd lease that outlives that of the subnet: the quarantine. */
  held(key: LeaseKey): string {
    return this.record('held', key);
  }

  /** Who had a subnet last, for ever: it tells the subnets that were never leased from the others. */
  get lastOwners(): string {
    return `${this.#weft}last/`;
  }

  lastOwner(key: LeaseKey): string {
    return `${this.lastOwners}${key}`;
  }

  records(kind: RecordKind): string {
    return `${this.#weft}${kind}/`;
  }

  record(kind: RecordKind, key: string): string {
    return `${this.records(kind)}${key}`;
  }

  counter(name: string): string {
    return `${this.#weft}count/${name}`;
  }

  /** Of one call, under an etcd lease that names it. */
  mark(lease: string): string {
    return `${this.#weft}mark/${lease}`;
  }

  get #weft(): string {
    return `${path.posix.join(this.prefix, 'weft')}/`;
  }
}

/** All keys that begin so. Our prefixes end with a slash, and `0` is the character behind it. */
export const below = (prefix: string): KeyRange => ({ from: prefix, to: `${prefix.slice(0, -1)}0` });
