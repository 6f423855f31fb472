/** DescribeRouteTables. */
import type { DescribeRouteTablesResult, Route as RouteAnswer, RouteTable as TableAnswer } from '@aws-sdk/client-ec2';
import { associationsOf } from './associations.ts';
import { ACCOUNT } from './cloud.ts';
import { choose, type Fields } from './filters.ts';
import { named } from './ids.ts';
import type { AwsState, Route, RouteTable } from './model.ts';
import { pageOf } from './paging.ts';
import type { Query } from './query.ts';
import { tagsOf } from './tags.ts';

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html */
const MOST = 100;

export function describeRouteTables(state: AwsState, query: Query): DescribeRouteTablesResult {
  const ids = query.list('RouteTableId');
  const all = ids.length === 0 ? state.tables.values() : ids.map((id) => named(state.tables, 'rtb', id));
  const { items, next } = pageOf(choose(state, all, query.filters, fieldsOf(state)), query, ids, MOST);
  return { RouteTables: items.map((it) => tableAnswer(state, it)), ...(next === undefined ? {} : { NextToken: next }) };
}

const fieldsOf = (state: AwsState): Fields<RouteTable> => {
  const associations = (it: RouteTable) => associationsOf(state, it.id);
  const routes = (it: RouteTable) => [...it.routes.values()].map((route) => routeAnswer(state, route));
  return {
    'route-table-id': (it) => [it.id],
    'vpc-id': (it) => [it.vpc],
    'owner-id': () => [ACCOUNT],
    // A subnet that the main table serves stands in no association: this filter does not find its table.
    'association.subnet-id': (it) => associations(it).map(({ subnet }) => subnet),
    'association.gateway-id': (it) => associations(it).map(({ gateway }) => gateway),
    'association.main': (it) => associations(it).map(({ main }) => String(main)),
    'association.route-table-id': (it) => associations(it).map(({ table }) => table),
    'association.route-table-association-id': (it) => associations(it).map(({ id }) => id),
    'route.destination-cidr-block': (it) => routes(it).map((route) => route.DestinationCidrBlock),
    'route.gateway-id': (it) => routes(it).map((route) => route.GatewayId),
    'route.instance-id': (it) => routes(it).map((route) => route.InstanceId),
    'route.origin': (it) => routes(it).map((route) => route.Origin),
    'route.state': (it) => routes(it).map((route) => route.State),
  };
};

function tableAnswer(state: AwsState, table: RouteTable): TableAnswer {
  return {
    RouteTableId: table.id,
    VpcId: table.vpc,
    OwnerId: ACCOUNT,
    PropagatingVgws: [],
    Associations: associationsOf(state, table.id).map(({ id, subnet, gateway, main }) => ({
      RouteTableAssociationId: id,
      RouteTableId: table.id,
      Main: main,
      SubnetId: subnet,
      GatewayId: gateway,
      AssociationState: { State: 'associated' },
    })),
    Routes: [...table.routes.values()].map((route) => routeAnswer(state, route)),
    Tags: tagsOf(state, table.id),
  };
}

function routeAnswer(state: AwsState, { destination, origin, target }: Route): RouteAnswer {
  const base = { DestinationCidrBlock: destination, Origin: origin };
  if (target.kind === 'local') return { ...base, GatewayId: 'local', State: 'active' };
  if (target.kind === 'gateway') return { ...base, GatewayId: target.id, State: 'active' };
  const to = state.interfaces.get(target.id);
  const instance = to?.attachment?.instance;
  return {
    ...base,
    NetworkInterfaceId: target.id,
    // A target that is gone leaves its id alone.
    ...(instance === undefined ? {} : { InstanceId: instance, InstanceOwnerId: ACCOUNT }),
    State: to?.shownAs ?? 'blackhole',
  };
}
