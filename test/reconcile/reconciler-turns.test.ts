/** Two who both may write, and are of two opinions: nothing goes back and forth between them, and nothing is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { never } from '../contract/store-world.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import type { Lease } from '../../src/core/lease.ts';
import { readLedger } from '../../src/core/ledger.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { CloudPasses } from '../../src/reconcile/cloud-pass.ts';
import { OwnRoutes } from '../../src/reconcile/own-scope.ts';
import { A, B, pair, rows } from './reconciler-pair.ts';
import { BETWEEN_RUNS, config, destination, instanceOf, ReconcilerWorld } from './reconciler-world.ts';
import { changes } from './world-state.ts';

/** A node that writes its own routes, and holds some of its peers for silent. */
class Owner {
  readonly #world: ReconcilerWorld;
  readonly #number: number;
  readonly #passes: CloudPasses;
  readonly #routes: OwnRoutes;

  constructor(world: ReconcilerWorld, number: number) {
    const { clock, records, cloud } = world;
    this.#world = world;
    this.#number = number;
    this.#passes = new CloudPasses({ cloud: cloud.open('owner'), records, clock, random: new SeededRandom(9) });
    this.#routes = new OwnRoutes(clock);
  }

  async pass(silent: readonly Lease[], leaving = false): Promise<void> {
    const { network, alive, clock, records } = this.#world;
    const lease = alive.get(this.#number);
    assert.ok(lease !== undefined);
    const wish = parseNetworkConfig(network.config?.text ?? '');
    const leases = new Map([...network.leases].map(([key, held]) => [key, held.lease]));
    const scope = this.#routes.scope({
      network: 'vpc-1',
      config: wish,
      view: { leases, expired: new Set(silent.map(({ key }) => key)) },
      generation: 0,
      node: instanceOf(this.#number),
      lease,
      mayWrite: async () => true,
      leaving,
    });
    const ledger = readLedger((await records.list('ledger', never())).records.values());
    await clock.during(this.#passes.pass({ config: wish, ledger, scope, writes: true }, never()));
  }
}

/** Nodes write: `owner` has the route to B, and `sender` alone sends by it. */
async function ownersWorld(): Promise<{ world: ReconcilerWorld; owner: Owner; sender: Lease }> {
  const world = await pair();
  world.configure(config('node'));
  const sender = world.alive.get(3);
  assert.ok(sender !== undefined);
  return { world, owner: new Owner(world, 1), sender };
}

describe('an owner for whom the only sender of a table is silent, and a reconciler for whom it is not yet', () => {
  async function turns(world: ReconcilerWorld, owner: Owner, silent: readonly Lease[], count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      await owner.pass(silent);
      await world.pass(BETWEEN_RUNS);
      await world.run();
    }
  }

  it('do not take turns: what the reconciler puts it takes away, and nobody else', async () => {
    const { world, owner, sender } = await ownersWorld();
    await owner.pass([]);
    assert.deepEqual(changes(world), [`create ${B} eni-1`]);
    world.alive.delete(3);
    await turns(world, owner, [sender], 60);
    const once = [`create ${B} eni-1`, `remove ${B} eni-1`, `create ${B} eni-1`];
    assert.deepEqual(
      changes(world).filter((line) => line.includes(B)),
      once,
    );
    // A day by the runs' own age.
    await turns(world, owner, [sender], 320);
    assert.deepEqual(
      changes(world).filter((line) => line.includes(B)),
      [...once, `remove ${B} eni-1`],
    );
    assert.deepEqual(
      rows(world).filter((line) => line.includes(B)),
      [],
    );
  });

  it('have one who takes it away where there is no reconciler any more: the owner, once he has wanted it himself', async () => {
    const { world, owner, sender } = await ownersWorld();
    await world.runs(2);
    assert.ok(world.cloud.text.includes(`${B} eni-1`));
    await owner.pass([]);
    assert.deepEqual(changes(world), [`create ${A} eni-3`, `create ${B} eni-1`]);
    for (let n = 0; n < 4; n++) {
      await owner.pass([sender]);
      await world.pass(BETWEEN_RUNS);
    }
    assert.deepEqual(world.cloud.text, [`${A} eni-3`]);
  });

  it('keep what stands where the config names no table that is there, but for an owner who leaves', async () => {
    const { world, owner } = await ownersWorld();
    await owner.pass([]);
    world.configure(config('node', { AWS: { RouteTableID: ['rtb-typo'] } }));
    await turns(world, owner, [], 4);
    assert.deepEqual(changes(world), [`create ${B} eni-1`]);
    await owner.pass([], true);
    assert.deepEqual(world.cloud.text, []);
  });

  it('leave nothing behind when the owner leaves', async () => {
    const { world, owner } = await ownersWorld();
    await world.runs(2);
    assert.ok(world.cloud.text.includes(`${B} eni-1`));
    await owner.pass([], true);
    assert.ok(!world.cloud.text.includes(`${B} eni-1`));
  });
});

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
