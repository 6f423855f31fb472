import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import { parseLeaseKey } from '../../src/core/lease-key.ts';
import type { LeaseKey } from '../../src/core/lease.ts';
import { FIREWALL } from '../../src/reconcile/host-pass.ts';
import { Loop, type Changed, type PassResult } from '../../src/agent/loop.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const WELL: PassResult = { scope: 'all', failed: false, heldForMs: undefined };

function key(n: number): LeaseKey {
  const read = parseLeaseKey(`10.${n >> 8}.${n & 255}.0-24`);
  assert.ok(read);
  return read.key;
}

const scopeOf = (changed: Changed): PassResult['scope'] => (changed === 'all' ? 'all' : changed.size);

interface Setup {
  readonly loop: Loop;
  readonly clock: ManualClock;
  /** "at 0: all", "at 50: 3 leases" */
  readonly passes: string[];
  stop(): Promise<void>;
}

/** A loop whose passes take no time, unless `pass` says otherwise. */
function begin(
  pass: (changed: Changed, clock: ManualClock, signal: AbortSignal) => Promise<PassResult> | PassResult = () => WELL,
  resyncMs = 3_600_000,
): Setup {
  const clock = new ManualClock(1_000_000);
  const passes: string[] = [];
  const end = new AbortController();
  const loop = new Loop({
    clock,
    random: new SeededRandom(1),
    resyncMs,
    pass: async (changed, signal) => {
      passes.push(`at ${clock.now() - 1_000_000}: ${changed === 'all' ? 'all' : `${changed.size} leases`}`);
      return pass(changed, clock, signal);
    },
  });
  const run = loop.run(end.signal);
  const ended = assert.rejects(run, { code: 'ABORTED' });
  return {
    loop,
    clock,
    passes,
    stop: () => {
      end.abort();
      return ended;
    },
  };
}

test('makes no pass before the first wake', async () => {
  const { clock, passes, stop } = begin();
  await clock.advance(10_000_000);
  await stop();
  assert.deepEqual(passes, []);
});

test('a single change goes at once', async () => {
  const { loop, clock, passes, stop } = begin();
  await clock.advance(1000);
  loop.wake(new Set([key(1)]));
  await clock.advance(0);
  await clock.advance(0);
  await stop();
  assert.deepEqual(passes, ['at 1000: 1 leases']);
});

test('a burst of 1,000 changes makes two passes: the first change at once, the rest together', async () => {
  const { loop, clock, passes, stop } = begin();
  loop.wake('all');
  await clock.advance(0);
  await clock.advance(1000);
  passes.length = 0;
  for (let n = 0; n < 1000; n++) {
    loop.wake(new Set([key(n)]));
    if (n === 0) await clock.advance(0);
    if (n > 0 && n % 100 === 0) await clock.advance(1);
  }
  await clock.advance(1000);
  await stop();
  assert.deepEqual(passes, ['at 1000: 1 leases', 'at 1050: 999 leases']);
});

test('rests for as long as a pass took, but not for what a pass over a few leases had to wait', async () => {
  const { loop, clock, passes, stop } = begin(async (changed, time, signal) => {
    await time.sleep(400, signal);
    return { ...WELL, scope: scopeOf(changed) };
  });
  const leases = (from: number, count: number): Set<LeaseKey> =>
    new Set(Array.from({ length: count }, (_, n) => key(from + n)));
  loop.wake(leases(0, 64));
  await clock.advance(0);
  await clock.advance(100);
  loop.wake(leases(100, 65));
  await clock.advance(800);
  loop.wake(leases(200, 1));
  await clock.advance(0);
  await clock.advance(2000);
  await stop();
  assert.deepEqual(passes, ['at 0: 64 leases', 'at 450: 65 leases', 'at 1250: 1 leases']);
});

test('rests for as long as a look at the packet filter took, alone or with a few leases', async () => {
  const { loop, clock, passes, stop } = begin(async (changed, time, signal) => {
    await time.sleep(400, signal);
    return { ...WELL, scope: changed === 'all' ? 'all' : changed.size - (changed.has(FIREWALL) ? 1 : 0) };
  });
  loop.wake(new Set([FIREWALL] as const));
  await clock.advance(0);
  await clock.advance(100);
  loop.wake(new Set([FIREWALL, key(1)] as const));
  await clock.advance(1000);
  loop.wake(new Set([key(2)]));
  await clock.advance(0);
  await clock.advance(2000);
  await stop();
  assert.deepEqual(passes, ['at 0: 1 leases', 'at 800: 2 leases', 'at 1600: 1 leases']);
});

