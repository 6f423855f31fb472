import { setTimeout as wait } from 'node:timers/promises';
import { CryptoRandom } from '../../src/system/crypto-random.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { clockContract, randomContract } from './clock.ts';

clockContract('the manual clock', () => {
  const clock = new ManualClock();
  return { clock, pass: (ms) => clock.advance(ms) };
});
clockContract('the system clock', () => ({ clock: new SystemClock(), pass: (ms) => wait(ms) }));
randomContract('chance from a seed', () => new SeededRandom(1));
randomContract('chance from the kernel', () => new CryptoRandom());
