/** CreateRoute, ReplaceRoute and DeleteRoute on the state. What AWS refuses is refused in its words. */
import { contains, parseSubnet, trySubnet, type Subnet } from '../../core/subnet.ts';
import { isEdgeTable } from './associations.ts';
import { Ec2Error } from './ec2-error.ts';
import { named } from './ids.ts';
import { having, lacking, type AwsState, type Route, type RouteTable, type RouteTarget } from './model.ts';

/** Reserved for AWS's own services (CLOUD.md 1.2). */
const RESERVED = parseSubnet('169.254.168.0/22');

/** What a caller names as target: exactly one must stand. */
export interface TargetWish {
  readonly interface?: string;
  readonly instance?: string;
  readonly gateway?: string;
}

/** @param accountQuota static routes of a table that has no quota of its own. */
export function createRoute(
  state: AwsState,
  tableId: string,
  destinationText: string,
  wish: TargetWish,
  accountQuota: number,
): AwsState {
  const table = named(state.tables, 'rtb', tableId);
  const destination = readDestination(destinationText);
  const target = resolve(state, table, wish);
  if (table.routes.has(destination)) {
    // With the same target too: there is no idempotency token.
    throw new Ec2Error('RouteAlreadyExists', `The route identified by ${destination} already exists.`);
  }
  checkPlace(state, table, destination, target);
  const quota = table.quota ?? accountQuota;
  if (staticRoutes(table) >= quota) {
    throw new Ec2Error('RouteLimitExceeded', `The maximum number of routes has been reached: ${quota} in ${tableId}.`);
  }
  return put(state, table, { destination, origin: 'CreateRoute', target });
}

/** In one step, whatever stood there: last writer wins. */
export function replaceRoute(state: AwsState, tableId: string, destinationText: string, wish: TargetWish): AwsState {
  const table = named(state.tables, 'rtb', tableId);
  const destination = readDestination(destinationText);
  const target = resolve(state, table, wish);
  const route = table.routes.get(destination);
  if (route === undefined) {
    throw new Ec2Error(
      'InvalidParameterValue',
      `There is no route defined for '${destination}' in the route table. Use CreateRoute instead.`,
    );
  }
  if (route.origin !== 'CreateRoute') {
    throw new Ec2Error(
      'InvalidParameterValue',
      `cannot replace the ${route.origin} route ${destination} in ${tableId}`,
    );
  }
  checkPlace(state, table, destination, target);
  return put(state, table, { ...route, target });
}

export function deleteRoute(state: AwsState, tableId: string, destinationText: string): AwsState {
  const table = named(state.tables, 'rtb', tableId);
  const destination = readDestination(destinationText);
  const route = table.routes.get(destination);
  if (route === undefined) {
    throw new Ec2Error(
      'InvalidRoute.NotFound',
      `no route with destination-cidr-block ${destination} in route table ${tableId}`,
    );
  }
  if (route.target.kind === 'local') {
    throw new Ec2Error('InvalidParameterValue', `cannot remove local route ${destination} in route table ${tableId}`);
  }
  const routes = lacking(table.routes, destination);
  return { ...state, tables: having(state.tables, tableId, { ...table, routes }) };
}

/** The quota counts all but propagated routes, the local ones too (CLOUD.md 1.1). */
export const staticRoutes = (table: RouteTable): number =>
  [...table.routes.values()].filter(({ origin }) => origin !== 'EnableVgwRoutePropagation').length;

function put(state: AwsState, table: RouteTable, route: Route): AwsState {
  const routes = having(table.routes, route.destination, route);
  return { ...state, tables: having(state.tables, table.id, { ...table, routes }) };
}

/** Host bits are masked off, as AWS does. */
function readDestination(text: string): Subnet {
  const destination = trySubnet(text);
  if (destination === undefined || destination.includes(':')) {
    throw new Ec2Error(
      'InvalidParameterValue',
      `Value (${text}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.`,
    );
  }
  return destination;
}

function resolve(state: AwsState, table: RouteTable, wish: TargetWish): RouteTarget {
  const wishes = Object.values(wish).filter((it) => it !== undefined);
  if (wishes.length === 0) throw new Ec2Error('MissingParameter', 'The request must contain exactly one target.');
  if (wishes.length > 1) {
    throw new Ec2Error('InvalidParameterCombination', 'The request must contain exactly one target.');
  }
  if (wish.gateway !== undefined) {
    return wish.gateway === 'local' ? { kind: 'local' } : { kind: 'gateway', id: wish.gateway };
  }
  const id = wish.interface ?? interfaceOf(state, wish.instance ?? '');
  const target = named(state.interfaces, 'eni', id);
  if (target.vpc !== table.vpc) {
    throw new Ec2Error(
      'InvalidParameterValue',
      `route table ${table.id} and network interface ${id} belong to different networks`,
    );
  }
  return { kind: 'interface', id };
}

/** An instance id stands for its interface, when it has one alone. */
function interfaceOf(state: AwsState, instance: string): string {
  named(state.instances, 'i', instance);
  const own = [...state.interfaces.values()].filter(({ attachment }) => attachment?.instance === instance);
  const [only, ...more] = own;
  if (only === undefined || more.length > 0) {
    throw new Ec2Error(
      'InvalidInstanceID',
      `There are ${own.length} interfaces attached to instance '${instance}'. Please specify an interface ID for the operation instead.`,
    );
  }
  return only.id;
}

/** Where a route may not stand, whatever its target. */
function checkPlace(state: AwsState, table: RouteTable, destination: Subnet, target: RouteTarget): void {
  const refuse = (why: string): never => {
    throw new Ec2Error('InvalidParameterValue', `The destination CIDR block ${destination} ${why}.`);
  };
  if (contains(RESERVED, destination)) refuse(`is within ${RESERVED}, which is reserved`);
  const ranges = state.vpcs.get(table.vpc)?.ranges ?? [];
  const inside = ranges.some((range) => contains(range, destination));
  if (isEdgeTable(state, table.id) && (!inside || target.kind === 'gateway')) {
    refuse('cannot stand in a gateway route table, whose routes lead to targets within the VPC alone');
  }
  if (!inside) {
    if (target.kind === 'local') refuse('is not within the CIDR blocks of the VPC');
    return;
  }
  const isSubnet = [...state.subnets.values()].some(({ vpc, range }) => vpc === table.vpc && range === destination);
  if (!isSubnet || target.kind === 'gateway') {
    refuse('is more specific than the local route: it must be a whole subnet, and its target a network interface');
  }
}
