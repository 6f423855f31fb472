import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CryptoRandom } from '../../src/system/crypto-random.ts';

describe('chance from the kernel', () => {
  it('draws every number below the bound, and none else', () => {
    const random = new CryptoRandom();
    const drawn = new Set(Array.from({ length: 2000 }, () => random.below(7)));
    assert.deepEqual(
      [...drawn].toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6],
    );
  });

  it('has one choice below 1', () => {
    assert.equal(new CryptoRandom().below(1), 0);
  });

  it('draws fractions from 0 up to, not including, 1', () => {
    const random = new CryptoRandom();
    const drawn = Array.from({ length: 2000 }, () => random.fraction());
    assert.ok(drawn.every((value) => value >= 0 && value < 1));
    assert.ok(Math.max(...drawn) > 0.9 && Math.min(...drawn) < 0.1);
    assert.ok(new Set(drawn).size > 1990);
  });
});
