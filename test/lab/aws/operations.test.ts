import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { CreateRouteCommand, DescribeRouteTablesCommand } from '@aws-sdk/client-ec2';
import { matches } from '../../../src/lab/aws/permissions.ts';
import { AccountFixture, ids, outcome } from './account-fixture.ts';

describe('what another hand does to the emulated account', () => {
  let account: AccountFixture;
  beforeEach(async () => {
    account = await AccountFixture.start();
  });
  afterEach(() => account.close());

  const act = (op: string, order: object = {}): Promise<unknown> => account.control('POST', 'do', { op, ...order });
  /** Lines of the state that are about this. */
  const lines = async (about: string): Promise<readonly string[]> => {
    const state = (await account.control('GET', 'state')) as readonly string[];
    return state.filter((line) => line.includes(about));
  };
  const create = (destination: string): Promise<string> => {
    const route = { RouteTableId: ids.tableB, DestinationCidrBlock: destination, NetworkInterfaceId: ids.a1 };
    return outcome(account.client().send(new CreateRouteCommand(route)));
  };

  it('a route appears, leads elsewhere and goes, without a call in the journal', async () => {
    const route = { table: 'table-b', destination: '10.42.7.0/24' };
    await act('put-route', { ...route, instance: 'a1' });
    assert.deepEqual(await lines('10.42.7.0/24'), [`route ${ids.tableB} 10.42.7.0/24 ${ids.a1} active CreateRoute`]);
    await act('put-route', { ...route, instance: 'b1' });
    assert.deepEqual(await lines('10.42.7.0/24'), [`route ${ids.tableB} 10.42.7.0/24 ${ids.b1} active CreateRoute`]);
    await act('remove-route', route);
    assert.deepEqual(await lines('10.42.7.0/24'), []);
    assert.deepEqual(account.cloud.journal.entries, []);
  });

  it('a table has room for so many more routes, whatever stands there', async () => {
    await act('quota', { table: 'table-b', free: 2 });
    const codes = [await create('10.42.1.0/24'), await create('10.42.2.0/24'), await create('10.42.3.0/24')];
    assert.deepEqual(codes, ['ok', 'ok', 'RouteLimitExceeded']);
  });

  it('the source/destination check is switched back on', async () => {
    await act('check', { instance: 'a1', on: false });
    assert.match((await lines(`interface ${ids.a1}`)).join(), /check off/);
    await act('check', { instance: 'a1', on: true });
    assert.match((await lines(`interface ${ids.a1}`)).join(), /check on/);
  });

  it('others use up the account’s tokens of an action', async () => {
    await act('drain', { action: 'CreateRoute' });
    assert.equal(await create('10.42.1.0/24'), 'RequestLimitExceeded');
    await account.clock.advance(200);
    assert.equal(await create('10.42.1.0/24'), 'ok');
  });

  it('a table vanishes', async () => {
    await act('lose-table', { table: 'table-b' });
    assert.equal(await create('10.42.1.0/24'), 'InvalidRouteTableID.NotFound');
  });

  it('CLOUD 1.2: black holes are found by the state of a route', async () => {
    await create('10.42.1.0/24');
    await act('terminate', { instance: 'a1' });
    await account.clock.advance(30_000);
    const filter = { Filters: [{ Name: 'route.state', Values: ['blackhole'] }] };
    const { RouteTables } = await account.client().send(new DescribeRouteTablesCommand(filter));
    assert.deepEqual(
      RouteTables?.map((it) => it.RouteTableId),
      [ids.tableB],
    );
  });

  it('says what it does not know', async () => {
    assert.match(JSON.stringify(await act('explode')), /no operation \\"explode\\"/);
    assert.match(JSON.stringify(await act('stop', { instance: 'z9' })), /no i is named \\"z9\\"/);
    assert.match(JSON.stringify(await account.control('GET', 'weather')), /no GET weather/);
  });
});

describe('patterns of filters and rules', () => {
  it('take * for anything, ? for one character, and all else as it is', () => {
    const fits = (pattern: string, text: string): boolean => matches(pattern, text);
    assert.deepEqual(
      [fits('Describe*', 'DescribeVpcs'), fits('a?', 'a1'), fits('a?', 'a'), fits('a.c', 'abc'), fits('a\\*', 'a*')],
      [true, true, false, false, true],
    );
    assert.deepEqual([fits('10.42.*/24', '10.42.7.0/24'), fits('[ab]', 'a'), fits('\\*', 'x')], [true, false, false]);
  });
});
