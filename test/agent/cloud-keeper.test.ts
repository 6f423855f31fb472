import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { WeftError } from '../../src/core/errors.ts';
import type { Lease } from '../../src/core/lease.ts';
import { ROUTE_WRITER_KEY } from '../../src/core/route-writer.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { hostLease } from '../reconcile/cloud-cluster.ts';
import { World } from './cloud-keeper-world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RECONCILER = { Network: '10.42.0.0/16', Backend: { Type: 'auto' }, Weft: { RouteWriter: 'reconciler' } };
const CREATE = 'create rtb-b 10.42.1.0/24 eni-1';

describe('the keeper of cloud routes', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.end());
  const messages = (): string[] => world.findings.of('cloud').map(({ code, message }) => `${code} ${message}`);

  it('joins with five calls and one a table, and tells who it is and by which table it sends', async () => {
    world.start();
    await world.pass();
    assert.deepEqual(world.calls(), ['identify 10.0.1.1', 'prepare eni-1', 'look vpc-1', CREATE, 'look vpc-1']);
    assert.equal(world.keeper.facts?.table, 'rtb-a');
    assert.deepEqual(messages(), []);
    assert.ok(world.changes > 0);
  });

  it('what comes up before it reads the tables makes no look of its own', async () => {
    world.cloud.before = (call) => {
      if (call === 'prepare') world.keeper.see();
    };
    world.start();
    await world.pass(MINUTE);
    assert.deepEqual(world.calls(), ['identify 10.0.1.1', 'prepare eni-1', 'look vpc-1', CREATE, 'look vpc-1']);
  });

  it('a restart with everything right changes nothing, and knows its table and the rows before it looks', async () => {
    world.start();
    await world.pass();
    world.calls();
    const before = world.network.seq;
    world.keeper = world.make({ table: 'rtb-a' });
    world.start();
    await world.pass();
    assert.deepEqual(world.calls(), ['identify 10.0.1.1', 'look vpc-1']);
    assert.equal(world.network.seq, before);
  });

  it('idle, makes at most 15 calls of the API an hour', async () => {
    world.start();
    await world.pass();
    world.calls();
    await world.pass(4 * HOUR);
    const looks = world.calls().filter((line) => line.startsWith('look'));
    // Each look reads the interface too.
    assert.ok(looks.length * 2 <= 60 && looks.length >= 12, `${looks.length}`);
  });

  it('in a large cluster looks come the more seldom', async () => {
    world.leases = [
      ...world.leases,
      ...Array.from({ length: 2000 }, (_, index) => ({
        ...hostLease({ number: 3, subnet: 'subnet-a', table: 'rtb-a' }),
        key: `k${index}` as Lease['key'],
      })),
    ];
    world.start();
    await world.pass();
    world.calls();
    await world.pass(90 * MINUTE);
    assert.equal(world.calls().filter((line) => line.startsWith('look')).length, 0);
  });

  it('writes its route when a sender comes with another table, and makes no call for other news', async () => {
    world.start();
    await world.pass();
    world.calls();
    world.join({ number: 4, subnet: 'subnet-b', table: 'rtb-b' });
    world.join({ number: 5, subnet: 'subnet-a', table: 'rtb-a' });
    await world.pass(5000);
    assert.deepEqual(world.calls(), []);
    world.join({ number: 6, subnet: 'subnet-c', table: 'rtb-main' });
    await world.pass(5000);
    assert.deepEqual(
      world.calls().filter((line) => line.startsWith('create')),
      ['create rtb-main 10.42.1.0/24 eni-1'],
    );
  });

  it('looks when a table is named that was not there before, once', async () => {
    world.start();
    await world.pass();
    world.calls();
    world.cloud.addTable('rtb-new', { subnets: ['subnet-n'] });
    world.join({ number: 7, subnet: 'subnet-n', table: 'rtb-new' });
    await world.pass(5000);
    assert.deepEqual(
      world.calls().filter((line) => line.startsWith('create')),
      ['create rtb-new 10.42.1.0/24 eni-1'],
    );
    world.join({ number: 8, subnet: 'subnet-x', table: 'rtb-lie' });
    await world.pass(10 * MINUTE);
    const looks = world.calls().filter((line) => line.startsWith('look'));
    assert.ok(looks.length >= 1 && looks.length <= 8, `${looks.length}`);
  });

  it('full, denied and throttled are findings that say what is the matter, tried again with growing pauses', async () => {
    let code: 'ROUTE_TABLE_FULL' | 'CLOUD_DENIED' | undefined = 'CLOUD_DENIED';
    world.cloud.before = (call) => {
      if (call === 'create' && code !== undefined) throw new WeftError(code, 'the words of the cloud');
    };
    world.start();
    await world.pass(HOUR);
    assert.deepEqual(messages(), ['CLOUD_DENIED no cloud route 10.42.1.0/24 in rtb-b: the words of the cloud']);
    const creates = world.calls().filter((line) => line === CREATE).length;
    assert.ok(creates >= 4 && creates <= 15, `${creates}`);
    code = undefined;
    await world.pass(30 * MINUTE);
    assert.deepEqual([messages(), world.cloud.text], [[], ['rtb-b 10.42.1.0/24 eni-1']]);
  });

  it('a slot that comes free in a full table is tried for soon, as is everything when a person asks', async () => {
    const table = world.cloud.tables.get('rtb-b');
    assert.ok(table !== undefined);
    table.quota = 1;
    world.cloud.foreign('rtb-b', parseSubnet('10.42.9.0/24'), 'eni-9');
    const row = {
      v: 1,
      table: 'rtb-b',
      destination: '10.42.9.0/24',
      target: 'eni-9',
      epoch: 9,
      node: 'node-9',
      state: 'committed',
      generation: 0,
    };
    await world.records.put('ledger', 'rtb-b/10.42.9.0/24', row, undefined, never());
    world.start();
    await world.pass(2 * HOUR);
    assert.equal(messages().length, 1);
    table.routes.clear();
    await world.records.remove('ledger', 'rtb-b/10.42.9.0/24', undefined, never());
    await world.pass(15_000);
    assert.deepEqual(world.cloud.text, ['rtb-b 10.42.1.0/24 eni-1']);
    table.routes.clear();
    world.keeper.wake();
    await world.pass(1000);
    assert.deepEqual(world.cloud.text, ['rtb-b 10.42.1.0/24 eni-1']);
  });

  it('puts rows back that were lost from the ledger, without a call that changes anything', async () => {
    world.start();
    await world.pass(MINUTE);
    world.calls();
    await world.records.remove('ledger', 'rtb-b/10.42.1.0/24', undefined, never());
    await world.pass(MINUTE);
    assert.deepEqual([world.cloud.mutations, (await world.records.list('ledger', never())).records.size], [[], 1]);
  });

  it('an interface that was swapped takes the routes over, and forwards', async () => {
    world.start();
    await world.pass();
    world.self('eni-new');
    await world.pass(20 * MINUTE);
    assert.deepEqual(
      [world.cloud.text, world.keeper.facts?.identity.target, world.cloud.forwarding.has('eni-new')],
      [['rtb-b 10.42.1.0/24 eni-new'], 'eni-new', true],
    );
    assert.ok(world.log.text.some((line) => line.includes('cloud interface of this host is another')));
  });

  it('another main table, and another association, are noticed at the next look', async () => {
    world.start();
    await world.pass();
    world.cloud.tables.get('rtb-a')?.subnets.splice(0);
    await world.pass(20 * MINUTE);
    assert.equal(world.keeper.facts?.table, 'rtb-main');
    Object.assign(world.cloud.tables.get('rtb-main') ?? {}, { main: false });
    Object.assign(world.cloud.tables.get('rtb-b') ?? {}, { main: true });
    await world.pass(20 * MINUTE);
    assert.equal(world.keeper.facts?.table, 'rtb-b');
  });

  it('says which tables are missing or not allowed, and that the network has come to overlap', async () => {
    world.config = {
      Network: '10.42.0.0/16',
      Backend: { Type: 'auto' },
      Weft: { AWS: { RouteTableID: ['rtb-b', 'rtb-x'] } },
    };
    world.start();
    await world.pass();
    assert.deepEqual(
      messages().map((line) => line.slice(0, 60)),
      [
        "CLOUD_NOT_FOUND this host's subnet uses route table rtb-a, w",
        'CLOUD_NOT_FOUND there is no route table rtb-x in vpc-1 that ',
      ],
    );
    assert.match(world.keeper.facts?.trouble ?? '', /add it to Weft\.AWS\.RouteTableID/);
    world.self('eni-1', ['10.0.0.0/16', '10.42.128.0/20']);
    await world.pass(20 * MINUTE);
    assert.ok(messages().includes('NETWORK_OVERLAP Network 10.42.0.0/16 overlaps 10.42.128.0/20, a range of vpc-1'));
  });

  it('writes nothing when the lease is not its own for sure, or the reconciler writes', async () => {
    world.mayWrite = false;
    world.start();
    await world.pass(MINUTE);
    assert.deepEqual(world.cloud.mutations, ['prepare eni-1']);
    world.mayWrite = true;
    world.config = RECONCILER;
    await world.records.put('writer', ROUTE_WRITER_KEY, { mode: 'reconciler', generation: 3 }, undefined, never());
    await world.pass(30 * MINUTE);
    assert.deepEqual(world.cloud.mutations, ['prepare eni-1']);
    await world.records.put('writer', ROUTE_WRITER_KEY, { mode: 'node', generation: 4 }, undefined, never());
    await world.pass(30 * MINUTE);
    assert.deepEqual(world.cloud.mutations, ['prepare eni-1', CREATE]);
  });

  it('a cloud that cannot be looked at, and a metadata server that is gone, are findings; the facts stay', async () => {
    world.start();
    await world.pass();
    world.cloud.before = async (call) => {
      if (call === 'look') throw new WeftError('CLOUD_UNREACHABLE', 'away');
      if (call === 'identify') await new Promise(() => undefined);
    };
    await world.pass(30 * MINUTE);
    assert.deepEqual([world.keeper.facts?.table, messages()], ['rtb-a', ['CLOUD_UNREACHABLE away']]);
  });

  it('a host that does not know its interface at the start finds it later', async () => {
    world.cloud.selves.clear();
    world.keeper = world.make({ self: undefined });
    world.start();
    await world.pass();
    assert.deepEqual(
      [world.keeper.facts, messages()],
      [undefined, ['CLOUD_NOT_FOUND no interface has the address 10.0.1.1']],
    );
    world.self('eni-1');
    await world.pass(5 * MINUTE);
    assert.deepEqual([world.keeper.facts?.identity.target, world.cloud.text], ['eni-1', ['rtb-b 10.42.1.0/24 eni-1']]);
  });

  it('leaves no route behind when it is drained, whatever the lease says by then', async () => {
    world.start();
    await world.pass();
    await world.end();
    world.mayWrite = false;
    world.leases = world.leases.slice(1);
    await world.clock.during(world.keeper.withdraw(never()));
    assert.deepEqual([world.cloud.text, (await world.records.list('ledger', never())).records.size], [[], 0]);
  });
});
