/** Answers of DescribeRouteTables as `CloudTable`s. */
import type { Route, RouteTable, Tag } from '@aws-sdk/client-ec2';
import type { CloudRoute, CloudTable } from '../../src/core/cloud-route.ts';
import { contains, trySubnet, type Subnet } from '../../src/core/subnet.ts';

/**
 * A gateway's (edge) table carries no route to a range outside the VPC, so none of ours
 * (https://docs.aws.amazon.com/vpc/latest/userguide/gateway-route-tables.html).
 */
const isEdge = ({ Associations = [] }: RouteTable): boolean =>
  Associations.some(({ GatewayId }) => GatewayId !== undefined);

export const readTags = (tags: readonly Tag[]): ReadonlyMap<string, string> =>
  new Map(tags.flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? ''] as const])));

export function readTables(answers: readonly RouteTable[], within: Subnet): CloudTable[] {
  return answers.flatMap((answer): CloudTable[] => {
    const { RouteTableId: id, Associations = [], Tags = [] } = answer;
    if (id === undefined || isEdge(answer)) return [];
    // One that is being taken away serves its subnet no more.
    const serving = Associations.filter(
      ({ AssociationState }) =>
        AssociationState?.State !== 'disassociated' && AssociationState?.State !== 'disassociating',
    );
    return [
      {
        id,
        subnets: serving.flatMap(({ SubnetId }) => SubnetId ?? []),
        main: serving.some(({ Main }) => Main === true),
        tags: readTags(Tags),
        routes: readRoutes(answer, within),
        occupied: countOccupied(answer),
      },
    ];
  });
}

/**
 * Static routes of IPv4, the local one too; propagated ones have a quota of their own, and so have those of IPv6
 * (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html). A prefix list counts as its greatest size, which this answer does not say: as one here.
 */
const countOccupied = ({ Routes = [] }: RouteTable): number =>
  Routes.filter(
    ({ DestinationIpv6CidrBlock, Origin }) =>
      DestinationIpv6CidrBlock === undefined && Origin !== 'EnableVgwRoutePropagation',
  ).length;

/** Filters of the API choose tables, and all routes of those come; so it is chosen here. */
function readRoutes({ Routes = [] }: RouteTable, within: Subnet): CloudRoute[] {
  const routes = new Map<Subnet, CloudRoute>();
  for (const route of Routes) {
    const destination = trySubnet(route.DestinationCidrBlock ?? '');
    if (destination === undefined || !contains(within, destination)) continue;
    const target = targetOf(route);
    // A propagated route may stand beside a static one to the same range, which wins.
    if (routes.has(destination) && route.Origin === 'EnableVgwRoutePropagation') continue;
    routes.set(destination, { destination, target, live: route.State !== 'blackhole' });
  }
  return [...routes.values()];
}

/** The interface, where it is one. A propagated route is nobody's to replace, whatever it leads to. */
function targetOf(route: Route): string {
  const target =
    route.NetworkInterfaceId ??
    route.GatewayId ??
    route.NatGatewayId ??
    route.TransitGatewayId ??
    route.VpcPeeringConnectionId ??
    route.EgressOnlyInternetGatewayId ??
    route.LocalGatewayId ??
    route.CarrierGatewayId ??
    route.CoreNetworkArn ??
    route.InstanceId ??
    'unknown';
  return route.Origin === 'EnableVgwRoutePropagation' ? `${target} (propagated)` : target;
}
