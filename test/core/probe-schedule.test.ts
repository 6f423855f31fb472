import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { coversAll, FULL_PURSE, schedule, type ScheduledPeer } from '../../src/core/probe-schedule.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

type State = ScheduledPeer<number>['state'];
const OPTIONS = { intervalMs: 1000, budget: 50 };

/** Asks these peers for some time; when each was asked. */
function run(
  states: readonly State[],
  seconds: number,
  cost = 2,
  options = OPTIONS,
  lateMs = 0,
): { times: number[][]; ticks: number } {
  const random = new SeededRandom(7);
  const asked = states.map(() => -Infinity);
  const times: number[][] = states.map(() => []);
  const jitter = states.map(() => 0);
  let purse = FULL_PURSE;
  let ticks = 0;
  for (let nowMs = 0; nowMs < seconds * 1000; ticks++) {
    const peers = states.map((state, key) => ({
      key,
      cost,
      state,
      askedAtMs: asked[key] ?? 0,
      jitter: jitter[key] ?? 0,
    }));
    const asks = schedule(peers, purse, options, nowMs, () => random.fraction() * 2 - 1);
    purse = asks.purse;
    for (const { key, jitter: drawn } of asks.now) {
      asked[key] = nowMs;
      jitter[key] = drawn;
      times[key]?.push(nowMs);
    }
    assert.ok(asks.nextAtMs > nowMs);
    nowMs = asks.nextAtMs + lateMs;
  }
  return { times, ticks };
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((at, index) => at - (times[index] ?? 0));

/** The most requests in any span of one second. */
function busiestSecond(times: readonly (readonly number[])[], cost: number): number {
  const all = times.flat().toSorted((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; to < all.length; to++) {
    while ((all[to] ?? 0) - (all[from] ?? 0) >= 1000) from += 1;
    most = Math.max(most, (to - from + 1) * cost);
  }
  return most;
}

const many = (count: number, state: State): State[] => Array.from({ length: count }, () => state);

describe('the schedule of probes', () => {
  it('asks active pairs every interval, all of them', () => {
    const { times } = run(many(100, 'active'), 20);
    for (const each of times)
      assert.ok(
        gaps(each).every((gap) => gap >= 950 && gap <= 1080),
        gaps(each).join(),
      );
  });

  it('asks 1,000 idle peers at least once a minute, with at most 50 requests in any second', () => {
    const { times } = run(many(1000, 'idle'), 180);
    assert.ok(busiestSecond(times, 2) <= 50, `${busiestSecond(times, 2)} requests in one second`);
    for (const each of times)
      assert.ok(
        gaps(each).every((gap) => gap <= 60_000),
        gaps(each).join(),
      );
    assert.ok(times.every((each) => each.length >= 3 && (each[0] ?? Infinity) <= 60_000));
  });

  it('keeps idle ones to the budget and their minute beside 200 unsettled ones', () => {
    const { times } = run([...many(800, 'idle'), ...many(200, 'unsettled')], 180);
    assert.ok(busiestSecond(times, 2) <= 50);
    for (const each of times.slice(0, 800)) assert.ok(gaps(each).every((gap) => gap <= 60_000));
    assert.ok(times.slice(800).every((each) => each.length >= 3));
  });

  it('asks unsettled ones every interval where there are few, and idle ones every 10 s', () => {
    const { times } = run([...many(5, 'unsettled'), ...many(5, 'idle')], 60);
    for (const each of times.slice(0, 5))
      assert.ok(
        gaps(each).every((gap) => gap <= 1300),
        gaps(each).join(),
      );
    for (const each of times.slice(5)) assert.ok(gaps(each).every((gap) => gap >= 8500 && gap <= 10_800));
  });

  it('keeps to the budget, and idle ones to their minute, where every look comes late', () => {
    const { times } = run([...many(900, 'idle'), ...many(100, 'unsettled')], 180, 2, OPTIONS, 130);
    assert.ok(busiestSecond(times, 2) <= 50, `${busiestSecond(times, 2)} requests in one second`);
    for (const each of times.slice(0, 900)) assert.ok(gaps(each).every((gap) => gap <= 60_000));
    assert.ok(times.slice(900).every((each) => each.length >= 3));
  });

  it('looks no oftener than five times a second where nobody is active, and not at all where there is nobody', () => {
    assert.ok(run(many(1000, 'idle'), 60).ticks <= 275);
    assert.ok(run([...many(20, 'idle'), ...many(5, 'unsettled')], 60).ticks <= 275);
    assert.ok(run(many(20, 'idle'), 60, 1).ticks <= 30);
    assert.equal(schedule([], FULL_PURSE, OPTIONS, 0, () => 0).nextAtMs, Infinity);
  });

  it('covers everybody up to four fifths of the budget, and after a shortage again at half of that', () => {
    const covered = (wasShort: boolean): number[] =>
      [20, 21, 40, 41].filter((requests) => coversAll(requests, OPTIONS, wasShort));
    assert.deepEqual([covered(false), covered(true)], [[20, 21, 40], [20]]);
    assert.equal(coversAll(20, { ...OPTIONS, intervalMs: 250 }, false), false);
  });

  it('spreads hosts that start together', () => {
    const { times } = run(many(2, 'active'), 60);
    const [a = [], b = []] = times;
    assert.notDeepEqual(gaps(a), gaps(b));
  });

  it('asks everybody within the budget, whatever they cost and however small it is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat(40),
        (budget, cost, count) => {
          const { times } = run(many(count, 'unsettled'), 40, cost, { intervalMs: 1000, budget });
          assert.ok(
            busiestSecond(times, cost) <= Math.max(budget, 1) + cost,
            `${busiestSecond(times, cost)} of ${budget}`,
          );
          const round = (count * cost) / (budget * 0.95);
          if (round < 20) assert.ok(times.every((each) => each.length > 0));
        },
      ),
    );
  });
});
