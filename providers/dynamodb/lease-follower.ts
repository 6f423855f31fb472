/** The view of one watcher: rows in, complete views out, each lease one object for as long as it does not change. */
import type { Clock } from '../../src/contracts/clock.ts';
import type { ViewChange } from '../../src/contracts/lease-store.ts';
import type { Random } from '../../src/contracts/random.ts';
import { Bell } from '../../src/core/bell.ts';
import type { Finding } from '../../src/core/finding.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { Lease, LeaseKey, StoredConfig } from '../../src/core/lease.ts';
import { Sightings } from '../../src/core/sightings.ts';
import { applyDeltas, wants, type Delta, type Interest } from './deltas.ts';
import type { Follower } from './feed.ts';
import type { Base } from './load.ts';
import { rowsUnder } from './partition.ts';
import type { LeasedRow, Row } from './rows.ts';
import { CONFIG_ROW, LEASE_ROWS, seqOfDelta } from './sort-keys.ts';

export const LEASE_INTEREST: Interest = [{ from: CONFIG_ROW, to: CONFIG_ROW }, rowsUnder(LEASE_ROWS)];

export class LeaseFollower implements Follower {
  readonly interest = LEASE_INTEREST;
  readonly startsFrom: Base['from'];
  readonly trouble: (error: unknown) => void;
  readonly #clock: Clock;
  readonly #sightings: Sightings;
  readonly #bell = new Bell();
  #rows = new Map<string, Row>();
  readonly #leases = new Map<LeaseKey, Lease>();
  /** The copy of `#leases` that views share for as long as no lease changes. */
  #shown: ReadonlyMap<LeaseKey, Lease> | undefined;
  #expired: ReadonlySet<LeaseKey> = new Set();
  readonly #odd = new Map<string, { readonly why: string; readonly readable: boolean }>();
  #changed: Set<LeaseKey> | 'all' = 'all';
  #revision = 0;
  #dueMs: number | undefined;

  constructor(
    clock: Clock,
    random: Random,
    options: Pick<Follower, 'startsFrom' | 'trouble'> & { readonly leastMs: number },
  ) {
    this.#clock = clock;
    this.#sightings = new Sightings(() => random.fraction(), options.leastMs);
    this.startsFrom = options.startsFrom;
    this.trouble = options.trouble;
  }

