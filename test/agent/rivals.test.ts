import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Findings } from '../../src/agent/findings.ts';
import { Rivals } from '../../src/agent/rivals.ts';
import type { WeftError } from '../../src/core/errors.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork, unreachable } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const NODE = parseNodeId('node-a');

/** Daemons of one node id on different hosts; the lease is only what each wrote into it last. */
class Clones {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork(this.clock);
  /** Incarnation that the lease names. */
  lease = 0;
  readonly #watchers: ((incarnation: number) => void)[] = [];
  readonly #end = new AbortController();
  /** How each ended, by incarnation. */
  readonly ends = new Map<number, string>();

  start(incarnation: number, ask: boolean): { readonly pause: () => void } {
    const log = new ListLog();
    let paused = false;
    const write = (): void => {
      if (paused || this.ends.has(incarnation)) return;
      this.lease = incarnation;
      for (const watcher of this.#watchers) watcher(incarnation);
    };
    const rivals = new Rivals({
      records: new MemoryRecords(this.network),
      clock: this.clock,
      random: new SeededRandom(incarnation),
      log,
      findings: new Findings(log),
      node: NODE,
      incarnation,
      reassert: write,
      onAlone: () => undefined,
    });
    this.#watchers.push((shown) => {
      if (shown !== incarnation && !paused && !this.ends.has(incarnation)) rivals.see(shown);
    });
    write();
    rivals.run(ask, this.#end.signal).then(
      (why) => this.ends.set(incarnation, `fenced: ${why}`),
      (error: WeftError) => this.ends.set(incarnation, error.code),
    );
    return { pause: () => (paused = true) };
  }

  /** Those who have something to do do it before time goes on. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(0);
    await this.clock.advance(ms);
  }

  /** Wakes a daemon that was paused, by showing it the lease as it is. */
  async show(): Promise<void> {
    for (const watcher of this.#watchers) watcher(this.lease);
    await this.clock.advance(0);
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.clock.advance(0);
  }
}

test('the newer of two live daemons stops, and the lease names the older one again', async () => {
  const clones = new Clones();
  clones.start(5, false);
  clones.start(6, true);
  await clones.pass(30_000);
  assert.deepEqual([...clones.ends], [[6, 'DUPLICATE_NODE_ID']]);
  assert.equal(clones.lease, 5);
  await clones.end();
});

test('a daemon that took a lease over without asking is asked for by the older one, and stops', async () => {
  const clones = new Clones();
  clones.start(5, false);
  clones.start(6, false);
  await clones.pass(60_000);
  assert.deepEqual([...clones.ends], [[6, 'DUPLICATE_NODE_ID']]);
  assert.equal(clones.lease, 5);
  await clones.end();
});

test('nobody answers for a daemon that is dead: the newer one goes on', async () => {
  const clones = new Clones();
  clones.start(5, false).pause();
  clones.start(6, true);
  await clones.pass(120_000);
  assert.deepEqual([...clones.ends], []);
  assert.equal(clones.lease, 6);
  await clones.end();
});

test('an older daemon that wakes up after the question is closed gives way', async () => {
  const clones = new Clones();
  // The old one is paused from the start: a fresh one with its incarnation stands for it when it wakes up.
  clones.start(5, false).pause();
  clones.start(6, true);
  await clones.pass(120_000);
  clones.start(5.5, false);
  await clones.pass(1000);
  assert.match(
    clones.ends.get(5.5) ?? '',
    /^fenced: another daemon with node id node-a \(incarnation 6\) has taken the lease over/,
  );
  assert.equal(clones.ends.has(6), false);
  assert.equal(clones.lease, 6);
  await clones.end();
});

test('of three one stays', async () => {
  const clones = new Clones();
  clones.start(5, false);
  clones.start(6, true);
  clones.start(7, true);
  await clones.pass(120_000);
  assert.deepEqual(
    [...clones.ends].toSorted(([a], [b]) => a - b),
    [
      [6, 'DUPLICATE_NODE_ID'],
      [7, 'DUPLICATE_NODE_ID'],
    ],
  );
  assert.equal(clones.lease, 5);
  await clones.end();
});

test('silence counts only while the store can be asked', async () => {
  const clones = new Clones();
  clones.start(5, false);
  clones.network.before = () => {
    throw unreachable();
  };
  clones.start(6, true);
  await clones.pass(600_000);
  assert.deepEqual([...clones.ends], []);
  clones.network.before = () => undefined;
  await clones.pass(60_000);
  await clones.show();
  await clones.pass(60_000);
  assert.deepEqual([...clones.ends], [[6, 'DUPLICATE_NODE_ID']]);
  await clones.end();
});
