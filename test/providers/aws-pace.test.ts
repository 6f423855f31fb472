import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pace } from '../../providers/aws/pace.ts';
import { never } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

describe('the pace of calls', () => {
  const clock = new ManualClock();
  const pace = new Pace({ clock, random: new SeededRandom(1) });
  /** How long so many calls take that all pass, or are all refused. */
  const spanOf = async (count: number, outcome: 'passed' | 'refused'): Promise<number> => {
    const began = clock.now();
    for (let index = 0; index < count; index++) {
      await clock.during(pace.turn(never()));
      pace[outcome]();
    }
    return clock.now() - began;
  };

  it('is free until a call is refused, grows slower with each that is, up to a bound, and free again with those that pass', async () => {
    assert.equal(await spanOf(1000, 'passed'), 0);
    const [first, later, last] = [await spanOf(3, 'refused'), await spanOf(3, 'refused'), await spanOf(100, 'refused')];
    assert.ok(first < later, `${first} < ${later}`);
    assert.ok(last <= 100 * 2000 * 1.5, String(last));
    assert.ok((await spanOf(30, 'passed')) > 0);
    assert.equal(await spanOf(1000, 'passed'), 0);
  });

  it('two that were refused together do not keep step', async () => {
    const other = new Pace({ clock, random: new SeededRandom(2) });
    const turns = async (one: Pace): Promise<number> => {
      one.refused();
      const began = clock.now();
      for (let index = 0; index < 5; index++) await clock.during(one.turn(never()));
      return clock.now() - began;
    };
    assert.notEqual(await turns(pace), await turns(other));
  });
});
