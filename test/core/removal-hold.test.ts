import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isImplausible, removalHold, type RemovalCause, type RemovalWait } from '../../src/core/removal-hold.ts';

const MINUTE = 60_000;
const wait = (cause: RemovalCause, more: Partial<RemovalWait> = {}): string => {
  const hold = removalHold({ cause, forMs: 0, dueRuns: 1, isDue: true, crowd: undefined, ...more });
  return hold === undefined ? 'goes' : `${hold.kind}: ${hold.why}`;
};

describe('a route that ought to go', () => {
  it('goes at once when nothing can arrive by it any more', () => {
    assert.deepEqual([wait('gone'), wait('leaving')], ['goes', 'goes']);
  });

  it('waits five minutes of age when its owner lives, and the quarantine when nobody has the subnet', () => {
    assert.equal(wait('unwanted'), 'waiting: goes in 5m if nothing changes');
    assert.equal(wait('unwanted', { forMs: 5 * MINUTE }), 'goes');
    assert.equal(wait('lease-gone', { forMs: 5 * MINUTE }), 'waiting: goes in 10m if nothing changes');
    assert.equal(wait('lease-gone', { forMs: 15 * MINUTE }), 'goes');
  });

  it('in a crowd is held until a second run that is due, five minutes later, agrees', () => {
    const crowd = { going: 20, standing: 24 };
    assert.match(wait('gone', { crowd }), /^held: removing 20 of 24 routes looks like a mistake/);
    assert.match(wait('gone', { crowd, forMs: 6 * MINUTE }), /^held/);
    assert.match(wait('gone', { crowd, dueRuns: 3, forMs: 4 * MINUTE }), /^held/);
    assert.match(wait('gone', { crowd, dueRuns: 3, forMs: 6 * MINUTE, isDue: false }), /^held/);
    assert.equal(wait('gone', { crowd, dueRuns: 2, forMs: 5 * MINUTE }), 'goes');
  });

  it('is a crowd with more than ten others that are more than half of all', () => {
    assert.deepEqual(
      [isImplausible(10, 10), isImplausible(11, 22), isImplausible(11, 21), isImplausible(0, 0)],
      [false, false, true, false],
    );
  });
});
