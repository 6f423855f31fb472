/** The table: made, refused, shared, spoiled; and the list of calls. */
import assert from 'node:assert/strict';
import { CreateTableCommand, DescribeTableCommand, DescribeTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { it } from 'node:test';
import { STORE_CALLS, STORE_PERMISSIONS, TABLE_CALLS } from '../../providers/dynamodb/calls.ts';
import { attributes, freshView, HOUR, never, node, rejectsWith, Watcher, wish } from '../contract/store-world.ts';
import { DynamoWorld } from './dynamodb-world.ts';
import { describeOnDynamoDB } from './ground.ts';

const signal = never();
const a = node('a');

describeOnDynamoDB('a DynamoDB table', (ground) => {
  it('is made once, with its stream and its time to live', async () => {
    const { raw, server } = ground();
    const table = `made-${process.pid}`;
    const made = new DynamoWorld(server.endpoint, table, 'default');
    const { clock, create, store } = made.open();
    const error = await rejectsWith('STORE_TABLE_MISSING', store.config(signal));
    assert.match(error.message, new RegExp(`table ${table}`));
    assert.match(String(error.hint), /weftd config set --create-table/);
    assert.equal(await clock.during(create(signal)), true);
    assert.equal(await clock.during(create(signal)), false);
    const { Table } = await raw.send(new DescribeTableCommand({ TableName: table }));
    assert.deepEqual(
      Table?.KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`),
      ['PK HASH', 'SK RANGE'],
    );
    assert.equal(Table?.StreamSpecification?.StreamViewType, 'NEW_AND_OLD_IMAGES');
    assert.equal(Table?.BillingModeSummary?.BillingMode ?? 'PAY_PER_REQUEST', 'PAY_PER_REQUEST');
    const { TimeToLiveDescription } = await raw.send(new DescribeTimeToLiveCommand({ TableName: table }));
    assert.equal(TimeToLiveDescription?.AttributeName, 'ttl');
    assert.equal(await store.config(signal), undefined);
    await made.close();
  });

  it('of another schema is refused, with both named', async () => {
    const { raw, server } = ground();
    const table = `foreign-${process.pid}`;
    await raw.send(
      new CreateTableCommand({
        TableName: table,
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        BillingMode: 'PAY_PER_REQUEST',
      }),
    );
    const foreign = new DynamoWorld(server.endpoint, table, 'default');
    const { clock, create, store, records } = foreign.open();
    const error = await clock.during(rejectsWith('STORE_TABLE_WRONG', create(signal)));
    assert.match(error.message, /id \(HASH, S\).*expected PK \(HASH, S\), SK \(RANGE, S\)/);
    const calls = [
      () => store.config(signal),
      () => store.writeConfig('{}', undefined, signal),
      () => store.claim(wish(a), signal),
      () => records.list('lock', signal),
      () => records.put('lock', 'k', 1, 'absent', signal),
    ];
    for (const call of calls) {
      const wrong = await rejectsWith('STORE_TABLE_WRONG', call());
      assert.match(String(wrong.hint), /partition key "PK" and the sort key "SK"/);
    }
    await foreign.close();
  });

  it('that is missing is a watcher\u2019s trouble until it is made', async () => {
    const { server } = ground();
    const table = `late-${process.pid}`;
    const late = new DynamoWorld(server.endpoint, table, 'default');
    const watcher = new Watcher(late.open());
    const first = watcher.next();
    const { clock, create } = late.open();
    await clock.during(create(signal));
    assert.equal((await first).view.leases.size, 0);
    assert.ok(
      watcher.troubles.every(
        (error) => error === undefined || (error instanceof Error && error.message.includes('no such table')),
      ),
    );
    await watcher.stop();
    await late.close();
  });

  it('holds several networks that know nothing of each other', async () => {
    const { world } = ground();
    const other = await ground().makeWorld();
    await world.open().store.claim(wish(a), signal);
    assert.equal((await freshView(other)).leases.size, 0);
    await other.close();
  });

  it('with a config that cannot be read says which row it is', async () => {
    const { world } = ground();
    await world.writeRow('config', { text: 7 });
    const error = await rejectsWith('STORE_TABLE_WRONG', world.open().store.config(signal));
    assert.match(error.message, /row config .*attribute "text" is no string/);
    const view = await freshView(world);
    assert.deepEqual([view.config, view.skipped.map(({ key }) => key)], [undefined, ['config']]);
  });

  it('with a record that cannot be read lists the others', async () => {
    const { world } = ground();
    const { records } = world.open();
    await records.put('ledger', 'good', 1, undefined, signal);
    await world.writeRow('record#ledger#bad', { value: '{', version: '1', seq: 1 });
    const list = await records.list('ledger', signal);
    assert.deepEqual(
      [[...list.records.keys()], list.skipped],
      [['good'], [{ key: 'bad', why: 'attribute "value" is not JSON' }]],
    );
  });

  it('makes the calls that calls.ts lists, and no others', async () => {
    const { proxy } = ground();
    const table = `calls-${process.pid}`;
    const listed = new DynamoWorld(proxy.endpoint, table, 'default');
    const { clock, create, store, records, writeSnapshot } = listed.open();
    await clock.during(create(signal));
    assert.deepEqual([...new Set(proxy.operations)].toSorted(), Object.keys(TABLE_CALLS).toSorted());

    proxy.calls = [];
    await store.writeConfig('{}', undefined, signal);
    const { lease } = await store.claim(wish(a), signal);
    const adopted = await store.claim(wish(a, { previous: lease.subnet.v4 }), signal);
    const renewed = await store.renew(
      await store.renew(adopted.lease, attributes(a), HOUR, signal),
      attributes(a, 2),
      HOUR,
      signal,
    );
    for (const kind of ['ledger', 'lock'] as const) {
      await records.put(kind, 'k', 1, undefined, signal);
      await records.list(kind, signal);
      await records.remove(kind, 'k', undefined, signal);
    }
    await records.add('n', 1, signal);
    await records.add('n', 0, signal);
    await freshView(listed);
    await store.release(renewed, signal);
    await writeSnapshot(signal);
    assert.deepEqual([...new Set(proxy.operations)].toSorted(), Object.keys(STORE_CALLS).toSorted());
    assert.ok(
      STORE_PERMISSIONS.includes('dynamodb:ConditionCheckItem') &&
        !STORE_PERMISSIONS.some((action) => action.includes('Transact')),
    );
    await listed.close();
  });
});
