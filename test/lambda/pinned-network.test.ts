/** A node that somebody has broken into may write the network config, for it stands beside the leases. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { planned } from '../../src/lab/aws/account.ts';
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
