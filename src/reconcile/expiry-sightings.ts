/**
 * Which owners have stopped renewing, judged over many runs that know nothing of each other but what stands in `Records`: a version that has been
 * seen unchanged for its TTL and five minutes of the runs' age (core/sightings.ts is the same for one process).
 */
import type { Records, StoredRecord } from '../contracts/records.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import type { Lease, LeaseKey } from '../core/lease.ts';
import { fingerprint, textHash } from '../core/text-hash.ts';

/** So that a renewal costs one small write, and 10,000 leases fit. */
const CHUNKS = 16;
/** What a record may have, less what stands around the sightings. */
const MOST_BYTES = 32 * 1024 - 64;
const VERSION = 1;
/** An owner renews at a third of its TTL; this much more, and it is not late but gone. */
const GRACE_MS = 5 * 60_000;

interface Sighting {
  readonly print: string;
  readonly sinceMs: number;
  readonly ttlMs: number;
  /** What the config said of the TTL when it was first seen. */
  readonly saidMs: number;
}

export class ExpirySightings {
  /** Nothing that cannot be read makes anything expire: it begins anew. */
  static async read(records: Records, signal: AbortSignal): Promise<ExpirySightings> {
    const list = await records.list('expiry', signal);
    const spoiled = new Set(list.skipped.map(({ key }) => key));
    return new ExpirySightings(records, list.records, spoiled);
  }

  readonly #records: Records;
  readonly #spoiled: ReadonlySet<string>;
  readonly #stored = new Map<string, StoredRecord>();
  #seen = new Map<LeaseKey, Sighting>();

  private constructor(records: Records, stored: ReadonlyMap<string, StoredRecord>, spoiled: ReadonlySet<string>) {
    this.#records = records;
    this.#spoiled = spoiled;
    for (const [key, record] of stored) {
      this.#stored.set(key, record);
      for (const [lease, sighting] of readChunk(record.value)) this.#seen.set(lease, sighting);
    }
  }

  /**
   * Takes what stands now, each in its latest version (`LeaseStore.watch`, exact), and says which of it has stood too long. What is not named is
   * forgotten. A plain flanneld's lease is the store's to end: it has no route, and may be meant to stand for ever.
   * @param now `ttlMs`: how long leases live without renewal, by the network config
   */
  expired(leases: Iterable<Lease>, now: { readonly ageMs: number; readonly ttlMs: number }): ReadonlySet<LeaseKey> {
    const before = this.#seen;
    this.#seen = new Map();
    const expired = new Set<LeaseKey>();
    for (const { key, epoch, version, attributes } of leases) {
      if (attributes.weft === undefined) continue;
      const print = fingerprint(`${epoch} ${version}`);
      const saidMs = now.ttlMs;
      const old = before.get(key);
      const isSame = old?.print === print;
      // A whole second later: what is stored is never older than it was.
      const sinceMs = isSame ? Math.min(old.sinceMs, now.ageMs) : Math.ceil(now.ageMs / 1000) * 1000;
      // Its owner may not have known of a new TTL yet when he wrote it: for one version the one before counts too.
      const ttlMs = isSame ? Math.max(old.ttlMs, saidMs) : Math.max(saidMs, old?.saidMs ?? 0);
      this.#seen.set(key, { print, sinceMs, ttlMs, saidMs: isSame ? old.saidMs : saidMs });
      if (now.ageMs - sinceMs >= ttlMs + GRACE_MS) expired.add(key);
    }
    return expired;
  }

  /** Writes what has changed. Rejects with RECORD_CHANGED when another run is under way. */
  async save(signal: AbortSignal): Promise<void> {
    const chunks = new Map<string, (readonly [LeaseKey, Sighting])[]>();
    for (const entry of this.#seen) {
      const key = `leases-${textHash(entry[0]) % CHUNKS}`;
      const chunk = chunks.get(key) ?? [];
      chunk.push(entry);
      chunks.set(key, chunk);
    }
    for (const key of new Set([...this.#stored.keys(), ...chunks.keys(), ...this.#spoiled])) {
      const stored = this.#stored.get(key);
      const value = chunkToJson(chunks.get(key) ?? []);
      const isSpoiled = this.#spoiled.has(key);
      if (stored !== undefined && JSON.stringify(stored.value) === JSON.stringify(value)) continue;
      const expected = isSpoiled ? undefined : (stored?.version ?? 'absent');
      this.#stored.set(key, await this.#records.put('expiry', key, value, expected, signal));
    }
  }
}

/** The longest seen first, so that what does not fit is what would expire last. */
function chunkToJson(entries: readonly (readonly [LeaseKey, Sighting])[]): JsonObject {
  const oldest = entries.toSorted(([a, x], [b, y]) => x.sinceMs - y.sinceMs || (a < b ? -1 : 1));
  const seen: [string, JsonValue][] = [];
  let bytes = 0;
  for (const [key, { print, sinceMs, ttlMs, saidMs }] of oldest) {
    const value = [print, ...[sinceMs, ttlMs, saidMs].map((ms) => Math.round(ms / 1000))];
    // ASCII alone: keys of leases, and base 36.
    bytes += key.length + JSON.stringify(value).length + 4;
    if (bytes > MOST_BYTES) break;
    seen.push([key, value]);
  }
  return { v: VERSION, seen: Object.fromEntries(seen) };
}

function readChunk(value: JsonValue): (readonly [LeaseKey, Sighting])[] {
  const seen = isJsonObject(value) && value['v'] === VERSION ? value['seen'] : undefined;
  if (!isJsonObject(seen)) return [];
  return Object.entries(seen).flatMap(([key, item]) => {
    if (!Array.isArray(item)) return [];
    const [print, ...seconds]: readonly JsonValue[] = item;
    const [sinceMs, ttlMs, saidMs] = seconds.map((second) =>
      typeof second === 'number' && Number.isFinite(second) && second >= 0 ? second * 1000 : undefined,
    );
    if (typeof print !== 'string' || sinceMs === undefined || ttlMs === undefined || saidMs === undefined) return [];
    // It is looked up by keys of leases alone.
    return [[key as LeaseKey, { print, sinceMs, ttlMs, saidMs }]];
  });
}
