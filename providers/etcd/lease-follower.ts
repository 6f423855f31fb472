/**
 * The view of one watcher: keys in, complete views out, each lease one object for as long as it does not change. Owners that have stopped renewing are judged
 * although etcd ends leases itself: a new leader, and each restart, gives all leases their whole TTL again.
 */
import type { ViewChange } from '../../src/contracts/lease-store.ts';
import { Bell } from '../../src/core/bell.ts';
import type { Finding } from '../../src/core/finding.ts';
import { parseLeaseKey } from '../../src/core/lease-key.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease, LeaseKey, StoredConfig } from '../../src/core/lease.ts';
import { Sightings } from '../../src/core/sightings.ts';
import type { Entry, Etcd, Listing } from './etcd.ts';
import type { Teller } from './following.ts';
import { below, type Keys } from './keys.ts';
import { readHolder, readLease, type LeasedRow, type LeaseRow } from './lease-rows.ts';
import type { KeyEvent } from './watch-stream.ts';

const SHORTEST_LOOK_MS = 10_000;

export class LeaseFollower implements Teller<ViewChange> {
  readonly doing = 'follow the leases';
  readonly ranges;
  readonly beside;
  readonly trouble: (error: unknown) => void;
  readonly #keys: Keys;
  readonly #clock: Etcd['clock'];
  readonly #sightings: Sightings;
  readonly #bell = new Bell();
  /** By what stands behind `subnets/`. */
  readonly #rows = new Map<string, LeaseRow>();
  readonly #leases = new Map<LeaseKey, Lease>();
  /** The copy of `#leases` that views share for as long as no lease changes. */
  #shown: ReadonlyMap<LeaseKey, Lease> | undefined;
  #config: Entry | undefined;
  #expired: ReadonlySet<LeaseKey> = new Set();
  readonly #odd = new Set<string>();
  #changed: Set<LeaseKey> | 'all' = 'all';
  #revision = 0;
  #dueMs: number | undefined;

  constructor({ keys, clock, random }: Etcd, trouble: (error: unknown) => void) {
    this.#keys = keys;
    this.#clock = clock;
    this.#sightings = new Sightings(() => random.fraction(), SHORTEST_LOOK_MS);
    this.ranges = [{ from: keys.config }, below(keys.leases)];
    this.beside = [below(keys.records('held'))];
    this.trouble = trouble;
  }

