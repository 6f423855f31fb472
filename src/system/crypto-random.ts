/** Chance from the kernel: hosts that start at the same instant from one image must not draw the same numbers. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Random } from '../contracts/random.ts';

/** Bits of a double's fraction, the hidden one included. */
const FRACTION_BITS = 53n;

export class CryptoRandom implements Random {
  below(bound: number): number {
    return randomInt(bound);
  }

  fraction(): number {
    return Number(randomBytes(8).readBigUInt64BE() >> (64n - FRACTION_BITS)) / 2 ** Number(FRACTION_BITS);
  }
}
