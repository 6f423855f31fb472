import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ledgerRowToJson } from '../../src/core/ledger.ts';
import { WeftError } from '../../src/core/errors.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { CloudCluster, CONFIG, hostLease, results } from './cloud-cluster.ts';

const MINUTE = 60_000;
const three = (): CloudCluster => CloudCluster.three();
const subnet = (number: number) => parseSubnet(`10.42.${number}.0/24`);

describe('a pass over the cloud routes of one host', () => {
  it('puts the own subnet into the tables of senders in other subnets, and no other', async () => {
    const cluster = three();
    await cluster.passAll();
    assert.deepEqual(cluster.cloud.text, [
      'rtb-a 10.42.3.0/24 eni-3',
      'rtb-b 10.42.1.0/24 eni-1',
      'rtb-b 10.42.2.0/24 eni-2',
    ]);
    assert.deepEqual(await cluster.ledger(), [
      'rtb-a 10.42.3.0/24 eni-3 committed epoch 3',
      'rtb-b 10.42.1.0/24 eni-1 committed epoch 1',
      'rtb-b 10.42.2.0/24 eni-2 committed epoch 2',
    ]);
  });

  it('joining costs two looks and one call a table; a second pass reads once and writes nothing anywhere', async () => {
    const cluster = three();
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 created']);
    assert.deepEqual(cluster.cloud.journal, ['look vpc-1', 'create rtb-b 10.42.1.0/24 eni-1', 'look vpc-1']);
    cluster.cloud.journal.length = 0;
    const seq = cluster.network.seq;
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 kept']);
    assert.deepEqual(cluster.cloud.journal, ['look vpc-1']);
    assert.equal(cluster.network.seq, seq);
  });

  it('where direct is not in the list, senders of the same subnet count too', async () => {
    const cluster = three();
    await cluster.pass(1, {}, { ...CONFIG, Weft: { Paths: ['fabric', 'vxlan'] } });
    assert.deepEqual(cluster.cloud.text, ['rtb-a 10.42.1.0/24 eni-1', 'rtb-b 10.42.1.0/24 eni-1']);
  });

  it('writes only the tables that the config names, or that carry the tag, and says which are missing', async () => {
    const cluster = three();
    const named = await cluster.pass(1, {}, { ...CONFIG, Weft: { AWS: { RouteTableID: ['rtb-a', 'rtb-x'] } } });
    assert.deepEqual([cluster.cloud.mutations, named.missing], [[], ['rtb-x']]);
    await cluster.pass(1, {}, { ...CONFIG, Weft: { AWS: { RouteTableTag: 'weft=yes' } } });
    assert.deepEqual(cluster.cloud.mutations, []);
    cluster.cloud.tables.get('rtb-b')?.tags.set('weft', 'yes');
    await cluster.pass(1, {}, { ...CONFIG, Weft: { AWS: { RouteTableTag: 'weft=yes' } } });
    assert.deepEqual(cluster.cloud.text, ['rtb-b 10.42.1.0/24 eni-1']);
  });

  it('adopts the right route that the ledger does not know, without a call that changes anything', async () => {
    const cluster = three();
    cluster.cloud.foreign('rtb-b', subnet(1), 'eni-1');
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 adopted']);
    assert.deepEqual(cluster.cloud.mutations, []);
    assert.deepEqual(await cluster.ledger(), ['rtb-b 10.42.1.0/24 eni-1 committed epoch 1']);
  });

  it('never touches a route that the ledger does not know, and tells the senders why', async () => {
    const cluster = three();
    cluster.cloud.foreign('rtb-b', subnet(1), 'igw-1', false);
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 refused CLOUD_CONFLICT']);
    assert.deepEqual(cluster.cloud.mutations, []);
    assert.deepEqual(await cluster.ledger(), [
      'rtb-b 10.42.1.0/24 eni-1 refused epoch 1 (a route to 10.42.1.0/24 that is not ours leads to igw-1 (a black hole) in rtb-b, and not to eni-1)',
    ]);
    cluster.cloud.tables.get('rtb-b')?.routes.clear();
    await cluster.pass(1);
    assert.deepEqual(await cluster.ledger(), ['rtb-b 10.42.1.0/24 eni-1 committed epoch 1']);
  });

  it('a row by another hand that cannot be read proves nothing: it is overwritten, and the route beside it stays', async () => {
    const cluster = three();
    await cluster.records.put('ledger', 'rtb-b/10.42.1.0/24', { v: 1, target: 'igw-1' }, undefined, never());
    cluster.cloud.foreign('rtb-b', subnet(1), 'igw-1');
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 refused CLOUD_CONFLICT']);
    assert.deepEqual(cluster.cloud.mutations, []);
  });

  it('takes the place of the owner before it in one call, when the ledger names him', async () => {
    const cluster = three();
    await cluster.pass(1);
    cluster.leases.delete(cluster.lease(1).key);
    cluster.join({ number: 1, subnet: 'subnet-a', table: 'rtb-a', epoch: 9, target: 'eni-new' });
    cluster.cloud.journal.length = 0;
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 replaced']);
    assert.deepEqual(cluster.cloud.mutations, ['replace rtb-b 10.42.1.0/24 eni-new']);
    assert.deepEqual(await cluster.ledger(), ['rtb-b 10.42.1.0/24 eni-new committed epoch 9']);
  });

  it('a late call of the owner before it is put right by the next pass', async () => {
    const cluster = three();
    await cluster.pass(1);
    cluster.leases.delete(cluster.lease(1).key);
    cluster.join({ number: 1, subnet: 'subnet-a', table: 'rtb-a', epoch: 9, target: 'eni-new' });
    await cluster.pass(1);
    cluster.cloud.foreign('rtb-b', subnet(1), 'eni-1');
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 replaced']);
    assert.deepEqual(cluster.cloud.text, ['rtb-b 10.42.1.0/24 eni-new']);
  });

  it('a late creation of the owner before it, between look and call, is replaced in the same pass', async () => {
    const cluster = three();
    const old = {
      table: 'rtb-b',
      destination: subnet(1),
      target: 'eni-old',
      epoch: 1,
      node: parseNodeId('node-old'),
      state: 'intent',
      generation: 0,
    } as const;
    await cluster.records.put('ledger', 'rtb-b/10.42.1.0/24', ledgerRowToJson(old), undefined, never());
    cluster.cloud.before = (call) => {
      if (call === 'create' && cluster.cloud.text.length === 0) cluster.cloud.foreign('rtb-b', subnet(1), 'eni-old');
    };
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 replaced']);
    assert.deepEqual(cluster.cloud.mutations, ['create rtb-b 10.42.1.0/24 eni-1', 'replace rtb-b 10.42.1.0/24 eni-1']);
  });

  it('an owner with an older epoch writes neither table nor ledger', async () => {
    const cluster = three();
    const old = cluster.lease(1);
    cluster.leases.delete(old.key);
    cluster.join({ number: 1, subnet: 'subnet-a', table: 'rtb-a', epoch: 9, target: 'eni-new' });
    await cluster.pass(1);
    const [ledger, text] = [await cluster.ledger(), cluster.cloud.text];
    cluster.cloud.journal.length = 0;
    const report = await cluster.pass(1, { lease: old });
    assert.deepEqual(results(report), ['rtb-b/10.42.1.0/24 left']);
    assert.deepEqual([await cluster.ledger(), cluster.cloud.text, cluster.cloud.mutations], [ledger, text, []]);
  });

  it('an owner with an older epoch whose ledger is old too finds out before any call', async () => {
    const cluster = three();
    const old = cluster.lease(1);
    cluster.leases.delete(old.key);
    cluster.join({ number: 1, subnet: 'subnet-a', table: 'rtb-a', epoch: 9, target: 'eni-new' });
    await cluster.pass(1);
    cluster.cloud.tables.get('rtb-b')?.routes.clear();
    cluster.cloud.journal.length = 0;
    const report = await cluster.pass(1, { lease: old, ledger: new Map() });
    assert.deepEqual(results(report), ['rtb-b/10.42.1.0/24 left']);
    assert.deepEqual(cluster.cloud.mutations, []);
  });

  it('writes nothing under a generation that another writer has passed, and nothing at all when it may not', async () => {
    const cluster = three();
    await cluster.pass(1, { generation: 2 });
    cluster.cloud.tables.get('rtb-b')?.routes.clear();
    cluster.cloud.journal.length = 0;
    assert.deepEqual(results(await cluster.pass(1, { generation: 1 })), ['rtb-b/10.42.1.0/24 left']);
    assert.deepEqual(results(await cluster.pass(1, { writes: false, generation: 2 })), ['rtb-b/10.42.1.0/24 left']);
    assert.deepEqual(cluster.cloud.mutations, []);
  });

  it('the loss of the ledger costs no call: what stands right is adopted', async () => {
    const cluster = three();
    await cluster.passAll();
    cluster.network.records.clear();
    cluster.cloud.journal.length = 0;
    await cluster.passAll();
    assert.deepEqual([cluster.cloud.mutations, (await cluster.ledger()).length], [[], 3]);
  });

  it('removes its own route where nobody sends any more, five minutes after it was first seen', async () => {
    const cluster = three();
    await cluster.pass(1);
    cluster.leases.delete(cluster.lease(3).key);
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 waiting']);
    await cluster.clock.advance(4 * MINUTE);
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 waiting']);
    await cluster.clock.advance(2 * MINUTE);
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 removed']);
    assert.deepEqual([cluster.cloud.text, await cluster.ledger()], [[], []]);
  });

  it("removes the route to the subnet it had, unless that is another node's now or the route leads elsewhere", async () => {
    const cluster = three();
    await cluster.pass(1);
    const old = cluster.lease(1);
    cluster.leases.delete(old.key);
    const renumbered = { ...hostLease({ number: 7, subnet: 'subnet-a', table: 'rtb-a', target: 'eni-1' }) };
    const lease = { ...renumbered, attributes: old.attributes };
    const pass = async () => results(await cluster.pass(1, { lease }));
    assert.deepEqual(await pass(), ['rtb-b/10.42.1.0/24 waiting', 'rtb-b/10.42.7.0/24 created']);
    cluster.join({ number: 1, subnet: 'subnet-a', table: 'rtb-a', epoch: 9, target: 'eni-new' });
    await cluster.clock.advance(6 * MINUTE);
    assert.deepEqual(await pass(), ['rtb-b/10.42.7.0/24 kept']);
    cluster.leases.delete(cluster.lease(1).key);
    cluster.cloud.foreign('rtb-b', subnet(1), 'eni-hand');
    assert.deepEqual(await pass(), ['rtb-b/10.42.1.0/24 forgotten', 'rtb-b/10.42.7.0/24 kept']);
    assert.deepEqual(cluster.cloud.text, ['rtb-b 10.42.1.0/24 eni-hand', 'rtb-b 10.42.7.0/24 eni-1']);
  });
});