  restart({ ranges: [configs = [], leases = [], held = []], revision }: Listing, anew: boolean): void {
    const nowMs = this.#clock.now();
    if (anew) this.#forgetRevisions();
    let news = this.#dueMs === undefined;
    if (this.#setConfig(configs[0])) news = true;
    const names = new Set<string>();
    for (const entry of leases) {
      const name = this.#nameOf(entry.key);
      names.add(name);
      if (this.#set(name, entry, nowMs)) news = true;
    }
    for (const name of this.#rows.keys()) if (!names.has(name) && this.#set(name, undefined, nowMs)) news = true;

    this.#setTtls(held);
    const expired = this.#sightings.expired(nowMs);
    if (expired.size !== this.#expired.size || [...expired].some((key) => !this.#expired.has(key))) news = true;
    this.#expired = expired;
    this.#revision = revision;
    this.#dueMs = nowMs + this.#sightings.nextLookMs();
    if (news) this.#bell.ring();
  }

  apply(events: readonly KeyEvent[]): void {
    const nowMs = this.#clock.now();
    let news = false;
    for (const { key, entry, revision } of events) {
      const differs =
        key === this.#keys.config ? this.#setConfig(entry) : this.#set(this.#nameOf(key), entry, nowMs, revision);
      if (differs) news = true;
      this.#revision = Math.max(this.#revision, revision);
    }
    if (news) this.#bell.ring();
  }

  dueMs(): number | undefined {
    return this.#dueMs;
  }

  /** Resolves when `take` has something new, or when the signal fires. */
  next(signal: AbortSignal): Promise<void> {
    return this.#bell.heard(signal);
  }

  take(): ViewChange {
    // Also for what has come between the ring and now.
    this.#bell.hush();
    const changed = this.#changed;
    this.#changed = new Set();
    this.#shown ??= new Map(this.#leases);
    const skipped: { readonly key: string; readonly why: string }[] = [];
    const findings: Finding[] = [];
    for (const name of this.#odd) {
      const row = this.#rows.get(name);
      if (row?.kind === 'bad') skipped.push({ key: name, why: row.why });
      else if (row?.ignored !== undefined)
        findings.push({ code: 'BAD_LEASE', message: `lease ${name}: ${row.ignored}; taken for a plain flanneld's` });
    }
    const view = {
      revision: String(this.#revision),
      config: this.#config === undefined ? undefined : storedConfig(this.#config),
      leases: this.#shown,
      expired: this.#expired,
      skipped,
      findings,
    };
    return { view, changed };
  }

  /** What stands is compared by what it says, next time. */
  #forgetRevisions(): void {
    for (const [name, row] of this.#rows) this.#rows.set(name, { ...row, modified: 0 });
    if (this.#config !== undefined) this.#config = { ...this.#config, modified: 0 };
  }

  #nameOf(key: string): string {
    return key.slice(this.#keys.leases.length);
  }

  #setConfig(entry: Entry | undefined): boolean {
    if (this.#config?.modified === entry?.modified) return false;
    this.#config = entry;
    return true;
  }

  /** What stands there now. Does the view say something else than before? */
  #set(name: string, entry: Entry | undefined, nowMs: number, revision = Infinity): boolean {
    const before = this.#rows.get(name);
    if (entry === undefined) {
      if (before === undefined || before.modified >= revision) return false;
      this.#rows.delete(name);
      this.#odd.delete(name);
      if (before.kind === 'leased') this.#show(before.lease.key, undefined);
      return true;
    }
    if (before?.modified === entry.modified) return false;
    let row = readLease(name, entry);
    const same = before !== undefined && sameRow(before, row);
    if (same && before.kind === 'leased' && row.kind === 'leased') {
      // Renewed: a new version, the old object's parts.
      const { version } = row.lease;
      row = { ...row, lease: before.lease.version === version ? before.lease : { ...before.lease, version } };
      this.#leases.set(row.lease.key, row.lease);
      this.#shown = undefined;
    } else if (row.kind === 'leased') this.#show(row.lease.key, row);
    else if (before?.kind === 'leased') this.#show(before.lease.key, undefined);
    this.#rows.set(name, row);
    if (row.kind === 'bad' || row.ignored !== undefined) this.#odd.add(name);
    else this.#odd.delete(name);
    if (row.kind === 'leased') this.#sight(row, nowMs);
    // Whoever was taken for gone has shown that he lives.
    const woke = row.kind === 'leased' && this.#noLongerExpired(row.lease.key);
    return !same || woke;
  }

  #sight({ lease, modified, forEver }: LeasedRow, nowMs: number): void {
    if (forEver) this.#sightings.forget(lease.key);
    else this.#sightings.see(lease.key, String(modified), nowMs);
  }

  /** It stands beside the leases, and is read when those are listed. */
  #setTtls(held: readonly Entry[]): void {
    const ttls = new Map(
      held.map((entry) => [
        parseLeaseKey(entry.key.slice(this.#keys.records('held').length))?.key,
        readHolder(entry).ttlMs,
      ]),
    );
    for (const key of this.#leases.keys()) this.#sightings.setTtl(key, ttls.get(key));
  }

  #show(key: LeaseKey, row: LeasedRow | undefined): void {
    if (row === undefined) {
      this.#leases.delete(key);
      this.#sightings.forget(key);
      this.#noLongerExpired(key);
    } else this.#leases.set(key, row.lease);
    this.#shown = undefined;
    if (this.#changed !== 'all') this.#changed.add(key);
  }

  #noLongerExpired(key: LeaseKey): boolean {
    if (!this.#expired.has(key)) return false;
    this.#expired = new Set([...this.#expired].filter((other) => other !== key));
    return true;
  }
}

export const storedConfig = ({ value, modified }: Entry): StoredConfig => ({ text: value, version: String(modified) });

function sameRow(a: LeaseRow, b: LeaseRow): boolean {
  if (a.kind === 'bad' || b.kind === 'bad') return a.kind === 'bad' && b.kind === 'bad' && a.why === b.why;
  return (
    a.lease.epoch === b.lease.epoch &&
    a.node === b.node &&
    a.ignored === b.ignored &&
    encodeLeaseValue(a.lease.attributes) === encodeLeaseValue(b.lease.attributes)
  );
}
