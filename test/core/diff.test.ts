import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { diff, type Change } from '../../src/core/diff.ts';
import {
  HOST_ENTRIES,
  describeHostEntry,
  hostEntryKey,
  hostEntryOrder,
  sameHostEntry,
  type HostEntry,
} from '../../src/core/host-entry.ts';
import { hostEntry } from './arbitraries.ts';

/** A host as sorted text. */
const world = (entries: Iterable<HostEntry>): string[] => [...entries].map(describeHostEntry).sort();

function applied(actual: readonly HostEntry[], changes: readonly Change<HostEntry>[]): HostEntry[] {
  const standing = new Map(actual.map((entry) => [hostEntryKey(entry), entry]));
  for (const change of changes) {
    if (change.op === 'put') standing.set(hostEntryKey(change.want), change.want);
    else standing.delete(hostEntryKey(change.was));
  }
  return [...standing.values()];
}

/** What a kernel can hold: each key once. */
const observed = fc.uniqueArray(hostEntry, { selector: hostEntryKey, maxLength: 25 });
const wanted = fc.uniqueArray(hostEntry, { selector: hostEntryKey, maxLength: 25 });

describe('diff', () => {
  it('applied, reaches what is wanted', () => {
    fc.assert(
      fc.property(observed, wanted, (actual, want) => {
        assert.deepEqual(world(applied(actual, diff(actual, want, HOST_ENTRIES))), world(want));
      }),
    );
  });

  it('applied, leaves nothing for a second one', () => {
    fc.assert(
      fc.property(observed, fc.array(hostEntry, { maxLength: 25 }), (actual, want) => {
        const after = applied(actual, diff(actual, want, HOST_ENTRIES));
        assert.deepEqual(diff(after, want, HOST_ENTRIES), []);
      }),
    );
  });

  it('puts before it removes, what others stand on first and last', () => {
    fc.assert(
      fc.property(observed, wanted, (actual, want) => {
        const changes = diff(actual, want, HOST_ENTRIES);
        const ranks = changes.map((change) =>
          change.op === 'put' ? hostEntryOrder(change.want) : 100 - hostEntryOrder(change.was),
        );
        assert.deepEqual(
          ranks,
          [...ranks].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('touches nothing that stands as wanted, and says what it replaces', () => {
    fc.assert(
      fc.property(observed, wanted, (actual, want) => {
        for (const change of diff(actual, want, HOST_ENTRIES)) {
          if (change.op === 'put') {
            const standing = actual.find((entry) => hostEntryKey(entry) === hostEntryKey(change.want));
            assert.equal(change.was, standing);
            assert.ok(standing === undefined || !sameHostEntry(standing, change.want));
          } else assert.ok(!want.some((entry) => hostEntryKey(entry) === hostEntryKey(change.was)));
        }
      }),
    );
  });

  it('keeps to the first of two wanted states of one thing, in every pass the same', () => {
    const first: HostEntry = { kind: 'sysctl', name: 'net/ipv4/ip_forward', value: '1' };
    const second: HostEntry = { ...first, value: '0' };
    assert.deepEqual(world(applied([], diff([], [first, second], HOST_ENTRIES))), ['sysctl net/ipv4/ip_forward=1']);
    assert.deepEqual(diff([first], [first, second], HOST_ENTRIES), []);
  });
});
