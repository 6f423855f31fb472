import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import {
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { connect } from '../../../providers/dynamodb/client.ts';
import { dynamoDBGate } from '../../../src/lab/aws/dynamodb-gate.ts';
import { DynamoUpstream } from '../../../src/lab/aws/dynamodb-upstream.ts';
import { startDynamoDB, whyNoDynamoDB, type TestDynamoDB } from '../../dynamodb/emulator.ts';
import { worldsIn, type DynamoWorld } from '../../dynamodb/dynamodb-world.ts';
import { node, range, wish } from '../../contract/store-world.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { AccountFixture, outcome, REGION } from './account-fixture.ts';

const MINUTE = 60_000;
const ALL = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' } };

const listening = async (server: Server): Promise<string> => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const ending = async (server: Server): Promise<void> => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
};

describe('the gate before a DynamoDB', { skip: whyNoDynamoDB() ?? false }, () => {
  let dynamo: TestDynamoDB;
  let makeWorld: () => Promise<DynamoWorld>;
  let account: AccountFixture;
  let gate: Server;
  let url: string;
  const open: { destroy(): void }[] = [];
  before(async () => {
    dynamo = await startDynamoDB();
    makeWorld = await worldsIn(dynamo.endpoint, 'gate');
  });
  after(() => dynamo.stop());
  beforeEach(async () => {
    // The account's clock begins now: what an SDK signs is of now.
    account = await AccountFixture.start({}, undefined, new ManualClock());
    account.cloud.settings = { ...account.cloud.settings, clockOffsetMs: Date.now() - account.clock.wallTime() };
    gate = dynamoDBGate(account.cloud, new DynamoUpstream(dynamo.endpoint));
    url = await listening(gate);
  });
  afterEach(async () => {
    for (const client of open.splice(0)) client.destroy();
    await ending(gate);
    await account.close();
  });

  const client = (key: { readonly id: string; readonly secret: string }): DynamoDBClient => {
    const credentials = { accessKeyId: key.id, secretAccessKey: key.secret };
    const made = new DynamoDBClient({ endpoint: url, region: REGION, credentials, maxAttempts: 1 });
    open.push(made);
    return made;
  };
  const stranger = { id: 'AKIASTRANGER', secret: 'guessed' };
  const describeIt = new DescribeTableCommand({ TableName: 'gate' });
  const row = (SK: string) => ({ TableName: 'gate', Key: { PK: { S: 'net#x' }, SK: { S: SK } } });

  it('lets everybody through while no policy is attached to anybody', async () => {
    assert.equal(await outcome(client(stranger).send(describeIt)), 'ok');
    assert.deepEqual(account.cloud.storeJournal.entries, []);
  });

  it('asks who signs as soon as there is a policy', async () => {
    account.cloud.policies.attach({ ann: ALL, bob: [] });
    const [ann, bob, eve] = ['ann', 'bob', 'eve'].map((name) => account.cloud.credentials.add(name));
    assert.ok(ann !== undefined && bob !== undefined && eve !== undefined);
    assert.equal(await outcome(client(stranger).send(describeIt)), 'UnrecognizedClientException');
    assert.equal(await outcome(client({ ...ann, secret: 'guessed' }).send(describeIt)), 'InvalidSignatureException');
    assert.equal(await outcome(client(ann).send(describeIt)), 'ok');
    assert.equal(await outcome(client(ann).send(new ListTablesCommand({}))), 'ok');
    assert.equal(await outcome(client(bob).send(describeIt)), 'AccessDeniedException');
    // Of whom nothing is said may do everything.
    assert.equal(await outcome(client(eve).send(describeIt)), 'ok');
    assert.deepEqual(
      account.cloud.storeJournal.entries.map(({ who, action, outcome: end }) => [who, action, end]).at(-2),
      ['bob', 'DescribeTable', 'AccessDeniedException'],
    );
  });

  it('says in AWS’s words who may not do what to which table', async () => {
    await account.control('PUT', 'policies', {
      bob: { ...ALL, Statement: { ...ALL.Statement, Action: 'dynamodb:GetItem' } },
    });
    const bob = client(account.cloud.credentials.add('bob'));
    assert.equal(await outcome(bob.send(new GetItemCommand(row('a')))), 'ok');
    const { TableName, Key } = row('a');
    await assert.rejects(bob.send(new PutItemCommand({ TableName, Item: Key })), {
      name: 'AccessDeniedException',
      message:
        'User: arn:aws:iam::123456789012:user/bob is not authorized to perform: dynamodb:PutItem on resource: ' +
        'arn:aws:dynamodb:eu-central-1:123456789012:table/gate because no identity-based policy allows the dynamodb:PutItem action',
    });
    assert.equal(Object.keys((await account.control('GET', 'policies')) as object).join(), 'bob');
    await account.control('PUT', 'policies', { bob: null });
    assert.equal(await outcome(bob.send(new PutItemCommand({ TableName, Item: Key }))), 'ok');
  });

  it('tells the account’s time, and another when it is set off: so a quarantine ends', async () => {
    const world = await makeWorld();
    const peer = (): ReturnType<DynamoWorld['open']> => world.open('', { endpoint: url });
    const [one, two] = [peer(), peer()];
    const { signal } = new AbortController();
    const only = { range: range(1) };
    const { lease } = await one.clock.during(one.store.claim(wish(node(1), only), signal));
    await one.clock.during(one.store.release(lease, signal));
    const claim = () => two.clock.during(two.store.claim(wish(node(2), only), signal));
    await assert.rejects(claim(), { code: 'NO_SUBNET' });
    await account.control('PUT', 'settings', { storeClockOffsetMs: 17 * MINUTE });
    assert.equal((await claim()).lease.key, lease.key);
    await world.close();
  });

  it('takes signatures by either clock, for an SDK sets its own by the answers', async () => {
    account.cloud.policies.attach({ ann: ALL });
    const ann = client(account.cloud.credentials.add('ann'));
    assert.equal(await outcome(ann.send(describeIt)), 'ok');
    await account.control('PUT', 'settings', { storeClockOffsetMs: 20 * MINUTE });
    assert.equal(await outcome(ann.send(describeIt)), 'ok');
    assert.equal(await outcome(ann.send(describeIt)), 'ok');
    await account.control('PUT', 'settings', { storeClockOffsetMs: 0 });
    assert.equal(await outcome(ann.send(describeIt)), 'InvalidSignatureException');
  });

  it('breaks the connection when the store behind it is gone', async () => {
    const nobody = createServer();
    const gone = await listening(nobody);
    await ending(nobody);
    const blind = dynamoDBGate(account.cloud, new DynamoUpstream(gone));
    const connection = connect({ endpoint: await listening(blind), region: REGION });
    assert.notEqual(await outcome(connection.client.send(describeIt)), 'ok');
    connection.close();
    await ending(blind);
  });

  it('refuses a policy that it does not understand, and keeps what stood', async () => {
    account.cloud.policies.attach({ ann: ALL });
    const answer = await account.control('PUT', 'policies', { ann: { Version: '2012-10-17' }, bob: ALL });
    assert.deepEqual(answer, { error: 'policies of ann, document 1: "Statement" is missing' });
    assert.deepEqual(await account.control('GET', 'policies'), { ann: [ALL] });
  });
});
