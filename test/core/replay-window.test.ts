import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { admit, NOTHING_MET } from '../../src/core/replay-window.ts';

/** Which of the sequences are admitted, one after the other. */
function admitted(sequences: readonly number[]): number[] {
  let window = NOTHING_MET;
  return sequences.filter((sequence) => {
    const next = admit(window, sequence);
    window = next ?? window;
    return next !== undefined;
  });
}

describe('the replay window', () => {
  it('admits what comes in order, and what comes late by less than 64', () => {
    assert.deepEqual(admitted([1, 2, 5, 3, 4, 70, 7, 6]), [1, 2, 5, 3, 4, 70, 7]);
  });

  it('never admits a sequence twice, nor one of 0', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 })), (sequences) => {
        const taken = admitted(sequences);
        assert.equal(new Set(taken).size, taken.length);
        assert.ok(!taken.includes(0));
      }),
    );
  });

  it('admits every new sequence that is less than 64 behind the newest, as a list of all that was met would', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 200 }), (sequences) => {
        const met = new Set<number>();
        let newest = 0;
        const wanted = sequences.filter((sequence) => {
          const fresh = !met.has(sequence) && sequence > newest - 64;
          if (fresh) met.add(sequence);
          newest = Math.max(newest, fresh ? sequence : 0);
          return fresh;
        });
        assert.deepEqual(admitted(sequences), wanted);
      }),
    );
  });
});
