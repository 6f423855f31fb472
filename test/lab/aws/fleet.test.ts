import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  type Filter,
} from '@aws-sdk/client-ec2';
import { planned, type VpcPlan } from '../../../src/lab/aws/account.ts';
import { fleetName } from '../../../src/lab/aws/fleet.ts';
import { createRoute } from '../../../src/lab/aws/routes.ts';
import { AccountFixture, outcome } from './account-fixture.ts';

const NODES = 1000;
const vpc = (name: string, range: string): VpcPlan => ({
  name,
  ranges: [`${range}.0.0/16`],
  tables: [{ name: `${name}-main` }, { name: `${name}-1` }, { name: `${name}-2` }],
  subnets: [
    { name: `${name}-a`, range: `${range}.0.0/20`, zone: 'eu-central-1a', table: `${name}-1` },
    { name: `${name}-b`, range: `${range}.16.0/20`, zone: 'eu-central-1b', table: `${name}-2` },
  ],
  groups: [{ name: `${name}-nodes`, ingress: [] }],
  instances: [],
});

interface Asked {
  readonly Filters: Filter[];
  readonly MaxResults: number;
  readonly NextToken?: string;
}

describe('a fleet of a thousand in an emulated account of two VPCs', () => {
  let account: AccountFixture;
  const act = (op: string, order: object) => account.control('POST', 'do', { op, ...order });
  beforeEach(async () => {
    const settings = { throttling: false, routeQuota: 1000 };
    account = await AccountFixture.start(settings, [vpc('east', '10.1'), vpc('west', '10.2')]);
    const common = { op: 'add-instances', tag: 'weft:node=true' };
    await act('add-instances', { ...common, prefix: 'e', count: 600, subnets: 'east-a,east-b', groups: 'east-nodes' });
    await act('add-instances', { ...common, prefix: 'w', count: 400, subnets: 'west-b', check: false });
  });
  afterEach(() => account.close());

  const pages = async (
    call: (input: Asked) => Promise<{ readonly ids: readonly string[]; readonly next: string | undefined }>,
    input: Asked,
  ): Promise<readonly (readonly string[])[]> => {
    const found: (readonly string[])[] = [];
    let page: string | undefined;
    do {
      const { ids, next } = await call(page === undefined ? input : { ...input, NextToken: page });
      found.push(ids);
      page = next;
    } while (page !== undefined);
    return found;
  };
  const instances = async (input: Asked) => {
    const { Reservations = [], NextToken } = await account.client().send(new DescribeInstancesCommand(input));
    const ids = Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId = '' }) => InstanceId));
    return { ids, next: NextToken };
  };
  const interfaces = async (input: Asked) => {
    const answer = await account.client().send(new DescribeNetworkInterfacesCommand(input));
    const ids = (answer.NetworkInterfaces ?? []).map(({ NetworkInterfaceId = '' }) => NetworkInterfaceId);
    return { ids, next: answer.NextToken };
  };
  const tables = async (input: Asked) => {
    const { RouteTables = [], NextToken } = await account.client().send(new DescribeRouteTablesCommand(input));
    return { ids: RouteTables.map(({ RouteTableId = '' }) => RouteTableId), next: NextToken };
  };
  const within = (name: string): Filter[] => [{ Name: 'vpc-id', Values: [planned.vpc(name)] }];

  it('is found page by page within one VPC, each once, and nothing of the other', async () => {
    const found = await pages(instances, { Filters: within('east'), MaxResults: 250 });
    assert.deepEqual(
      found.map(({ length }) => length),
      [250, 250, 100],
    );
    const expected = Array.from({ length: 600 }, (_, index) => planned.instance(fleetName('e', index)));
    assert.deepEqual(found.flat().toSorted(), expected.toSorted());
    const ends = await pages(interfaces, { Filters: within('west'), MaxResults: 1000 });
    assert.deepEqual([ends.length, new Set(ends.flat()).size], [1, 400]);
    assert.deepEqual(
      (await pages(tables, { Filters: within('east'), MaxResults: 5 })).flat().toSorted(),
      ['east-main', 'east-1', 'east-2'].map(planned.table).toSorted(),
    );
  });

  it('one that ends between two pages moves no other out of sight', async () => {
    const input = { Filters: within('west'), MaxResults: 200 };
    const first = await interfaces(input);
    const gone = [...account.cloud.state.instances.values()].find(
      ({ id }) => account.cloud.state.interfaces.get(first.ids[0] ?? '')?.attachment?.instance === id,
    );
    await act('terminate', { instance: gone?.id });
    await act('clock', { advance: 60_000 });
    const second = await interfaces({ ...input, NextToken: first.next ?? '' });
    assert.deepEqual([second.ids.length, new Set([...first.ids, ...second.ids]).size], [200, 400]);
  });

  it('AWS’s limits of pages and filters hold', async () => {
    const Filters = within('east');
    const ask = { instances, interfaces, tables };
    for (const [what, least, most] of [
      ['instances', 5, 1000],
      ['interfaces', 5, 1000],
      ['tables', 5, 100],
    ] as const) {
      for (const [MaxResults, expected] of [
        [least - 1, 'InvalidParameterValue'],
        [least, 'ok'],
        [most, 'ok'],
        [most + 1, 'InvalidParameterValue'],
      ] as const) {
        assert.equal(await outcome(ask[what]({ Filters, MaxResults })), expected, `${what} ${MaxResults}`);
      }
    }
    assert.equal(await outcome(tables({ Filters, MaxResults: 5, NextToken: 'mine' })), 'InvalidNextToken');
    const Values = Array.from({ length: 201 }, (_, index) => planned.instance(fleetName('e', index)));
    const wish = { Filters: [{ Name: 'instance-id', Values }], MaxResults: 1000 };
    assert.equal(await outcome(instances(wish)), 'FilterLimitExceeded');
  });

  it('carries tags, zones and its source/destination check as ordered, and stands in its subnets by turns', async () => {
    const wish = { Filters: [{ Name: 'tag:weft:node', Values: ['true'] }], MaxResults: 1000 };
    const { Reservations = [] } = await account.client().send(new DescribeInstancesCommand(wish));
    const all = Reservations.flatMap(({ Instances = [] }) => Instances);
    assert.equal(all.length, NODES);
    const counts: Record<string, number> = {};
    for (const { SubnetId, Placement, SourceDestCheck } of all) {
      const kind = `${SubnetId} ${Placement?.AvailabilityZone} ${SourceDestCheck}`;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    assert.deepEqual(counts, {
      [`${planned.subnet('east-a')} eu-central-1a true`]: 300,
      [`${planned.subnet('east-b')} eu-central-1b true`]: 300,
      [`${planned.subnet('west-b')} eu-central-1b false`]: 400,
    });
  });

  it('needs names that are free, and room', async () => {
    const again = await act('add-instances', { prefix: 'e', count: 1, subnets: 'east-a' });
    assert.match(JSON.stringify(again), /named \\"e0001\\" already/);
    const many = await act('add-instances', { prefix: 'x', count: 5000, subnets: 'east-a' });
    assert.match(JSON.stringify(many), /no room for x/);
    assert.equal(account.cloud.state.instances.size, NODES);
  });

  it('three tables hold a thousand routes each, and come in one answer', async () => {
    const targets = [...account.cloud.state.interfaces.values()].filter((it) => it.vpc === planned.vpc('east'));
    for (const table of ['east-main', 'east-1', 'east-2'].map(planned.table)) {
      for (let number = 0; number < 999; number++) {
        const destination = `10.${64 + (number >> 8)}.${number & 255}.0/24`;
        const target = { interface: targets[number % targets.length]?.id ?? '' };
        account.cloud.write((state) => createRoute(state, table, destination, target, 1000));
      }
    }
    const wish = { Filters: within('east'), MaxResults: 100 };
    const { RouteTables = [] } = await account.client().send(new DescribeRouteTablesCommand(wish));
    assert.deepEqual(
      RouteTables.map(({ Routes }) => Routes?.length),
      [1000, 1000, 1000],
    );
  });
});
