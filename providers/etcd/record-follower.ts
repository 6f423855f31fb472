/** Records of one kind: read as a list, and followed. */
import type { RecordKind, RecordList, StoredRecord } from '../../src/contracts/records.ts';
import { Bell } from '../../src/core/bell.ts';
import type { Entry, Listing } from './etcd.ts';
import type { Teller } from './following.ts';
import { below } from './keys.ts';
import { parsed } from './lease-rows.ts';
import type { KeyEvent } from './watch-stream.ts';

export function recordList(prefix: string, entries: Iterable<Entry>): RecordList {
  const records = new Map<string, StoredRecord>();
  const skipped: { readonly key: string; readonly why: string }[] = [];
  for (const { key: name, value: text, modified } of entries) {
    const key = name.slice(prefix.length);
    const value = parsed(text);
    if (value === undefined) skipped.push({ key, why: 'the value is not JSON' });
    else records.set(key, { key, value, version: String(modified) });
  }
  return { records, skipped };
}

export class RecordFollower implements Teller<RecordList> {
  readonly doing;
  readonly ranges;
  readonly beside = [];
  readonly #prefix: string;
  readonly #bell = new Bell();
  #entries = new Map<string, Entry>();

  constructor(kind: RecordKind, prefix: string) {
    this.doing = `follow records ${kind}`;
    this.#prefix = prefix;
    this.ranges = [below(prefix)];
  }

  restart({ ranges: [entries = []] }: Listing): void {
    this.#entries = new Map(entries.map((entry) => [entry.key, entry]));
    this.#bell.ring();
  }

  apply(events: readonly KeyEvent[]): void {
    for (const { key, entry } of events) {
      if (entry === undefined) this.#entries.delete(key);
      else this.#entries.set(key, entry);
    }
    this.#bell.ring();
  }

  dueMs(): undefined {
    return undefined;
  }

  trouble(): void {
    // The lease watch of the same store tells of it.
  }

  next(signal: AbortSignal): Promise<void> {
    return this.#bell.heard(signal);
  }

  take(): RecordList {
    // Also for what has come between the ring and now.
    this.#bell.hush();
    return recordList(this.#prefix, this.#entries.values());
  }
}
