import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DescribeInstancesCommand, DescribeRouteTablesCommand } from '@aws-sdk/client-ec2';
import { planned } from '../../../src/lab/aws/account.ts';
import { AccountClock } from '../../../src/lab/aws/account-clock.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { AccountFixture, ids, outcome } from './account-fixture.ts';

const HOUR = 3_600_000;

describe('the clock of an emulated account that is put on', () => {
  let account: AccountFixture;
  beforeEach(async () => {
    account = await AccountFixture.start({ shuttingDownMs: 30_000, blackholeShownMs: 60_000 });
  });
  afterEach(() => account.close());
  const act = (op: string, order: object = {}) => account.control('POST', 'do', { op, ...order });
  const instances = async (Filters?: { Name: string; Values: string[] }[]): Promise<readonly string[]> => {
    const input = Filters === undefined ? {} : { Filters };
    const { Reservations } = await account.client().send(new DescribeInstancesCommand(input));
    return (Reservations ?? []).flatMap(({ Instances }) => (Instances ?? []).map(({ State }) => String(State?.Name)));
  };

  it('lets all that is due happen in its order, each at its own time, while nobody waits', async () => {
    await act('put-route', { table: 'table-b', destination: '10.42.7.0/24', instance: 'a1' });
    await act('terminate', { instance: 'a1' });
    assert.deepEqual(await act('clock', { advance: HOUR / 2 }), { now: '2026-01-01T00:30:00.000Z' });
    const { RouteTables } = await account
      .client()
      .send(new DescribeRouteTablesCommand({ RouteTableIds: [ids.tableB] }));
    const route = RouteTables?.[0]?.Routes?.find((it) => it.DestinationCidrBlock === '10.42.7.0/24');
    assert.equal(route?.State, 'blackhole');
    assert.deepEqual(
      account.cloud.events.since(0).map(({ event }) => `${event.time} ${String(event.detail['state'])}`),
      ['2026-01-01T00:00:00Z shutting-down', '2026-01-01T00:00:30Z terminated'],
    );
    assert.equal(account.clock.now(), 0);
  });

  it('a terminated instance is shown for an hour and then no more; its interface goes at once', async () => {
    await act('terminate', { instance: 'a1' });
    await act('clock', { advance: 30_000 });
    assert.deepEqual((await instances()).toSorted(), ['running', 'running', 'running', 'terminated']);
    assert.equal(account.cloud.state.interfaces.has(ids.a1), false);
    await act('clock', { advance: HOUR - 1 });
    assert.equal((await instances()).length, 4);
    await act('clock', { advance: 1 });
    assert.deepEqual(await instances(), ['running', 'running', 'running']);
    assert.deepEqual(await instances([{ Name: 'instance-id', Values: [planned.instance('a1')] }]), []);
  });

  it('signatures are as old as the account’s clock says, and buckets fill', async () => {
    const client = account.client();
    const look = () => outcome(client.send(new DescribeRouteTablesCommand({})));
    await act('drain', { action: 'DescribeRouteTables' });
    assert.equal(await look(), 'RequestLimitExceeded');
    await act('clock', { advance: 1000 });
    assert.equal(await look(), 'ok');
    await act('clock', { advance: HOUR });
    assert.equal(await look(), 'RequestExpired');
  });

  it('is not set back, and says what it takes', async () => {
    assert.match(JSON.stringify(await act('clock', { advance: -1 })), /expected a number from 0/);
  });

  it('wakes whoever sleeps by it when his time has come, by a jump or by waiting, and not before', async () => {
    const lab = new ManualClock();
    const clock = new AccountClock(lab);
    const woken: string[] = [];
    const sleep = (name: string, ms: number, signal: AbortSignal) =>
      clock.sleep(ms, signal).then(
        () => woken.push(name),
        () => woken.push(`${name} gave up`),
      );
    const giving = new AbortController();
    const { signal } = new AbortController();
    const all = [sleep('first', 100, signal), sleep('second', 200, signal), sleep('third', 300, giving.signal)];
    clock.jump(150);
    await lab.advance(0);
    assert.deepEqual([woken, clock.now()], [['first'], 150]);
    await lab.advance(50);
    assert.deepEqual(woken, ['first', 'second']);
    giving.abort();
    await Promise.all(all);
    assert.deepEqual([woken, clock.now(), lab.asleep], [['first', 'second', 'third gave up'], 200, 0]);
  });
});
