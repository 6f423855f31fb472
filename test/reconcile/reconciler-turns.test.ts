/** Two who both may write, and are of two opinions: nothing goes back and forth between them, and nothing is lost. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BETWEEN_RUNS, destination, ReconcilerWorld } from './reconciler-world.ts';

it('a reconciler of one VPC forgets no row of a table that another keeps, who is away while the last node there goes', async () => {
  const world = ReconcilerWorld.small();
  world.cloud.addTable('rtb-c', { subnets: ['subnet-c'], network: 'vpc-2' });
  world.cloud.addTable('rtb-d', { subnets: ['subnet-d'], network: 'vpc-2' });
  await world.join(1, { subnet: 'subnet-a' });
  await world.join(5, { subnet: 'subnet-c', network: 'vpc-2' });
  await world.join(6, { subnet: 'subnet-d', network: 'vpc-2' });
  const there = () => world.process({ name: 'there', settings: { networks: ['vpc-2'] } });
  await world.run(there());
  assert.deepEqual(world.cloud.text, [`rtb-c ${destination(6)} eni-6`, `rtb-d ${destination(5)} eni-5`]);
  await world.release(5);
  await world.release(6);
  await world.runs(30);
  for (let n = 0; n < 6; n++) {
    await world.run(there());
    await world.pass(BETWEEN_RUNS);
  }
  assert.deepEqual(world.cloud.text, []);
});
