/** What is wanted and not done yet, since when: removals that are held until later runs agree, routes that an owner is given time to put. One record a table. */
import type { Records, StoredRecord } from '../contracts/records.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { trySubnet, type Subnet } from '../core/subnet.ts';
import type { RunState } from './run-state.ts';

export interface Waited {
  /** Of the runs' age. */
  readonly forMs: number;
  /** How many runs that were due have found it so, this one included. */
  readonly dueRuns: number;
}

export type WaitingNow = Pick<RunState, 'ageMs' | 'due'> & { readonly isDue: boolean };

interface Wait {
  readonly what: string;
  readonly sinceMs: number;
  /** Runs that were due before the first that found it so. */
  readonly before: number;
}

const VERSION = 1;
/** What a record may have, less what stands around the waits. */
const MOST_BYTES = 32 * 1024 - 64;
const WHAT = /^[a-z-]{1,24}$/;
/**
 * Nothing has to wait for so long. What stands of a table that a run does not see may be another reconciler's, of another region say, and is not told from a table
 * that is gone: after so long it is taken away, and whoever wants it still waits anew.
 */
const KEPT_MS = 24 * 60 * 60_000;

export class Waiting {
  /** What cannot be read waits anew. */
  static async read(records: Records, now: WaitingNow, signal: AbortSignal): Promise<Waiting> {
    const list = await records.list('waiting', signal);
    return new Waiting(records, now, list.records, new Set(list.skipped.map(({ key }) => key)));
  }

  readonly #records: Records;
  readonly #now: WaitingNow;
  readonly #stored: ReadonlyMap<string, StoredRecord>;
  readonly #spoiled: ReadonlySet<string>;
  /** By table and destination: as the last run left it, and what was asked for in this one. */
  readonly #before = new Map<string, ReadonlyMap<Subnet, Wait>>();
  readonly #waits = new Map<string, Map<Subnet, Wait>>();

  private constructor(
    records: Records,
    now: WaitingNow,
    stored: ReadonlyMap<string, StoredRecord>,
    spoiled: ReadonlySet<string>,
  ) {
    this.#records = records;
    this.#now = now;
    this.#stored = stored;
    this.#spoiled = spoiled;
    // What says that it began later than now is another hand's, or of an age that has begun anew since.
    const isPast = ({ sinceMs, before }: Wait): boolean => sinceMs <= now.ageMs && before <= now.due;
    for (const [table, { value }] of stored)
      this.#before.set(table, new Map([...readWaits(value)].filter(([, wait]) => isPast(wait))));
  }

  /**
   * It is wanted in this run too; from now on, if it was not in the last one, or was for another reason. May be asked more than once a run.
   * @param what 1 to 24 small letters or dashes
   */
  wait(table: string, destination: Subnet, what: string): Waited {
    const { ageMs, due, isDue } = this.#now;
    const waits = this.#waits.get(table) ?? new Map<Subnet, Wait>();
    this.#waits.set(table, waits);
    const known = waits.get(destination) ?? this.#before.get(table)?.get(destination);
    const wait = known?.what === what ? known : { what, sinceMs: Math.floor(ageMs), before: due - (isDue ? 1 : 0) };
    waits.set(destination, wait);
    return { forMs: Math.max(0, ageMs - wait.sinceMs), dueRuns: Math.max(0, due - wait.before) };
  }

  /**
   * Writes what has changed. What nobody waited for in this run, in a table that was looked at, waits no more; what stands of other tables stays, for a day.
   * Rejects with RECORD_CHANGED when another run is under way.
   */
  async save(looked: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const table of new Set([...looked, ...this.#waits.keys()])) {
      const stored = this.#stored.get(table);
      const isSpoiled = this.#spoiled.has(table);
      const waits = looked.has(table) ? this.#waits.get(table) : this.#both(table);
      if (waits === undefined || waits.size === 0) {
        if (stored !== undefined || isSpoiled)
          await this.#records.remove('waiting', table, isSpoiled ? undefined : stored?.version, signal);
        continue;
      }
      const value = waitsToJson(waits);
      if (stored !== undefined && JSON.stringify(stored.value) === JSON.stringify(value)) continue;
      await this.#records.put('waiting', table, value, isSpoiled ? undefined : (stored?.version ?? 'absent'), signal);
    }
    // A run that failed has not seen what there is.
    if (looked.size > 0) await this.#prune(looked, signal);
  }

  async #prune(looked: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (const [table, { value, version }] of this.#stored) {
      const isOurs = isJsonObject(value) && value['v'] === VERSION;
      if (!isOurs || looked.has(table) || this.#waits.has(table)) continue;
      const waits = [...(this.#before.get(table)?.values() ?? [])];
      if (waits.every(({ sinceMs }) => this.#now.ageMs - sinceMs > KEPT_MS))
        await this.#records.remove('waiting', table, version, signal);
    }
  }

  #both(table: string): ReadonlyMap<Subnet, Wait> {
    return new Map([...(this.#before.get(table) ?? []), ...(this.#waits.get(table) ?? [])]);
  }
}

/** Those that began together stand together: a table's thousand mostly did. The oldest first; what does not fit begins anew with the next run. */
function waitsToJson(waits: ReadonlyMap<Subnet, Wait>): JsonObject {
  const groups = new Map<string, { readonly wait: Wait; readonly destinations: Subnet[] }>();
  for (const [destination, wait] of waits) {
    const name = `${wait.sinceMs} ${wait.before} ${wait.what}`;
    const group = groups.get(name) ?? { wait, destinations: [] };
    group.destinations.push(destination);
    groups.set(name, group);
  }
  const list: JsonValue[] = [];
  let bytes = 0;
  for (const { wait, destinations } of [...groups.values()].toSorted((a, b) => a.wait.sinceMs - b.wait.sinceMs)) {
    const { what, sinceMs, before } = wait;
    const fitting: Subnet[] = [];
    bytes += JSON.stringify([what, sinceMs, before, []]).length + 1;
    for (const destination of destinations.toSorted()) {
      bytes += destination.length + 3;
      if (bytes <= MOST_BYTES) fitting.push(destination);
    }
    if (fitting.length > 0) list.push([what, sinceMs, before, fitting]);
  }
  return { v: VERSION, waits: list };
}

function readWaits(value: JsonValue): ReadonlyMap<Subnet, Wait> {
  const waits = new Map<Subnet, Wait>();
  const list = isJsonObject(value) && value['v'] === VERSION ? value['waits'] : undefined;
  if (!Array.isArray(list)) return waits;
  const groups: readonly JsonValue[] = list;
  for (const group of groups) {
    if (!Array.isArray(group)) continue;
    const [what, sinceMs, before, destinations]: readonly JsonValue[] = group;
    if (typeof what !== 'string' || !WHAT.test(what) || !isCount(sinceMs) || !isCount(before)) continue;
    if (!Array.isArray(destinations)) continue;
    const texts: readonly JsonValue[] = destinations;
    for (const text of texts) {
      const destination = typeof text === 'string' ? trySubnet(text) : undefined;
      if (destination !== undefined) waits.set(destination, { what, sinceMs, before });
    }
  }
  return waits;
}

const isCount = (value: JsonValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