  restart(base: Base): void {
    const nowMs = this.#clock.now();
    const before = this.#rows;
    this.#rows = base.rows;
    let changed = this.#dueMs === undefined;
    for (const name of before.keys()) {
      if (base.rows.has(name)) continue;
      this.#show(name, undefined);
      changed = true;
    }
    for (const [name, row] of base.rows) {
      const old = before.get(name);
      if (old !== undefined && sameRow(old, row)) {
        if (old.kind === 'leased' && row.kind === 'leased') this.#refresh(name, old, row);
      } else {
        this.#show(name, row);
        changed = true;
      }
      if (row.kind === 'leased') this.#sight(row, nowMs);
    }
    this.#revision = base.head.seq;
    this.#dueMs = nowMs + this.#sightings.nextLookMs();
    // A snapshot tells nothing of renewals.
    const expired = base.from === 'rows' ? this.#sightings.expired(nowMs) : new Set<LeaseKey>();
    if (expired.size !== this.#expired.size || [...expired].some((key) => !this.#expired.has(key))) changed = true;
    this.#expired = expired;
    if (changed) this.#bell.ring();
  }

  apply(deltas: readonly Delta[]): void {
    const changed = applyDeltas(
      this.#rows,
      // A delta that cannot be read may have been one of a lease: it is reported here.
      deltas.filter(({ row }) => row !== undefined && (wants(this.interest, row) || seqOfDelta(row) !== undefined)),
    );
    for (const name of changed) {
      const row = this.#rows.get(name);
      this.#show(name, row);
      if (row?.kind === 'leased') this.#sight(row, this.#clock.now());
    }
    this.#revision = Math.max(this.#revision, deltas.at(-1)?.seq ?? 0);
    if (changed.length > 0) this.#bell.ring();
  }

  dueMs(): number | undefined {
    return this.#dueMs;
  }

  leases(): number {
    return this.#leases.size;
  }

  /** Resolves when `take` has something new, or when the signal fires. */
  next(signal: AbortSignal): Promise<void> {
    return this.#bell.heard(signal);
  }

  take(): ViewChange {
    const changed = this.#changed;
    this.#changed = new Set();
    this.#shown ??= new Map(this.#leases);
    const config = this.#rows.get(CONFIG_ROW);
    const odd = [...this.#odd].map(([name, { why, readable }]) => ({ key: keyOf(name), why, readable }));
    const findings = odd
      .filter(({ readable }) => readable)
      .map(({ key, why }): Finding => ({
        code: 'BAD_LEASE',
        message: `lease ${key}: ${why}; taken for a plain flanneld's`,
      }));
    const view = {
      revision: String(this.#revision),
      config: config?.kind === 'config' ? storedConfig(config) : undefined,
      leases: this.#shown,
      expired: this.#expired,
      skipped: odd.filter(({ readable }) => !readable).map(({ key, why }) => ({ key, why })),
      findings,
    };
    return { view, changed };
  }

  #sight({ lease, ttlMs }: LeasedRow, nowMs: number): void {
    this.#sightings.see(lease.key, lease.version, nowMs);
    this.#sightings.setTtl(lease.key, ttlMs);
  }

  /** A row is other than it was, or gone. */
  #show(name: string, row: Row | undefined): void {
    if (row?.kind === 'bad') this.#odd.set(name, { why: row.why, readable: false });
    else if (row?.kind === 'leased' && row.ignored !== undefined)
      this.#odd.set(name, { why: row.ignored, readable: true });
    else this.#odd.delete(name);
    if (!name.startsWith(LEASE_ROWS)) return;
    // What is no lease's key never became one.
    const key = keyOf(name) as LeaseKey;
    if (row?.kind === 'leased') this.#leases.set(key, row.lease);
    else if (this.#leases.delete(key)) this.#sightings.forget(key);
    else return;
    this.#shown = undefined;
    if (this.#changed !== 'all') this.#changed.add(key);
    if (this.#expired.has(key)) this.#expired = new Set([...this.#expired].filter((other) => other !== key));
  }

  /** The same lease, renewed perhaps: its new version, the old object's parts. */
  #refresh(name: string, old: LeasedRow, row: LeasedRow): void {
    const lease = old.lease.version === row.lease.version ? old.lease : { ...old.lease, version: row.lease.version };
    this.#rows.set(name, { ...row, lease });
    if (lease === old.lease) return;
    this.#leases.set(lease.key, lease);
    this.#shown = undefined;
  }
}

export const storedConfig = ({ text, seq }: { readonly text: string; readonly seq: number }): StoredConfig => ({
  text,
  version: String(seq),
});

const keyOf = (name: string): string => (name.startsWith(LEASE_ROWS) ? name.slice(LEASE_ROWS.length) : name);

/** Says it the same? Another hand's change need not have a number of its own, so the content decides. */
function sameRow(a: Row, b: Row): boolean {
  if (a.kind === 'leased' && b.kind === 'leased') {
    return (
      a.seq === b.seq &&
      a.lease.epoch === b.lease.epoch &&
      a.node === b.node &&
      a.ignored === b.ignored &&
      encodeLeaseValue(a.lease.attributes) === encodeLeaseValue(b.lease.attributes)
    );
  }
  if (a.kind === 'config' && b.kind === 'config') return a.text === b.text && a.seq === b.seq;
  if (a.kind === 'bad' && b.kind === 'bad') return a.why === b.why;
  return a.kind === b.kind && a.seq === b.seq;
}
