/** The suite that every Records passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecordKind, RecordList } from '../../src/contracts/records.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { Case } from './lease-store.ts';
import { never, rejectsWith, type Peer, type StoreWorld } from './store-world.ts';

const signal = never();

const text = ({ records }: RecordList): string[] =>
  [...records.values()].map(({ key, value }) => `${key} ${JSON.stringify(value)}`).toSorted();

export function recordsContract(storeName: string, makeWorld: () => Promise<StoreWorld>): void {
  const test: Case = (name, work) => {
    it(name, async () => {
      const world = await makeWorld();
      try {
        await work(world);
      } finally {
        await world.close();
      }
    });
  };

  // One kind that nodes watch, and one that they do not: stores may treat them differently inside.
  for (const kind of ['ledger', 'lock'] as const) {
    describe(`${kind} records in ${storeName}`, () => {
      test('lists what was put, with its version', async (world) => {
        const { records } = world.open();
        assert.equal((await records.list(kind, signal)).records.size, 0);
        const put = await records.put(kind, 'rtb-1/10.42.1.0-24', { target: 'eni-1', epoch: 3 }, undefined, signal);
        const { records: listed, skipped } = await world.open().records.list(kind, signal);
        assert.deepEqual([...listed.values()], [put]);
        assert.deepEqual(skipped, []);
      });

      test('gives values back as they were', async (world) => {
        const { records } = world.open();
        const values: JsonValue[] = [
          null,
          true,
          0,
          -1.5,
          2 ** 53,
          '',
          'ü\u2028"\\\n',
          [],
          {},
          { a: [1, { b: null }] },
          'x'.repeat(30_000),
        ];
        for (const [index, value] of values.entries()) await records.put(kind, `k${index}`, value, undefined, signal);
        const { records: listed } = await records.list(kind, signal);
        assert.deepEqual(
          values.map((_, index) => listed.get(`k${index}`)?.value),
          values,
        );
      });

      test('writes where nothing is, over one version, or always, as it is told', async (world) => {
        const { records } = world.open();
        const first = await records.put(kind, 'k', 1, 'absent', signal);
        await rejectsWith('RECORD_CHANGED', records.put(kind, 'k', 2, 'absent', signal));
        const second = await records.put(kind, 'k', 2, first.version, signal);
        await rejectsWith('RECORD_CHANGED', records.put(kind, 'k', 3, first.version, signal));
        assert.deepEqual(text(await records.list(kind, signal)), ['k 2']);
        await records.put(kind, 'k', 4, undefined, signal);
        await rejectsWith('RECORD_CHANGED', records.put(kind, 'k', 5, second.version, signal));
        await rejectsWith('RECORD_CHANGED', records.put(kind, 'none', 5, second.version, signal));
        assert.deepEqual(text(await records.list(kind, signal)), ['k 4']);
      });

      test('removes one version, or always; of what is gone, again', async (world) => {
        const { records } = world.open();
        const first = await records.put(kind, 'k', 1, undefined, signal);
        const second = await records.put(kind, 'k', 2, undefined, signal);
        await rejectsWith('RECORD_CHANGED', records.remove(kind, 'k', first.version, signal));
        assert.deepEqual(text(await records.list(kind, signal)), ['k 2']);
        await records.remove(kind, 'k', second.version, signal);
        await records.remove(kind, 'k', second.version, signal);
        await records.remove(kind, 'k', undefined, signal);
        assert.deepEqual(text(await records.list(kind, signal)), []);
        await records.put(kind, 'k', 3, 'absent', signal);
        await rejectsWith('RECORD_CHANGED', records.put(kind, 'k', 4, second.version, signal));
        await records.remove(kind, 'k', undefined, signal);
        assert.deepEqual(text(await records.list(kind, signal)), []);
      });

      test('of 16 who put where nothing is, one does', async (world) => {
        const ends = await Promise.all(
          Array.from({ length: 16 }, (_, index) => {
            const { records, clock } = world.open();
            return clock.during(records.put(kind, 'k', index, 'absent', signal)).then(
              ({ value }) => value,
              (error: unknown) => (error instanceof WeftError ? error.code : error),
            );
          }),
        );
        const winners = ends.filter((end) => end !== 'RECORD_CHANGED');
        assert.equal(winners.length, 1);
        assert.deepEqual(text(await world.open().records.list(kind, signal)), [`k ${String(winners[0])}`]);
      });

      test('shows a watcher everything at first, and then each change', async (world) => {
        const { records } = world.open();
        await records.put(kind, 'a', 1, undefined, signal);
        const watcher = new RecordWatcher(world.open(), kind);
        assert.deepEqual(text(await watcher.next()), ['a 1']);
        await records.put(kind, 'b', 2, undefined, signal);
        assert.deepEqual(text(await watcher.next()), ['a 1', 'b 2']);
        await records.put(kind, 'a', 3, undefined, signal);
        assert.deepEqual(text(await watcher.next()), ['a 3', 'b 2']);
        await records.remove(kind, 'a', undefined, signal);
        assert.deepEqual(text(await watcher.next()), ['b 2']);
        await watcher.stop();
      });
    });
  }

  describe(`records in ${storeName}`, () => {
    test('keeps kinds apart', async (world) => {
      const { records } = world.open();
      const kinds: RecordKind[] = [
        'reservation',
        'ledger',
        'writer',
        'held',
        'audit',
        'lock',
        'budget',
        'expiry',
        'waiting',
        'leaving',
        'run',
        'challenge',
      ];
      for (const kind of kinds) await records.put(kind, 'k', kind, undefined, signal);
      for (const kind of kinds) assert.deepEqual(text(await records.list(kind, signal)), [`k "${kind}"`]);
    });

    test('lists hundreds', async (world) => {
      const { records } = world.open();
      const keys = Array.from({ length: 600 }, (_, index) => `k${index}`);
      for (let at = 0; at < keys.length; at += 50)
        await Promise.all(
          keys.slice(at, at + 50).map((key) => records.put('audit', key, 'x'.repeat(2000), undefined, signal)),
        );
      assert.equal((await records.list('audit', signal)).records.size, 600);
    });

    test('adds to counters, of many at once', async (world) => {
      const { records } = world.open();
      assert.equal(await records.add('calls', 0, signal), 0);
      const sums = await Promise.all(Array.from({ length: 20 }, () => world.open().records.add('calls', 2, signal)));
      assert.deepEqual(
        sums.toSorted((x, y) => x - y),
        Array.from({ length: 20 }, (_, index) => 2 * (index + 1)),
      );
      assert.equal(await records.add('calls', -39, signal), 1);
      assert.equal(await records.add('calls', 0, signal), 1);
      assert.equal(await records.add('other', 0, signal), 0);
    });

    test('ends a watch when it is told to, and gives up with ABORTED where the caller does', async (world) => {
      const { records } = world.open();
      const stop = new AbortController();
      for await (const list of records.watch('ledger', stop.signal)) {
        assert.equal(list.records.size, 0);
        stop.abort();
      }
      await rejectsWith('ABORTED', records.list('ledger', stop.signal));
      await rejectsWith('ABORTED', records.put('ledger', 'k', 1, undefined, stop.signal));
      await rejectsWith('ABORTED', records.remove('ledger', 'k', undefined, stop.signal));
      await rejectsWith('ABORTED', records.add('calls', 1, stop.signal));
      assert.deepEqual(text(await records.list('ledger', signal)), []);
    });
  });
}

/** Time goes on for him alone, while he waits. */
class RecordWatcher {
  readonly #peer: Peer;
  readonly #stop = new AbortController();
  readonly #lists: AsyncIterator<RecordList>;

  constructor(peer: Peer, kind: RecordKind) {
    this.#peer = peer;
    this.#lists = peer.records.watch(kind, this.#stop.signal)[Symbol.asyncIterator]();
  }

  async next(): Promise<RecordList> {
    const { done, value } = await this.#peer.clock.during(this.#lists.next());
    assert.ok(done !== true, 'the watch ended');
    return value;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#lists.return?.();
  }
}
