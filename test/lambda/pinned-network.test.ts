/** A node that somebody has broken into may write the network config, for it stands beside the leases. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { PinnedNetwork } from '../../lambda/pinned-network.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { never } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { whyNoLambda } from './lambda-world.ts';
import { configRow, leaseRowOf } from './node-rows.ts';
import { RunningFunction, SCHEDULE } from './running-function.ts';
import { CONFIG, NODES, routesFor, TABLES } from './small-cluster.ts';

/** Of an office behind a VPN, say. */
const FOREIGN = '192.168';

describe('the network config, in the hands of a node', { skip: whyNoLambda() ?? false }, () => {
  let running: RunningFunction;
  afterEach(() => running.close());

  /** All leases are moved into another network, which their rows and the config say together. */
  const hijack = async (): Promise<void> => {
    const moved = NODES.map((node) => ({
      ...node,
      lease: node.lease.replace('10.42', FOREIGN),
      epoch: node.epoch + 100,
    }));
    await running.world.writeRows([configRow({ ...CONFIG, Network: `${FOREIGN}.0.0/16` }), ...moved.map(leaseRowOf)]);
  };
  const foreign = (): readonly string[] => running.world.routes(TABLES.b).filter((route) => route.startsWith(FOREIGN));

  it('steers whatever it names, where the function is given no range', async () => {
    running = await RunningFunction.start(NODES);
    await running.ask(SCHEDULE);
    await hijack();
    await running.ask(SCHEDULE);
    assert.ok(foreign().includes(`${FOREIGN}.1.0/24 ${planned.interface('a1')}`));
  });

  it('steers nothing outside the range that the function is given: it says so, and touches no route', async () => {
    running = await RunningFunction.start(NODES, { environment: { WEFT_WITHIN: '10.42.0.0/16' } });
    assert.equal((await running.ask(SCHEDULE))['how'], 'done');
    await hijack();
    running.world.changes();
    const answer = await running.ask(SCHEDULE);
    assert.equal(answer['how'], 'failed');
    assert.match(JSON.stringify(answer['error']), /CONFIG_INVALID.*192\.168\.0\.0\/16.*lies outside 10\.42\.0\.0\/16/);
    assert.deepEqual(running.world.changes(), []);
    assert.deepEqual(foreign(), []);
    assert.equal(running.metrics()['Errors'], 1);
    await running.world.writeRows([configRow({ ...CONFIG, Network: '10.42.0.0/17' }), ...NODES.map(leaseRowOf)]);
    assert.equal((await running.ask(SCHEDULE))['how'], 'done');
    assert.deepEqual(running.world.routes(TABLES.b), routesFor('b', NODES));
  });
});

describe('a store whose network is pinned', () => {
  const signal = never();
  const clock = new ManualClock();
  const store = new MemoryStore(new MemoryNetwork(clock), clock, new SeededRandom(1));
  const pinned = new PinnedNetwork(store, parseSubnet('10.0.0.0/8'));
  const first = async (): Promise<unknown> => {
    for await (const { view } of pinned.watch(signal)) return view.config?.text;
    return 'no view';
  };

  it('shows a config that lies within it, none at all, and what others have to complain of', async () => {
    assert.equal(await pinned.config(signal), undefined);
    assert.equal(await first(), undefined);
    for (const text of ['{"Network":"10.0.0.0/8"}', '{"Network":"10.9.0.0/16"}', '{']) {
      await store.writeConfig(text, undefined, signal);
      assert.equal((await pinned.config(signal))?.text, text);
      assert.equal(await first(), text);
    }
  });

  it('shows none that is wider, or elsewhere', async () => {
    for (const network of ['0.0.0.0/1', '11.0.0.0/16', '10.0.0.0/7']) {
      await store.writeConfig(JSON.stringify({ Network: network }), undefined, signal);
      await assert.rejects(pinned.config(signal), { code: 'CONFIG_INVALID' });
      await assert.rejects(first(), { code: 'CONFIG_INVALID' });
    }
  });
});
