/** Whoever can write the store can write anything there: no lease and no row may steer others' traffic, or name what is not the network's. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ledgerKey } from '../../src/core/ledger.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import {
  BETWEEN_RUNS,
  destination,
  instanceOf,
  MINUTE,
  ReconcilerWorld,
  targetOf,
  type NodePlan,
} from './reconciler-world.ts';
import { changes, ledgerText } from './world-state.ts';

/** Node 1 in subnet a, node 3 in b, both honest. */
async function honest(): Promise<ReconcilerWorld> {
  const world = ReconcilerWorld.small();
  await world.join(1, { subnet: 'subnet-a' });
  await world.join(3, { subnet: 'subnet-b' });
  return world;
}
const RIGHT = [`rtb-a ${destination(3)} eni-3`, `rtb-b ${destination(1)} eni-1`];

interface Lie {
  readonly what: string;
  readonly plan: NodePlan;
  /** Where there is a machine behind it. */
  readonly machine?: NodePlan;
  /** Of the lease; that of number 20 when absent. */
  readonly key?: string;
}

const here: NodePlan = { subnet: 'subnet-b' };
const LIES: readonly Lie[] = [
  { what: "another's interface", machine: here, plan: { ...here, target: targetOf(3) } },
  { what: 'an interface that is not there', machine: here, plan: { ...here, target: 'eni-99' } },
  { what: 'a gateway as its interface', machine: here, plan: { ...here, target: 'igw-1' } },
  { what: 'a machine that is not there', plan: here },
  { what: 'another cloud', machine: here, plan: { ...here, says: { provider: 'gce' } } },
  { what: 'a network that is not where its interface is', machine: { ...here, network: 'vpc-2' }, plan: here },
  {
    what: 'a network that is not kept here',
    machine: { ...here, network: 'vpc-2' },
    plan: { ...here, network: 'vpc-2' },
  },
  { what: 'a machine without the tag of nodes', machine: { ...here, tags: [['Name', 'web']] }, plan: here },
  { what: 'a prefix outside the Network', machine: here, plan: here, key: '192.168.7.0-24' },
  { what: 'everything', machine: here, plan: here, key: '0.0.0.0-0' },
  { what: 'half of the Network', machine: here, plan: here, key: '10.32.0.0-13' },
  { what: "a part of another's subnet", machine: here, plan: here, key: '10.32.1.128-25' },
  { what: 'a base that is none', machine: here, plan: here, key: '10.32.20.7-24' },
];

describe('leases that lie', () => {
  for (const { what, plan, machine, key = '10.32.20.0-24' } of LIES)
    it(`get no route: ${what}`, async () => {
      const world = await honest();
      if (machine !== undefined) {
        await world.join(20, machine);
        await world.release(20);
        world.network.freed.clear();
      }
      world.lie(key, world.attributes(20, plan));
      const seq = world.network.leases.size + world.network.garbage.size;
      const [first] = await world.runs(3);
      assert.deepEqual(world.cloud.text, RIGHT);
      assert.deepEqual(changes(world).toSorted(), RIGHT.map((line) => `create ${line}`).toSorted());
      // The lease stays whosever it is; a person is told.
      assert.equal(world.network.leases.size + world.network.garbage.size, seq);
      const [base = ''] = key.split('-');
      const told = JSON.stringify([first?.doubted, first?.findings, [...world.network.garbage.keys()]]);
      assert.ok(told.includes(base), told);
    });

  it("do not count as senders: no table is filled for a stranger's sake", async () => {
    const world = await honest();
    world.lie('10.32.20.0-24', world.attributes(20, { subnet: 'subnet-x', table: 'rtb-main', target: 'eni-99' }));
    await world.runs(1);
    assert.deepEqual(world.cloud.text, RIGHT);
  });

  it("of one machine's name do not take another's subnet: the interface decides", async () => {
    const world = await honest();
    await world.runs(1);
    // Node 1's own lease is rewritten by another hand, to lead to node 3.
    const lease = world.alive.get(1);
    assert.ok(lease !== undefined);
    world.alive.delete(1);
    world.lie(lease.key, { ...world.attributes(1, { subnet: 'subnet-b', target: targetOf(3) }) });
    const before = changes(world).length;
    const [report] = await world.runs(1);
    assert.deepEqual(changes(world).slice(before), []);
    assert.deepEqual(
      report?.doubted.map(({ subnet }) => subnet),
      [destination(1)],
    );
  });

  it('of one machine for several subnets: the one that stood first is believed, however many there are', async () => {
    const world = await honest();
    await world.runs(1);
    // Node 3 takes what is node 1's, in its own name, and more.
    world.alive.delete(1);
    const mine = world.attributes(3, { subnet: 'subnet-b' });
    for (const key of ['10.32.1.0-24', '10.32.40.0-24', '10.32.41.0-24']) world.lie(key, mine);
    const before = changes(world).length;
    const [report] = await world.runs(1);
    assert.deepEqual(changes(world).slice(before), []);
    assert.deepEqual(
      report?.doubted.map(({ subnet }) => subnet),
      [destination(1), destination(40), destination(41)],
    );
  });

  it('when the truth comes back it is believed again', async () => {
    const world = await honest();
    world.cloud.machines.machines.get(instanceOf(3))?.tags.clear();
    await world.runs(1);
    assert.deepEqual(world.cloud.text, []);
    world.cloud.machines.machines.get(instanceOf(3))?.tags.set('weft:node', 'yes');
    await world.runs(1);
    assert.deepEqual(world.cloud.text, RIGHT);
  });
});