test('a wake for everything swallows those for a few', async () => {
  const { loop, clock, passes, stop } = begin();
  loop.wake(new Set([key(1)]));
  loop.wake('all');
  loop.wake(new Set([key(2)]));
  await clock.advance(0);
  await clock.advance(1000);
  await stop();
  assert.deepEqual(passes, ['at 0: all']);
});

test('a wake while a pass is under way makes another pass', async () => {
  const { loop, clock, passes, stop } = begin(async (_changed, at, signal) => {
    if (passes.length === 1) {
      // Something changes after the pass has looked.
      await at.sleep(20, signal);
      loop.wake(new Set([key(7)]));
      await at.sleep(20, signal);
    }
    return WELL;
  });
  loop.wake('all');
  await clock.advance(0);
  await clock.advance(1000);
  await stop();
  assert.deepEqual(passes, ['at 0: all', 'at 90: 1 leases']);
});

test('rests as long as the pass took, so that a storm of wakes costs half the time at most', async () => {
  const { loop, clock, passes, stop } = begin(async (_changed, at, signal) => {
    loop.wake('all');
    await at.sleep(400, signal);
    return WELL;
  });
  loop.wake('all');
  await clock.advance(0);
  await clock.advance(2000);
  await stop();
  assert.deepEqual(passes, ['at 0: all', 'at 800: all', 'at 1600: all']);
});

test('looks at everything again after a failure, after ever longer pauses, and at the usual pace once it is over', async () => {
  let failing = true;
  const { loop, clock, passes, stop } = begin(
    () => ({ scope: 'all', failed: failing, heldForMs: undefined }),
    10_000_000,
  );
  loop.wake(new Set([key(1)]));
  await clock.advance(0);
  await clock.advance(120_000);
  const attempts = passes.length;
  assert.ok(attempts >= 6 && attempts < 40, `${attempts} passes`);
  assert.ok(passes.slice(1).every((line) => line.endsWith('all')));
  failing = false;
  await clock.advance(31_000);
  const healed = passes.length;
  await clock.advance(1_000_000);
  await stop();
  assert.equal(healed, attempts + 1);
  assert.equal(passes.length, healed);
});

test('a failure does not make others wait', async () => {
  const { loop, clock, passes, stop } = begin((changed) => ({
    scope: scopeOf(changed),
    failed: changed === 'all' || changed.has(key(1)),
    heldForMs: undefined,
  }));
  loop.wake('all');
  await clock.advance(0);
  await clock.advance(60_000);
  passes.length = 0;
  const at = clock.now() - 1_000_000;
  loop.wake(new Set([key(2)]));
  await clock.advance(0);
  await clock.advance(50);
  await stop();
  assert.equal(passes[0], `at ${at}: 1 leases`);
});

test('looks again when a hold ends, and not before', async () => {
  let held: number | undefined = 60_000;
  const { loop, clock, passes, stop } = begin(() => ({ scope: 'all', failed: false, heldForMs: held }));
  loop.wake('all');
  await clock.advance(0);
  await clock.advance(59_999);
  held = undefined;
  await clock.advance(600_000);
  await stop();
  assert.deepEqual(passes, ['at 0: all', 'at 60000: all']);
});

test('a pass over a few leases takes no hold and no resync back', async () => {
  const { loop, clock, passes, stop } = begin((changed) => ({
    scope: scopeOf(changed),
    failed: false,
    heldForMs: changed === 'all' && clock.now() === 1_000_000 ? 60_000 : undefined,
  }));
  loop.wake('all');
  await clock.advance(0);
  await clock.advance(30_000);
  loop.wake(new Set([key(1)]));
  await clock.advance(0);
  await clock.advance(40_000);
  await stop();
  assert.deepEqual(passes, ['at 0: all', 'at 30000: 1 leases', 'at 60000: all']);
});

test('resyncs at its interval, 20 % more or less, each time another', async () => {
  const { loop, clock, passes, stop } = begin(() => WELL, 60_000);
  loop.wake('all');
  await clock.advance(0);
  await clock.advance(600_000);
  await stop();
  const times = passes.map((line) => Number(/at (\d+)/.exec(line)?.[1]));
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  assert.ok(gaps.length >= 8 && gaps.every((gap) => gap >= 48_000 && gap <= 72_000), gaps.join());
  assert.ok(new Set(gaps).size > gaps.length / 2);
});

test('ends with the error when a pass rejects', async () => {
  const clock = new ManualClock();
  const denied = new WeftError('NOT_PERMITTED', 'no');
  const loop = new Loop({ clock, random: new SeededRandom(1), resyncMs: 1000, pass: () => Promise.reject(denied) });
  loop.wake('all');
  await assert.rejects(loop.run(new AbortController().signal), denied);
});
