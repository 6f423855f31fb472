import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changing } from '../reconcile/world-state.ts';
import { Fleet } from './fleet.ts';

const STEPS = 40;

async function live(seed: number): Promise<void> {
  const fleet = new Fleet(seed);
  try {
    for (let n = 0; n < 6; n++) await fleet.join();
    fleet.startReconcilers();
    for (const writer of ['node', 'reconciler', undefined] as const) {
      if (writer !== undefined) fleet.configure(writer);
      for (let step = 0; step < STEPS; step++) await fleet.step();
      await fleet.rest();
    }
    // Each cause may change a route of each host in each of two tables: hosts are at most ten, and half of them in the other subnet.
    const calls = changing(fleet.world).length;
    assert.ok(calls <= fleet.causes * 6, `${calls} calls for ${fleet.causes} causes`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`seed ${seed}:\n${fleet.story.slice(-12).join('\n')}\n${why}`, { cause: error });
  } finally {
    await fleet.end();
  }
}

const given = process.env['WEFT_SEED'];
const all = Array.from({ length: Number(process.env['WEFT_SEEDS'] ?? 3) }, (_, at) => at + 1);
for (const seed of given === undefined ? all : [Number(given)])
  test(`agents and reconcilers at once lose no route and come to rest (seed ${seed})`, () => live(seed));
