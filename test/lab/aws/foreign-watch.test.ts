import assert from 'node:assert/strict';
import { CreateRouteCommand, DeleteRouteCommand, ReplaceRouteCommand } from '@aws-sdk/client-ec2';
import { test } from 'node:test';
import { AccountFixture, ids, outcome } from './account-fixture.ts';
import { ForeignWatch } from './foreign-watch.ts';

test('the watch over foreign routes sees each call that names one, with or without effect, and no other', async () => {
  const account = await AccountFixture.start();
  try {
    const watch = new ForeignWatch(account.cloud);
    const client = account.client();
    const route = (number: number, target = ids.a1) => ({
      RouteTableId: ids.tableB,
      DestinationCidrBlock: `10.42.${number}.0/24`,
      NetworkInterfaceId: target,
    });
    const hand = (number: number): Promise<unknown> =>
      account.control('POST', 'do', {
        op: 'put-route',
        table: 'table-b',
        destination: `10.42.${number}.0/24`,
        instance: 'b1',
      });
    assert.equal(await outcome(client.send(new CreateRouteCommand(route(1)))), 'ok');
    assert.equal(await outcome(client.send(new ReplaceRouteCommand(route(1, ids.a2)))), 'ok');
    assert.equal(await outcome(client.send(new DeleteRouteCommand(route(1)))), 'ok');
    watch.assertNone();
    for (const number of [2, 3, 4]) await hand(number);
    assert.equal(await outcome(client.send(new CreateRouteCommand(route(2)))), 'RouteAlreadyExists');
    assert.equal(await outcome(client.send(new ReplaceRouteCommand(route(3)))), 'ok');
    assert.equal(await outcome(client.send(new DeleteRouteCommand(route(4)))), 'ok');
    assert.deepEqual(
      watch.touched.map((line) => /(\w+Route) .*(10\.42\.\d)/.exec(line)?.slice(1).join(' ')),
      ['CreateRoute 10.42.2', 'ReplaceRoute 10.42.3', 'DeleteRoute 10.42.4'],
    );
    assert.throws(() => watch.assertNone(), /ReplaceRoute/);
  } finally {
    await account.close();
  }
});
