import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  CreateRouteCommand,
  DeleteRouteCommand,
  DescribeRouteTablesCommand,
  ReplaceRouteCommand,
  type CreateRouteCommandInput,
  type EC2Client,
  type Route,
} from '@aws-sdk/client-ec2';
import { planned } from '../../../src/lab/aws/account.ts';
import { AccountFixture, ids, outcome } from './account-fixture.ts';

describe('routes of the emulated EC2', () => {
  let account: AccountFixture;
  let ec2: EC2Client;
  beforeEach(async () => {
    account = await AccountFixture.start();
    ec2 = account.client();
  });
  afterEach(() => account.close());

  const create = (wish: Partial<CreateRouteCommandInput> = {}): Promise<unknown> =>
    ec2.send(
      new CreateRouteCommand({
        RouteTableId: ids.tableA,
        DestinationCidrBlock: '10.42.7.0/24',
        ...('GatewayId' in wish || 'InstanceId' in wish ? {} : { NetworkInterfaceId: ids.a1 }),
        ...wish,
      }),
    );
  const routeTo = async (destination: string, table = ids.tableA): Promise<Route | undefined> => {
    const answer = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [table] }));
    return answer.RouteTables?.[0]?.Routes?.find((it) => it.DestinationCidrBlock === destination);
  };

  it('CLOUD 1.2: a created route is of origin CreateRoute and active, and carries no owner', async () => {
    await create();
    assert.deepEqual(await routeTo('10.42.7.0/24'), {
      DestinationCidrBlock: '10.42.7.0/24',
      InstanceId: planned.instance('a1'),
      InstanceOwnerId: '123456789012',
      NetworkInterfaceId: ids.a1,
      Origin: 'CreateRoute',
      State: 'active',
    });
  });

  it('CLOUD 1.3: CreateRoute repeated is RouteAlreadyExists, with the same target as with another', async () => {
    await create();
    assert.equal(await outcome(create()), 'RouteAlreadyExists');
    assert.equal(await outcome(create({ NetworkInterfaceId: ids.b1 })), 'RouteAlreadyExists');
    assert.equal((await routeTo('10.42.7.0/24'))?.NetworkInterfaceId, ids.a1);
  });

  it('CLOUD 1.3: ReplaceRoute of a missing route is InvalidParameterValue, DeleteRoute InvalidRoute.NotFound', async () => {
    const route = { RouteTableId: ids.tableA, DestinationCidrBlock: '10.42.7.0/24' };
    const replace = (): Promise<unknown> => ec2.send(new ReplaceRouteCommand({ ...route, NetworkInterfaceId: ids.b1 }));
    const remove = (): Promise<unknown> => ec2.send(new DeleteRouteCommand(route));
    assert.equal(await outcome(replace()), 'InvalidParameterValue');
    assert.equal(await outcome(remove()), 'InvalidRoute.NotFound');
    await create();
    assert.equal(await outcome(replace()), 'ok');
    assert.equal((await routeTo('10.42.7.0/24'))?.NetworkInterfaceId, ids.b1);
    assert.equal(await outcome(remove()), 'ok');
    assert.equal(await routeTo('10.42.7.0/24'), undefined);
  });

  it('CLOUD 1.1: a table that is full refuses with RouteLimitExceeded, and the local route counts', async () => {
    await account.control('POST', 'do', { op: 'quota', table: 'table-b', routes: 2 });
    const inB = (destination: string): Promise<unknown> =>
      create({ RouteTableId: ids.tableB, DestinationCidrBlock: destination });
    assert.equal(await outcome(inB('10.42.1.0/24')), 'ok');
    assert.equal(await outcome(inB('10.42.2.0/24')), 'RouteLimitExceeded');
    assert.equal(await outcome(inB('10.42.1.0/24')), 'RouteAlreadyExists');
    await account.control('PUT', 'settings', { routeQuota: 3 });
    await account.control('POST', 'do', { op: 'quota', table: 'table-b' });
    assert.equal(await outcome(inB('10.42.2.0/24')), 'ok');
  });

  it('CLOUD 1.2: more specific than local only for a whole subnet, and to an interface', async () => {
    assert.equal(await outcome(create({ DestinationCidrBlock: '10.0.2.0/25' })), 'InvalidParameterValue');
    assert.equal(
      await outcome(create({ DestinationCidrBlock: '10.0.2.0/24', GatewayId: planned.gateway('igw') })),
      'InvalidParameterValue',
    );
    assert.equal(await outcome(create({ DestinationCidrBlock: '10.0.2.0/24' })), 'ok');
    assert.equal(await outcome(create({ DestinationCidrBlock: '10.0.0.0/16' })), 'RouteAlreadyExists');
  });

  it('CLOUD 1.2: destinations within 169.254.168.0/22 are refused', async () => {
    assert.equal(await outcome(create({ DestinationCidrBlock: '169.254.169.0/24' })), 'InvalidParameterValue');
    assert.equal(await outcome(create({ DestinationCidrBlock: '169.254.172.0/24' })), 'ok');
  });

  it('CLOUD 1.2: an edge table takes no destination outside the VPC', async () => {
    assert.equal(await outcome(create({ RouteTableId: ids.edge })), 'InvalidParameterValue');
  });

  it('CLOUD 1.2: an instance id is accepted as target and refused when the instance has several interfaces', async () => {
    assert.equal(await outcome(create({ InstanceId: planned.instance('a1') })), 'ok');
    assert.equal((await routeTo('10.42.7.0/24'))?.NetworkInterfaceId, ids.a1);
    await account.control('POST', 'do', {
      op: 'attach',
      instance: 'a2',
      address: '10.0.1.99',
      mac: '02:57:00:00:00:99',
    });
    const refused = create({ DestinationCidrBlock: '10.42.8.0/24', InstanceId: planned.instance('a2') });
    assert.equal(await outcome(refused), 'InvalidInstanceID');
  });

  it('CLOUD 1.3: ids that name nothing, or are none, have codes of their own', async () => {
    const codes = await Promise.all(
      [
        { RouteTableId: planned.table('nowhere') },
        { RouteTableId: 'rtb-x' },
        { NetworkInterfaceId: planned.interface('nobody') },
        { InstanceId: planned.instance('nobody') },
        { DestinationCidrBlock: '10.42.7.0' },
        { NetworkInterfaceId: ids.other },
        { GatewayId: 'igw-1', NetworkInterfaceId: ids.a1 },
      ].map((wish) => outcome(create(wish))),
    );
    assert.deepEqual(codes, [
      'InvalidRouteTableID.NotFound',
      'InvalidRouteTableId.Malformed',
      'InvalidNetworkInterfaceID.NotFound',
      'InvalidInstanceID.NotFound',
      'InvalidParameterValue',
      'InvalidParameterValue',
      'InvalidParameterCombination',
    ]);
  });

  it('masks the host bits of a destination off', async () => {
    await create({ DestinationCidrBlock: '10.42.7.9/24' });
    assert.equal((await routeTo('10.42.7.0/24'))?.State, 'active');
  });

  it('CLOUD 1.2: filters on routes choose tables, and all routes of those come', async () => {
    await create();
    const answer = await ec2.send(
      new DescribeRouteTablesCommand({
        Filters: [{ Name: 'route.destination-cidr-block', Values: ['10.42.7.0/24'] }],
      }),
    );
    assert.deepEqual(
      answer.RouteTables?.map((it) => it.Routes?.map((route) => route.DestinationCidrBlock)),
      [['10.0.0.0/16', '0.0.0.0/0', '10.42.7.0/24']],
    );
  });
});
