/** How much a host asks of EC2: counted in the emulator's journal, of the real SDK. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ids } from '../lab/aws/account-fixture.ts';
import { AwsKeeperWorld, cloudLease } from './aws-keeper-world.ts';

const MINUTE = 60_000;
const MUTATING = /^(Create|Replace|Delete|Modify)/;

describe('EC2 calls of a host', () => {
  let world: AwsKeeperWorld;
  beforeEach(async () => {
    world = await AwsKeeperWorld.start();
  });
  afterEach(() => world.end());

  it('joining makes at most five, and one for each table of its senders', async () => {
    world.leases.push(cloudLease(4, ids.a2, 'c', ids.main));
    world.run();
    await world.pass(MINUTE);
    assert.deepEqual(
      world.account.text(),
      [`${ids.main} 10.42.1.0/24 ${ids.a1}`, `${ids.tableB} 10.42.1.0/24 ${ids.a1}`].toSorted(),
    );
    const calls = world.calls();
    assert.ok(calls.length <= 5 + 2, calls.join());
    assert.equal(calls.filter((call) => MUTATING.test(call)).length, 3, calls.join());
  });

  it('idle, it makes at most 15 in any hour, and none that changes anything', async () => {
    world.run();
    await world.pass(MINUTE);
    world.calls();
    const perMinute: number[] = [];
    for (let minutes = 0; minutes < 300; minutes++) {
      await world.pass(MINUTE);
      const calls = world.calls();
      assert.deepEqual(
        calls.filter((call) => MUTATING.test(call)),
        [],
      );
      perMinute.push(calls.length);
    }
    const hours = perMinute.slice(59).map((_, last) => perMinute.slice(last, last + 60).reduce((sum, n) => sum + n, 0));
    assert.ok(Math.max(...hours) <= 15, `${Math.max(...hours)}`);
    assert.ok(Math.min(...hours) >= 4, 'it does look');
  });

  it('a restart with everything right makes none that changes anything, and two in all', async () => {
    world.run();
    await world.pass(MINUTE);
    world.calls();
    const before = world.network.seq;
    await world.restart();
    await world.pass(MINUTE);
    assert.deepEqual(world.calls(), ['DescribeNetworkInterfaces ok', 'DescribeRouteTables ok']);
    assert.equal(world.network.seq, before, 'nothing is written into the store either');
  });
});
