/** `Records` in the table: one row a record. Kinds that nodes watch go through the feed, the others cost one plain write. */
import { randomUUID } from 'node:crypto';
import type { RecordKind, RecordList, Records, StoredRecord } from '../../src/contracts/records.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { change } from './changes.ts';
import type { Condition } from './expression.ts';
import type { Feed, Pace } from './feed.ts';
import { readRows } from './load.ts';
import type { Partition } from './partition.ts';
import { recordInterest, RecordFollower, recordList } from './record-follower.ts';
import { FED_KINDS } from './snapshot.ts';
import { countRow, recordRow } from './sort-keys.ts';

const KEY_FORM = /^[A-Za-z0-9._:/-]{1,200}$/;
const MAX_BYTES = 32 * 1024;

export class DynamoRecords implements Records {
  readonly #partition: Partition;
  readonly #feed: Feed;
  readonly #pace: Pace;

  constructor(partition: Partition, feed: Feed, pace: Pace) {
    this.#partition = partition;
    this.#feed = feed;
    this.#pace = pace;
  }

  async list(kind: RecordKind, signal: AbortSignal): Promise<RecordList> {
    return recordList(kind, await readRows(this.#partition, recordInterest(kind), 'strong', signal));
  }

  async put(
    kind: RecordKind,
    key: string,
    value: JsonValue,
    ifVersion: string | 'absent' | undefined,
    signal: AbortSignal,
  ): Promise<StoredRecord> {
    const text = JSON.stringify(value);
    if (!KEY_FORM.test(key))
      throw new WeftError('INTERNAL', `"${key}" is no key of a record: expected 1 to 200 of A-Z a-z 0-9 . _ : / -`);
    if (Buffer.byteLength(text) > MAX_BYTES)
      throw new WeftError(
        'INTERNAL',
        `record ${kind} ${key} has ${Buffer.byteLength(text)} bytes: at most ${MAX_BYTES} are stored`,
      );
    const row = recordRow(kind, key);
    const condition = conditionOf(ifVersion);
    if (!FED_KINDS.includes(kind)) {
      const version = randomUUID();
      const written = await this.#partition.put(row, { value: text, version }, condition, signal);
      // After a lost answer the second attempt finds what the first one wrote.
      if (!written.done && written.row?.['version'] !== version) throw changed(kind, key, ifVersion);
      return { key, value, version };
    }
    const content = (seq: number): { value: string; version: string; seq: number } => ({
      value: text,
      version: String(seq),
      seq,
    });
    const outcome = await change(
      this.#partition,
      { doing: `write record ${kind} ${key}`, row, condition, content },
      signal,
    );
    if (!outcome.done) throw changed(kind, key, ifVersion);
    this.#feed.look();
    return { key, value, version: String(outcome.seq) };
  }

  async remove(kind: RecordKind, key: string, ifVersion: string | undefined, signal: AbortSignal): Promise<void> {
    const row = recordRow(kind, key);
    const condition = conditionOf(ifVersion);
    const doing = `remove record ${kind} ${key}`;
    if (!FED_KINDS.includes(kind)) {
      const removed = await this.#partition.remove(row, condition, signal);
      if (!removed.done && removed.row !== undefined) throw changed(kind, key, ifVersion);
      return;
    }
    // Of what is not there nobody need be told.
    if ((await this.#partition.row(row, 'strong', signal)) === undefined) return;
    const outcome = await change(this.#partition, { doing, row, condition, content: () => undefined }, signal);
    if (!outcome.done && outcome.row !== undefined) throw changed(kind, key, ifVersion);
    this.#feed.look();
  }

  async add(counter: string, by: number, signal: AbortSignal): Promise<number> {
    if (!KEY_FORM.test(counter))
      throw new WeftError(
        'INTERNAL',
        `"${counter}" is no name of a counter: expected 1 to 200 of A-Z a-z 0-9 . _ : / -`,
      );
    const row = countRow(counter);
    const item =
      by === 0
        ? await this.#partition.row(row, 'strong', signal)
        : (await this.#partition.update(row, { add: { sum: by } }, 'none', false, signal)).row;
    const sum = item?.['sum'] ?? 0;
    if (typeof sum !== 'number')
      throw new WeftError(
        'STORE_TABLE_WRONG',
        `counter ${counter} in DynamoDB table ${this.#partition.table} holds no number`,
      );
    return sum;
  }

  watch(kind: RecordKind, signal: AbortSignal): AsyncIterable<RecordList> {
    return FED_KINDS.includes(kind) ? this.#follow(kind, signal) : this.#reread(kind, signal);
  }

  async *#follow(kind: RecordKind, signal: AbortSignal): AsyncGenerator<RecordList> {
    const follower = new RecordFollower(kind);
    const leave = this.#feed.join(follower);
    try {
      for (;;) {
        await follower.next(signal);
        if (signal.aborted) return;
        yield follower.take();
      }
    } finally {
      leave();
    }
  }

  /** Kinds that do not go through the feed are read by the few who care, again and again. */
  async *#reread(kind: RecordKind, signal: AbortSignal): AsyncGenerator<RecordList> {
    const { clock, random } = this.#partition;
    for (let shown: string | undefined; !signal.aborted;) {
      const list = await this.list(kind, signal).catch(() => undefined);
      const versions =
        list === undefined
          ? shown
          : JSON.stringify([[...list.records.values()].map(({ key, version }) => [key, version]), list.skipped]);
      if (list !== undefined && versions !== shown) {
        shown = versions;
        yield list;
      }
      await clock.sleep(this.#pace.slowMs * (0.8 + 0.4 * random.fraction()), signal).catch(() => undefined);
    }
  }
}

function conditionOf(ifVersion: string | 'absent' | undefined): Condition {
  if (ifVersion === undefined) return 'none';
  return ifVersion === 'absent' ? 'absent' : { equal: { version: ifVersion } };
}

function changed(kind: RecordKind, key: string, expected: string | undefined): WeftError {
  return new WeftError(
    'RECORD_CHANGED',
    `record ${kind} ${key} stands otherwise: expected ${expected === 'absent' ? 'none' : `version ${expected}`}; nothing was written`,
  );
}
