/** What a machine that somebody has broken into can do with its role, and what it cannot. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { GetItemCommand, QueryCommand, ScanCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateTagsCommand,
  ModifyNetworkInterfaceAttributeCommand,
  ReplaceRouteTableAssociationCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { nodePolicy, reconcilerPolicy, type PolicyScope } from '../../infra/policies.ts';
import type { CloudRoute } from '../../src/core/cloud-route.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { whyNoDynamoDB } from '../dynamodb/emulator.ts';
import { ids, outcome } from '../lab/aws/account-fixture.ts';
import { node, wish } from '../contract/store-world.ts';
import { ending, PolicyWorld, ROLE, tableArn, type Hands } from './policy-world.ts';
import { CONFIG, looksAtTheCloud, NETWORK, usesTheStore, writesARoute } from './scripted-use.ts';

const EVERYTHING = parseSubnet('0.0.0.0/0');
const RECONCILER = { lifecycleGroups: [] };

describe('a role that somebody else has got hold of', { skip: whyNoDynamoDB() ?? false }, () => {
  const { signal } = new AbortController();
  let world: PolicyWorld;
  let scope: PolicyScope;
  let hands: Hands;
  before(async () => {
    world = await PolicyWorld.start();
    await world.hands('setup').create(signal);
  });
  beforeEach(() => {
    world.forget();
    scope = world.scope();
    hands = world.hands(scope.networks[0] ?? '');
  });
  after(() => world.close());

  const put = (table: string, destination = parseSubnet('10.42.1.0/24'), target = ids.a1): Promise<string> => {
    const route: CloudRoute = { destination, target, live: true };
    return ending(hands.network.putRoute(table, route, undefined, signal));
  };
  const routes = (): number => [...world.cloud.state.tables.values()].reduce((sum, it) => sum + it.routes.size, 0);

  describe('of a node that leaves routes to the reconciler', () => {
    beforeEach(() => world.allow(nodePolicy(scope, { writesRoutes: false, forwards: true })));

    it('makes, changes and removes no route at all, not even its own', async () => {
      const before = routes();
      assert.match(await put(ids.tableA), /^CLOUD_DENIED .*UnauthorizedOperation.*ec2:CreateRoute/);
      assert.match(await put(ids.tableA, EVERYTHING), /^CLOUD_DENIED /);
      world.cloud.policies.attach({ [ROLE]: null });
      assert.equal(await put(ids.tableA), 'done');
      world.allow(nodePolicy(scope, { writesRoutes: false, forwards: true }));
      const taking = { destination: parseSubnet('10.42.1.0/24'), target: ids.b1, live: true };
      assert.match(
        await ending(hands.network.putRoute(ids.tableA, taking, ids.a1, signal)),
        /^CLOUD_DENIED .*ec2:ReplaceRoute/,
      );
      assert.match(
        await ending(hands.network.removeRoute(ids.tableA, taking.destination, ids.a1, signal)),
        /^CLOUD_DENIED .*ec2:DeleteRoute/,
      );
      assert.equal(routes(), before + 1);
    });

    it('does not change which table a subnet uses, tag a table, or end a machine', async () => {
      const association = planned.association('lab a');
      const { ec2 } = hands;
      assert.equal(
        await outcome(
          ec2.send(new ReplaceRouteTableAssociationCommand({ AssociationId: association, RouteTableId: ids.tableB })),
        ),
        'UnauthorizedOperation',
      );
      assert.equal(
        await outcome(
          ec2.send(new CreateTagsCommand({ Resources: [ids.tableB], Tags: [{ Key: 'weft:managed', Value: 'true' }] })),
        ),
        'UnauthorizedOperation',
      );
      assert.equal(
        await outcome(ec2.send(new TerminateInstancesCommand({ InstanceIds: [planned.instance('b1')] }))),
        'UnauthorizedOperation',
      );
    });

    it('switches the source/destination check off, not on, changes nothing else of an interface, and nothing in another VPC', async () => {
      const change = (it: object, id = ids.a1): Promise<string> =>
        outcome(hands.ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: id, ...it })));
      assert.equal(await change({ SourceDestCheck: { Value: false } }), 'ok');
      assert.equal(await change({ SourceDestCheck: { Value: true } }), 'UnauthorizedOperation');
      assert.equal(await change({ Groups: [planned.group('nodes')] }), 'UnauthorizedOperation');
      assert.equal(await change({ SourceDestCheck: { Value: false } }, ids.other), 'UnauthorizedOperation');
    });

    it('leaves even the check alone when the reconciler does that', async () => {
      world.allow(nodePolicy(scope, { writesRoutes: false, forwards: false }));
      assert.match(
        await ending(hands.network.prepare(ids.a1, signal)),
        /^CLOUD_DENIED .*ec2:ModifyNetworkInterfaceAttribute/,
      );
      assert.equal(await ending(looksAtTheCloud(hands, signal)), 'done');
    });

    it('sees nothing of another Region', async () => {
      world.allow(nodePolicy({ ...scope, region: 'us-east-1' }, { writesRoutes: true, forwards: true }));
      assert.match(await ending(looksAtTheCloud(hands, signal)), /^CLOUD_DENIED .*ec2:DescribeRouteTables/);
    });
  });

  describe('of the reconciler', () => {
    it('writes into the tables of its VPC, and into none of another', async () => {
      world.allow(reconcilerPolicy(scope, RECONCILER));
      assert.equal(await put(ids.tableB), 'done');
      const otherMain = planned.table('other-main');
      assert.match(await put(otherMain, undefined, ids.other), /^CLOUD_DENIED .*ec2:CreateRoute/);
    });

    it('writes into tagged tables alone, where it was given a tag', async () => {
      world.allow(
        reconcilerPolicy({ ...scope, routeTables: { by: 'tag', key: 'weft:managed', value: 'true' } }, RECONCILER),
      );
      assert.equal(await ending(writesARoute(hands, signal, ids.tableA)), 'done');
      assert.match(await put(ids.tableB), /^CLOUD_DENIED .*ec2:CreateRoute/);
      assert.match(await put(ids.main), /^CLOUD_DENIED .*ec2:CreateRoute/);
    });

    it('writes into named tables alone, where it was given names, and only while they are in its VPC', async () => {
      const named = { by: 'id', ids: [ids.tableB, planned.table('other-main')] } as const;
      world.allow(reconcilerPolicy({ ...scope, routeTables: named }, RECONCILER));
      assert.equal(await ending(writesARoute(hands, signal, ids.tableB)), 'done');
      assert.match(await put(ids.tableA), /^CLOUD_DENIED .*ec2:CreateRoute/);
      assert.match(await put(planned.table('other-main'), undefined, ids.other), /^CLOUD_DENIED .*ec2:CreateRoute/);
    });
  });

  describe('in the table', () => {
    beforeEach(() => world.allow(nodePolicy(scope, { writesRoutes: true, forwards: true })));

    it('reads and writes its own network’s rows, and none of another network', async () => {
      assert.equal(await ending(usesTheStore(hands, signal)), 'done');
      const stranger = world.hands('another');
      assert.match(await ending(stranger.store.config(signal)), /^STORE_DENIED .*dynamodb:GetItem/);
      assert.match(
        await ending(stranger.store.writeConfig(CONFIG, undefined, signal)),
        /^STORE_DENIED .*dynamodb:UpdateItem/,
      );
      assert.match(await ending(stranger.records.list('ledger', signal)), /^STORE_DENIED .*dynamodb:Query/);
      assert.match(await ending(stranger.store.claim(wish(node(1), { previous: NETWORK }), signal)), /^STORE_DENIED /);
    });

    it('slips no row of another network into a transaction or a query, and does not scan', async () => {
      const Put = (PK: string) => ({ Put: { TableName: 'weft', Item: { PK: { S: PK }, SK: { S: 'hijack' } } } });
      const own = `net#${scope.networks[0]}`;
      const { dynamo } = hands;
      const transact = (...keys: readonly string[]): Promise<string> =>
        outcome(dynamo.send(new TransactWriteItemsCommand({ TransactItems: keys.map(Put) })));
      assert.equal(await transact(own), 'ok');
      assert.equal(await transact(own, 'net#another'), 'AccessDeniedException');
      const query = (KeyConditionExpression: string): Promise<string> => {
        const ExpressionAttributeValues = { ':own': { S: own }, ':other': { S: 'net#another' } };
        return outcome(
          dynamo.send(new QueryCommand({ TableName: 'weft', KeyConditionExpression, ExpressionAttributeValues })),
        );
      };
      assert.equal(await query('PK = :other'), 'AccessDeniedException');
      assert.equal(await query(':other = PK'), 'AccessDeniedException');
      assert.equal(await outcome(dynamo.send(new ScanCommand({ TableName: 'weft' }))), 'AccessDeniedException');
    });

    it('reaches no other table', async () => {
      world.allow(nodePolicy({ ...scope, tableArn: tableArn('another') }, { writesRoutes: true, forwards: true }));
      const Key = { PK: { S: `net#${scope.networks[0]}` }, SK: { S: 'config' } };
      assert.equal(
        await outcome(hands.dynamo.send(new GetItemCommand({ TableName: 'weft', Key }))),
        'AccessDeniedException',
      );
    });
  });
});
