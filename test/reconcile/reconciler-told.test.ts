/** Senders are told by the ledger before a route goes that they may use: they have the time from one run to the next to leave it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { A, pair, result, rows } from './reconciler-pair.ts';
import { config, type ReconcilerWorld } from './reconciler-world.ts';

/** The config names the table no more; the next run finds that the route has waited for long enough. */
async function due(): Promise<ReconcilerWorld> {
  const world = await pair();
  await world.run();
  world.configure(config('reconciler', { AWS: { RouteTableID: ['rtb-b'] } }));
  for (let n = 0; n < 10; n++) {
    const dry = await world.run(world.process(), { dryRun: true });
    if (/next run/.test(result(dry, 'rtb-a', 3).join(' '))) return world;
    await world.runs(1);
  }
  assert.fail('it is never due');
}

describe('a route whose senders were told of its end in this run', () => {
  it('stands until the next one, whatever else there is to write', async () => {
    const world = await due();
    // So the run looks and writes again.
    await world.join(5, { subnet: 'subnet-a' });
    await world.run();
    assert.ok(world.cloud.text.includes(`${A} eni-3`), world.cloud.text.join());
    assert.equal(rows(world)[0], `${A} eni-3 refused`);
    await world.runs(1);
    assert.ok(!world.cloud.text.includes(`${A} eni-3`));
  });

  it('stands until the clock comes again: an event may wake the next run a second later', async () => {
    const world = await due();
    await world.run();
    await world.run(world.process(), { why: 'change' });
    await world.run(world.process(), { why: 'event' });
    assert.ok(world.cloud.text.includes(`${A} eni-3`), world.cloud.text.join());
    await world.runs(1);
    assert.ok(!world.cloud.text.includes(`${A} eni-3`));
  });
});
