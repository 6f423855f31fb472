import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../../src/core/backoff.ts';
import { printDuration, tryDuration } from '../../src/core/duration.ts';
import { editDistance, nearest, probablyMeant } from '../../src/core/nearest.ts';

describe('durations', () => {
  it("are read in Go's notation", () => {
    const cases: Record<string, number> = {
      '30s': 30_000,
      '24h': 86_400_000,
      '1h30m': 5_400_000,
      '500ms': 500,
      '1.5s': 1500,
      '.5s': 500,
      '1.s': 1000,
      '100us': 0.1,
      '100\u00B5s': 0.1,
      '-2m': -120_000,
      '+2m': 120_000,
      '0': 0,
      '1m1m': 120_000,
    };
    for (const [text, ms] of Object.entries(cases)) assert.equal(tryDuration(text), ms, text);
  });

  it('need a unit that Go has', () => {
    for (const text of [
      '',
      '30',
      '1d',
      's',
      '.s',
      '1 s',
      ' 1s',
      '1s ',
      '1S',
      '1e3s',
      '--1s',
      '+',
      '1h30',
      '1..5s',
      'Infinity',
      `${'1'.repeat(70)}s`,
    ]) {
      assert.equal(tryDuration(text), undefined, text);
    }
  });

  it('are printed for people, and read back to the millisecond', () => {
    const cases: Record<string, number> = {
      '0s': 0,
      '350ms': 350,
      '2.5s': 2500,
      '1h30m': 5_400_000,
      '24h': 86_400_000,
      '1m0.001s': 60_001,
      '-2m': -120_000,
    };
    for (const [text, ms] of Object.entries(cases)) assert.equal(printDuration(ms), text);
    fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), (ms) => tryDuration(printDuration(ms)) === ms));
  });
});

describe('back-off', () => {
  const options = { baseMs: 100, capMs: 5000, floorMs: 10 };

  it('doubles what it may be at most, up to the cap', () => {
    const longest = [1, 2, 3, 4, 5, 6, 7, 8, 5000].map((failures) => backoffMs(failures, 1, options));
    assert.deepEqual(longest, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  });

  it('is anything between the floor and that, by chance', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, fraction) => {
          const ms = backoffMs(failures, fraction, options);
          return ms >= 10 && ms <= Math.min(5000, 100 * 2 ** Math.max(0, failures - 1));
        },
      ),
    );
    assert.equal(backoffMs(1, 0, options), 10);
    assert.equal(backoffMs(2, 0.5, options), 100);
  });
});

describe('the nearest word', () => {
  it('counts insertions, deletions, substitutions and swaps', () => {
    assert.equal(editDistance('Paths', 'Paths'), 0);
    assert.equal(editDistance('Path', 'Paths'), 1);
    assert.equal(editDistance('Ptahs', 'Paths'), 1);
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(editDistance('kitten', 'sitting'), 3);
  });

  it('is as far one way as the other, and no further than the longer word', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.ok(editDistance(a, b) <= Math.max(a.length, b.length));
        assert.equal(editDistance(a, b) === 0, a === b);
      }),
    );
  });

  it('is suggested only when it is probably meant', () => {
    const known = ['Paths', 'Probe', 'LeaseTTL'];
    assert.equal(probablyMeant('Path', known), 'Paths');
    assert.equal(probablyMeant('leasettl', known), 'LeaseTTL');
    assert.equal(probablyMeant('Colour', known), undefined);
    assert.equal(nearest('Prob', known)?.word, 'Probe');
    assert.equal(nearest('x', []), undefined);
  });
});