describe('a pass over the cloud routes when calls go wrong', () => {
  it('a full table is a refused row with its reason, and the next pass tries again with one call and no row', async () => {
    const cluster = three();
    Object.assign(cluster.cloud.tables.get('rtb-b') ?? {}, { quota: 0 });
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 refused ROUTE_TABLE_FULL']);
    assert.deepEqual(await cluster.ledger(), ['rtb-b 10.42.1.0/24 eni-1 refused epoch 1 (rtb-b holds no more routes)']);
    const seq = cluster.network.seq;
    cluster.cloud.journal.length = 0;
    await cluster.pass(1);
    assert.deepEqual(cluster.cloud.journal, ['look vpc-1', 'create rtb-b 10.42.1.0/24 eni-1']);
    assert.equal(cluster.network.seq, seq);
    Object.assign(cluster.cloud.tables.get('rtb-b') ?? {}, { quota: 5 });
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 created']);
    assert.deepEqual(await cluster.ledger(), ['rtb-b 10.42.1.0/24 eni-1 committed epoch 1']);
  });

  it('throttled calls are made again after pauses, and given up for this pass after four', async () => {
    const cluster = three();
    let left = 2;
    cluster.cloud.before = (call) => {
      if (call === 'create' && left-- > 0) throw new WeftError('CLOUD_THROTTLED', 'too many calls');
    };
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 created']);
    left = Infinity;
    cluster.cloud.journal.length = 0;
    assert.deepEqual(results(await cluster.pass(2)), ['rtb-b/10.42.2.0/24 refused CLOUD_THROTTLED']);
    assert.equal(cluster.cloud.mutations.length, 4);
  });

  it('asks for the right to write before each attempt, and makes no call once it is gone', async () => {
    const cluster = three();
    let right = 3;
    cluster.cloud.before = (call) => {
      if (call === 'create') throw new WeftError('CLOUD_THROTTLED', 'too many calls');
    };
    const report = await cluster.pass(1, { mayWrite: async () => right-- > 0 });
    assert.deepEqual([results(report), cluster.cloud.mutations.length], [['rtb-b/10.42.1.0/24 held'], 2]);
    cluster.cloud.journal.length = 0;
    await cluster.pass(2, { mayWrite: async () => false });
    assert.deepEqual([cluster.cloud.mutations, (await cluster.ledger()).length], [[], 1]);
  });

  it('a denial is written down with its reason, once', async () => {
    const cluster = three();
    cluster.cloud.before = (call) => {
      if (call === 'create') throw new WeftError('CLOUD_DENIED', 'no right to ec2:CreateRoute');
    };
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 refused CLOUD_DENIED']);
    assert.deepEqual(await cluster.ledger(), [
      'rtb-b 10.42.1.0/24 eni-1 refused epoch 1 (no right to ec2:CreateRoute)',
    ]);
  });

  it('delayed visibility is waited for, without a second call', async () => {
    const cluster = three();
    cluster.cloud.lagMs = 2000;
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 created']);
    assert.deepEqual(cluster.cloud.mutations, ['create rtb-b 10.42.1.0/24 eni-1']);
  });

  it('what is not visible within the pass is committed by a later one', async () => {
    const cluster = three();
    cluster.cloud.lagMs = 5 * MINUTE;
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 unconfirmed']);
    await cluster.clock.advance(6 * MINUTE);
    assert.deepEqual(results(await cluster.pass(1)), ['rtb-b/10.42.1.0/24 adopted']);
    assert.deepEqual(cluster.cloud.mutations, ['create rtb-b 10.42.1.0/24 eni-1']);
  });

  it('a crash after any write is continued by the next pass, with each route created once', async () => {
    for (let crashAt = 0; crashAt < 6; crashAt++) {
      const cluster = three();
      let steps = crashAt;
      const crash = (): void => {
        if (steps-- === 0) throw new Error('crash');
      };
      cluster.network.after = (call) => call === 'put' && crash();
      cluster.cloud.after = crash;
      await cluster.pass(1).catch(() => undefined);
      cluster.network.after = () => undefined;
      cluster.cloud.after = () => undefined;
      await cluster.pass(1);
      assert.deepEqual(cluster.cloud.text, ['rtb-b 10.42.1.0/24 eni-1'], `crash ${crashAt}`);
      assert.deepEqual(await cluster.ledger(), ['rtb-b 10.42.1.0/24 eni-1 committed epoch 1'], `crash ${crashAt}`);
      assert.equal(cluster.cloud.mutations.length, 1, `crash ${crashAt}`);
    }
  });

  it('a failed look rejects the pass, and nothing was written', async () => {
    const cluster = three();
    cluster.cloud.before = (call) => {
      if (call === 'look') throw new WeftError('CLOUD_UNREACHABLE', 'away');
    };
    await assert.rejects(cluster.pass(1), { code: 'CLOUD_UNREACHABLE' });
    assert.deepEqual([cluster.cloud.mutations, await cluster.ledger()], [[], []]);
  });
});
