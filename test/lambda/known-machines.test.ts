import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownMachines } from '../../lambda/known-machines.ts';
import { PastEvents } from '../../lambda/past-events.ts';
import { WeftError } from '../../src/core/errors.ts';
import { never, node, wish } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const signal = never();

/** A store in which node 1 has a lease, looked at by machines whose clocks the test moves; and how often it was looked at. */
async function world() {
  const clock = new ManualClock();
  const store = new MemoryStore(new MemoryNetwork(clock), clock, new SeededRandom(1));
  await store.claim(wish(node(1)), signal);
  const time = { now: 0, wall: 0 };
  const seen = { looks: 0 };
  const counted: Pick<MemoryStore, 'watch'> = {
    watch: (...asked) => {
      seen.looks += 1;
      return store.watch(...asked);
    },
  };
  const known = new KnownMachines(counted, { now: () => time.now, wallTime: () => time.wall });
  return { store, known, time, seen };
}

test('a crowd of machines is told apart by one look at the leases', async () => {
  const { known, seen } = await world();
  for (let stranger = 100; stranger < 1100; stranger++) assert.equal(await known.has(node(stranger), signal), false);
  assert.equal(await known.has(node(1), signal), true);
  assert.equal(seen.looks, 1);
});

test('a lease that was granted since is seen after a run, and ten seconds later by itself', async () => {
  const { store, known, time } = await world();
  assert.equal(await known.has(node(2), signal), false);
  await store.claim(wish(node(2)), signal);
  assert.equal(await known.has(node(2), signal), false);
  known.forget();
  assert.equal(await known.has(node(2), signal), true);
  await store.claim(wish(node(3)), signal);
  time.now += 10_000;
  assert.equal(await known.has(node(3), signal), true);
});

test('a function that was frozen, or whose clock was set, looks again', async () => {
  const { known, time, seen } = await world();
  await known.has(node(2), signal);
  // What never jumps stood still, with the whole machine.
  time.wall += 3_600_000;
  await known.has(node(2), signal);
  time.wall -= 7_200_000;
  await known.has(node(2), signal);
  assert.equal(seen.looks, 3);
});

test('a look that failed says nothing, and the next one is made anew', async () => {
  const { store } = await world();
  const failing = new WeftError('STORE_UNREACHABLE', 'away');
  let away = true;
  const known = new KnownMachines(
    {
      async *watch(until, onTrouble) {
        if (away) onTrouble?.(failing);
        else yield* store.watch(until, onTrouble);
      },
    },
    { now: () => 0, wallTime: () => 0 },
  );
  await assert.rejects(known.has(node(1), signal), failing);
  away = false;
  assert.equal(await known.has(node(1), signal), true);
});

test('what happened a minute before a whole run began, that run has seen', () => {
  const at = (seconds: number): object => ({ time: new Date(seconds * 1000).toISOString() });
  let wallMs = 1_000_000;
  const past = new PastEvents({ wallTime: () => wallMs });
  assert.equal(past.has(at(0)), false);
  const isPast = past.runBegins();
  wallMs += 300_000;
  assert.equal(past.has(at(0)), false, 'it has not ended');
  isPast();
  assert.equal(past.has(at(940)), true);
  assert.equal(past.has(at(941)), false, 'EC2 may have shown it late');
  for (const event of [{}, { time: 'soon' }, { time: 7 }, 'x', undefined]) assert.equal(past.has(event), false);
});
