/** `Records` in memory. */
import { Bell } from '../../src/core/bell.ts';
import type { RecordKind, RecordList, Records, StoredRecord } from '../../src/contracts/records.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { MemoryNetwork } from './memory-network.ts';

export class MemoryRecords implements Records {
  readonly #network: MemoryNetwork;

  constructor(network: MemoryNetwork) {
    this.#network = network;
  }

  list(kind: RecordKind, signal: AbortSignal): Promise<RecordList> {
    return this.#network.call('list', signal, () => ({ records: new Map(this.#kind(kind)), skipped: [] }));
  }

  put(
    kind: RecordKind,
    key: string,
    value: JsonValue,
    ifVersion: string | 'absent' | undefined,
    signal: AbortSignal,
  ): Promise<StoredRecord> {
    return this.#network.call('put', signal, () => {
      const records = this.#kind(kind);
      this.#expect(kind, key, ifVersion);
      const record: StoredRecord = {
        key,
        value: JSON.parse(JSON.stringify(value)) as JsonValue,
        version: String(this.#network.draw()),
      };
      records.set(key, record);
      this.#network.changed();
      return record;
    });
  }

  remove(kind: RecordKind, key: string, ifVersion: string | undefined, signal: AbortSignal): Promise<void> {
    return this.#network.call('remove', signal, () => {
      const records = this.#kind(kind);
      if (!records.has(key)) return;
      this.#expect(kind, key, ifVersion);
      records.delete(key);
      this.#network.draw();
      this.#network.changed();
    });
  }

  add(counter: string, by: number, signal: AbortSignal): Promise<number> {
    return this.#network.call('add', signal, () => {
      const sum = (this.#network.counters.get(counter) ?? 0) + by;
      this.#network.counters.set(counter, sum);
      return sum;
    });
  }

  async *watch(kind: RecordKind, signal: AbortSignal): AsyncGenerator<RecordList> {
    const bell = new Bell();
    bell.ring();
    let shown: string | undefined;
    const leave = this.#network.listen(() => bell.ring());
    try {
      for (;;) {
        await bell.heard(signal);
        if (signal.aborted) return;
        const records = new Map(this.#kind(kind));
        const versions = [...records.values()].map(({ key, version }) => `${key} ${version}`).join();
        if (versions === shown) continue;
        shown = versions;
        yield { records, skipped: [] };
      }
    } finally {
      leave();
    }
  }

  #kind(kind: RecordKind): Map<string, StoredRecord> {
    const records = this.#network.records.get(kind) ?? new Map<string, StoredRecord>();
    this.#network.records.set(kind, records);
    return records;
  }

  #expect(kind: RecordKind, key: string, ifVersion: string | 'absent' | undefined): void {
    const version = this.#kind(kind).get(key)?.version ?? 'absent';
    if (ifVersion !== undefined && ifVersion !== version)
      throw new WeftError('RECORD_CHANGED', `record ${kind} ${key} is of version ${version}, not ${ifVersion}`);
  }
}
