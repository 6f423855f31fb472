/** `Records` in etcd: one key a record, its value as JSON. */
import type { RecordKind, RecordList, Records, StoredRecord } from '../../src/contracts/records.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { asRead, NO_LEASE, type Etcd } from './etcd.ts';
import { following } from './following.ts';
import { below } from './keys.ts';
import { parsed } from './lease-rows.ts';
import { RecordFollower, recordList } from './record-follower.ts';
import { standsAs } from './version.ts';

const KEY_FORM = /^[A-Za-z0-9._:/-]{1,200}$/;
const MAX_BYTES = 32 * 1024;
/** Each time that one adder's turn fails, another's has succeeded. */
const TURNS = 1000;

export class EtcdRecords implements Records {
  readonly #etcd: Etcd;

  constructor(etcd: Etcd) {
    this.#etcd = etcd;
  }

  async list(kind: RecordKind, signal: AbortSignal): Promise<RecordList> {
    const prefix = this.#etcd.keys.records(kind);
    const { ranges } = await this.#etcd.list(`list records ${kind}`, [below(prefix)], signal);
    return recordList(prefix, ranges[0] ?? []);
  }

  async put(
    kind: RecordKind,
    key: string,
    value: JsonValue,
    ifVersion: string | 'absent' | undefined,
    signal: AbortSignal,
  ): Promise<StoredRecord> {
    const text = JSON.stringify(value);
    checkName('key of a record', key);
    if (Buffer.byteLength(text) > MAX_BYTES)
      throw new WeftError(
        'INTERNAL',
        `record ${kind} ${key} has ${Buffer.byteLength(text)} bytes: at most ${MAX_BYTES} are stored`,
      );
    const name = this.#etcd.keys.record(kind, key);
    const transaction = {
      doing: `write record ${kind} ${key}`,
      checks: standsAs(name, ifVersion),
      writes: [{ put: name, value: text, lease: NO_LEASE }],
      look: name,
    };
    // Whoever wins a lock must know that it was he: another may write the same words.
    const outcome = await (ifVersion === undefined
      ? this.#etcd.transact(transaction, signal)
      : this.#etcd.transactOnce(transaction, signal));
    if (outcome.done) return { key, value, version: String(outcome.revision) };
    throw changed(kind, key, ifVersion);
  }

  async remove(kind: RecordKind, key: string, ifVersion: string | undefined, signal: AbortSignal): Promise<void> {
    const name = this.#etcd.keys.record(kind, key);
    const outcome = await this.#etcd.transact(
      {
        doing: `remove record ${kind} ${key}`,
        checks: standsAs(name, ifVersion),
        writes: [{ remove: name }],
        look: name,
      },
      signal,
    );
    if (!outcome.done && outcome.found !== undefined) throw changed(kind, key, ifVersion);
  }

  async add(counter: string, by: number, signal: AbortSignal): Promise<number> {
    checkName('name of a counter', counter);
    const name = this.#etcd.keys.counter(counter);
    let found = await this.#etcd.get(name, signal);
    for (let turn = 0; turn < TURNS; turn++) {
      const before = found === undefined ? 0 : parsed(found.value);
      if (typeof before !== 'number' || !Number.isSafeInteger(before))
        throw new WeftError('STORE_TABLE_WRONG', `counter ${name} in etcd holds no whole number`);
      if (by === 0) return before;
      const sum = before + by;
      const outcome = await this.#etcd.transactOnce(
        {
          doing: `add to counter ${counter}`,
          checks: [asRead(name, found)],
          writes: [{ put: name, value: String(sum), lease: NO_LEASE }],
          look: name,
        },
        signal,
      );
      if (outcome.done) return sum;
      found = outcome.found;
    }
    throw new WeftError('STORE_CONFLICT', `counter ${counter} was changed by others ${TURNS} times`);
  }

  watch(kind: RecordKind, signal: AbortSignal): AsyncIterable<RecordList> {
    return following(this.#etcd, () => new RecordFollower(kind, this.#etcd.keys.records(kind)), signal);
  }
}

function checkName(what: string, name: string): void {
  if (!KEY_FORM.test(name))
    throw new WeftError('INTERNAL', `"${name}" is no ${what}: expected 1 to 200 of A-Z a-z 0-9 . _ : / -`);
}

function changed(kind: RecordKind, key: string, expected: string | undefined): WeftError {
  return new WeftError(
    'RECORD_CHANGED',
    `record ${kind} ${key} stands otherwise: expected ${expected === 'absent' ? 'none' : `version ${expected}`}; nothing was written`,
  );
}