describe('rows of the ledger by another hand', () => {
  const foreign = [
    ['rtb-a', '0.0.0.0/0', 'igw-1'],
    ['rtb-a', '192.168.0.0/16', 'tgw-1'],
    ['rtb-a', '10.32.0.0/13', 'tgw-1'],
  ] as const;

  it('make nothing ours that is not a subnet of the Network', async () => {
    const world = await honest();
    for (const [table, to, target] of foreign) {
      world.cloud.foreign(table, parseSubnet(to), target);
      await world.row(table, 50, { destination: parseSubnet(to), target });
    }
    await world.runs(7);
    assert.deepEqual(world.cloud.text, [...RIGHT, ...foreign.map((words) => words.join(' '))].toSorted());
    assert.deepEqual(changes(world).length, 2);
  });

  it('that cannot be read prove nothing, and do not stop a run', async () => {
    const world = await honest();
    world.cloud.foreign('rtb-b', destination(1), 'igw-1');
    const garbage = [null, [], 'x', { v: 1 }, { v: 1, table: 'rtb-b', destination: '10.32.1.0/24', target: 'igw-1' }];
    for (const [at, value] of garbage.entries())
      await world.records.put('ledger', ledgerKey('rtb-b', destination(at + 1)), value, undefined, never());
    await world.runs(1);
    assert.deepEqual(world.cloud.text, [`rtb-a ${destination(3)} eni-3`, `rtb-b ${destination(1)} igw-1`]);
    assert.ok(ledgerText(world).some((line) => line.startsWith(`rtb-b ${destination(1)} eni-1 refused`)));
  });

  it('do not make ours what another hand has put in the place of a route of ours', async () => {
    const world = await honest();
    await world.row('rtb-a', 50);
    world.cloud.foreign('rtb-a', destination(50), 'igw-1');
    await world.row('rtb-b', 1, { before: ['eni-old'] });
    world.cloud.foreign('rtb-b', destination(1), 'tgw-1');
    await world.runs(7);
    assert.deepEqual(world.cloud.text, [
      `rtb-a ${destination(3)} eni-3`,
      `rtb-a ${destination(50)} igw-1`,
      `rtb-b ${destination(1)} tgw-1`,
    ]);
    assert.deepEqual(changes(world), [`create rtb-a ${destination(3)} eni-3`]);
  });

  it('with a generation of the future are left alone, and said', async () => {
    const world = await honest();
    await world.stands('rtb-b', 1, { generation: 40 });
    await world.runs(1);
    assert.deepEqual(changes(world), [`create rtb-a ${destination(3)} eni-3`]);
  });
});

describe('black holes that nobody wrote down', () => {
  it('go by a person\u2019s word where they could be a subnet\u2019s route to an interface, and nowhere else', async () => {
    const world = await honest();
    const others = [
      ['10.32.60.0/24', 'pcx-1'],
      ['10.40.0.0/13', 'eni-gone'],
      ['10.33.0.0/25', 'eni-gone'],
    ] as const;
    world.cloud.foreign('rtb-a', destination(50), 'eni-gone', false);
    for (const [to, target] of others) world.cloud.foreign('rtb-a', parseSubnet(to), target, false);
    await world.runs(7);
    assert.equal(world.cloud.text.length, 6);
    await world.run(world.process(), { why: 'person', adopt: true });
    await world.runs(7);
    assert.deepEqual(world.cloud.text, [...RIGHT, ...others.map(([to, target]) => `rtb-a ${to} ${target}`)].toSorted());
  });
});

describe('what a reconciler keeps from run to run, written by another hand', () => {
  for (const kind of ['run', 'waiting', 'leaving', 'expiry', 'budget', 'lock', 'writer', 'audit'] as const)
    it(`${kind}: what cannot be read proves nothing, and does not stop it for ever`, async () => {
      const world = await honest();
      world.cloud.machines.start({ instance: instanceOf(7), target: 'eni-7', subnet: 'subnet-b' });
      await world.stands('rtb-a', 7);
      await world.runs(1);
      const keys = [...(world.network.records.get(kind)?.keys() ?? []), 'reconciler', 'routes', 'state', instanceOf(1)];
      for (const [at, key] of [...new Set(keys)].entries())
        await world.records.put(
          kind,
          key,
          [{ v: 1 }, { ageMs: 1e300, v: 99 }, [7], 'x'][at % 4] ?? null,
          undefined,
          never(),
        );
      await world.clock.advance(MINUTE);
      await world.run();
      assert.deepEqual(world.cloud.text, [...RIGHT, `rtb-a ${destination(7)} eni-7`].toSorted());
      await world.pass(BETWEEN_RUNS);
      await world.runs(7);
      assert.deepEqual(world.cloud.text, RIGHT);
    });
});
