import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfaceAttributeCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  ModifyNetworkInterfaceAttributeCommand,
  paginateDescribeNetworkInterfaces,
  paginateDescribeRouteTables,
  ReplaceRouteTableAssociationCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { planned } from '../../../src/lab/aws/account.ts';
import { AccountFixture, ids, outcome, PLAN } from './account-fixture.ts';

describe('what the emulated EC2 tells of a network', () => {
  let account: AccountFixture;
  let ec2: EC2Client;
  beforeEach(async () => {
    account = await AccountFixture.start();
    ec2 = account.client();
  });
  afterEach(() => account.close());

  const tables = async (filters: Readonly<Record<string, string>>): Promise<readonly string[]> => {
    const Filters = Object.entries(filters).map(([Name, value]) => ({ Name, Values: [value] }));
    const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ Filters }));
    return (RouteTables ?? []).map((it) => it.Tags?.find(({ Key }) => Key === 'Name')?.Value ?? '');
  };

  it('CLOUD 1.2: a subnet’s table is its explicit association, else the main table, which its subnet does not find', async () => {
    const lab = { 'vpc-id': planned.vpc('lab') };
    assert.deepEqual(await tables({ 'association.subnet-id': planned.subnet('a') }), ['table-a']);
    assert.deepEqual(await tables({ 'association.subnet-id': planned.subnet('c') }), []);
    assert.deepEqual(await tables({ ...lab, 'association.main': 'true' }), ['main']);
  });

  it('CLOUD 1.2: an edge table is known by its gateway association', async () => {
    assert.deepEqual(await tables({ 'association.gateway-id': planned.gateway('igw') }), ['edge']);
    const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [ids.edge] }));
    assert.equal(RouteTables?.[0]?.Associations?.[0]?.GatewayId, planned.gateway('igw'));
    assert.equal(RouteTables?.[0]?.Associations?.[0]?.SubnetId, undefined);
  });

  it('finds tables by tag, and those that were tagged since', async () => {
    assert.deepEqual(await tables({ 'tag:weft:managed': 'true' }), ['table-a']);
    await ec2.send(new CreateTagsCommand({ Resources: [ids.tableB], Tags: [{ Key: 'weft:managed', Value: 'true' }] }));
    assert.deepEqual((await tables({ 'tag:weft:managed': 'tr*' })).toSorted(), ['table-a', 'table-b']);
    assert.deepEqual(await tables({ 'tag-key': 'weft:managed', 'vpc-id': planned.vpc('other') }), []);
  });

  it('refuses a filter that EC2 does not have', async () => {
    assert.equal(await outcome(tables({ 'association.subnet': 'a' })), 'InvalidParameterValue');
  });

  it('CLOUD 1.2: the association of a subnet and the main table can change, with a new association id', async () => {
    const { RouteTables = [] } = await ec2.send(new DescribeRouteTablesCommand({}));
    const associations = RouteTables.flatMap((it) => it.Associations ?? []);
    const ofA = associations.find((it) => it.SubnetId === planned.subnet('a'))?.RouteTableAssociationId;
    const main = associations.find((it) => it.Main && it.RouteTableId === ids.main)?.RouteTableAssociationId;
    const replace = (AssociationId = '', RouteTableId = ids.tableB) =>
      ec2.send(new ReplaceRouteTableAssociationCommand({ AssociationId, RouteTableId }));
    const { NewAssociationId } = await replace(ofA);
    assert.notEqual(NewAssociationId, ofA);
    assert.equal(await outcome(replace(ofA)), 'InvalidAssociationID.NotFound');
    assert.deepEqual(await tables({ 'association.subnet-id': planned.subnet('a') }), ['table-b']);
    assert.equal(await outcome(replace(main, ids.edge)), 'InvalidParameterValue');
    await replace(main);
    assert.deepEqual(await tables({ 'vpc-id': planned.vpc('lab'), 'association.main': 'true' }), ['table-b']);
  });

  it('pages by MaxResults and NextToken, and the SDK’s paginators find everything once', async () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ name: `t${i}` }));
    await account.close();
    account = await AccountFixture.start({}, [{ ...PLAN, tables: [...PLAN.tables, ...many] }]);
    const client = account.client();
    const sizes = [];
    const seen = new Set<string | undefined>();
    for await (const page of paginateDescribeRouteTables({ client, pageSize: 5 }, {})) {
      sizes.push(page.RouteTables?.length);
      for (const table of page.RouteTables ?? []) seen.add(table.RouteTableId);
    }
    assert.deepEqual(sizes, [5, 5, 5, 1]);
    assert.equal(seen.size, 16);
    const bad = client.send(new DescribeRouteTablesCommand({ MaxResults: 5, NextToken: 'x' }));
    assert.equal(await outcome(bad), 'InvalidNextToken');
    assert.equal(
      await outcome(client.send(new DescribeRouteTablesCommand({ MaxResults: 4 }))),
      'InvalidParameterValue',
    );
    let interfaces = 0;
    for await (const page of paginateDescribeNetworkInterfaces({ client, pageSize: 5 }, {}))
      interfaces += page.NetworkInterfaces?.length ?? 0;
    assert.equal(interfaces, 3);
  });

  it('tells of VPCs and subnets', async () => {
    const { Vpcs } = await ec2.send(new DescribeVpcsCommand({ VpcIds: [planned.vpc('lab')] }));
    assert.deepEqual(
      Vpcs?.map((it) => it.CidrBlockAssociationSet?.map(({ CidrBlock }) => CidrBlock)),
      [['10.0.0.0/16']],
    );
    const Filters = [{ Name: 'vpc-id', Values: [planned.vpc('lab')] }];
    const { Subnets } = await ec2.send(new DescribeSubnetsCommand({ Filters }));
    assert.deepEqual(
      Subnets?.map((it) => `${it.CidrBlock} ${it.AvailabilityZone} ${it.AvailableIpAddressCount}`).toSorted(),
      ['10.0.1.0/24 eu-central-1a 249', '10.0.2.0/24 eu-central-1b 250', '10.0.3.0/24 eu-central-1b 251'],
    );
  });

  it('CLOUD 1.5: source/destination check is on by default, of the interface, and can be switched off', async () => {
    const look = async (): Promise<boolean | undefined> => {
      const question = { NetworkInterfaceId: ids.a1, Attribute: 'sourceDestCheck' } as const;
      return (await ec2.send(new DescribeNetworkInterfaceAttributeCommand(question))).SourceDestCheck?.Value;
    };
    assert.equal(await look(), true);
    const off = { NetworkInterfaceId: ids.a1, SourceDestCheck: { Value: false } };
    await ec2.send(new ModifyNetworkInterfaceAttributeCommand(off));
    assert.equal(await look(), false);
    const { NetworkInterfaces } = await ec2.send(
      new DescribeNetworkInterfacesCommand({ Filters: [{ Name: 'source-dest-check', Values: ['false'] }] }),
    );
    assert.deepEqual(
      NetworkInterfaces?.map((it) => [it.NetworkInterfaceId, it.PrivateIpAddress, it.Attachment?.InstanceId]),
      [[ids.a1, '10.0.1.11', planned.instance('a1')]],
    );
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [planned.instance('a1')] }));
    assert.equal(Reservations?.[0]?.Instances?.[0]?.NetworkInterfaces?.[0]?.SourceDestCheck, false);
  });
});
