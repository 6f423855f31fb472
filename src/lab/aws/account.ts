/** The account at first, from a plan in which people name things: ids are derived from the names, and the names stand in `Name` tags. */
import { addressValue, parseAddress, type Address } from '../../core/address.ts';
import { parseSubnet, type Subnet } from '../../core/subnet.ts';
import { idOf } from './ids.ts';
import {
  EMPTY,
  type Association,
  type AwsState,
  type CloudSubnet,
  type GroupRule,
  type Instance,
  type NetworkInterface,
  type Route,
  type RouteTable,
  type SecurityGroup,
} from './model.ts';

export interface VpcPlan {
  readonly name: string;
  readonly ranges: readonly string[];
  /** The first is the main one. */
  readonly tables: readonly TablePlan[];
  readonly subnets: readonly SubnetPlan[];
  readonly groups: readonly GroupPlan[];
  readonly instances: readonly InstancePlan[];
}

export interface TablePlan {
  readonly name: string;
  /** Name of the gateway that 0.0.0.0/0 leads to. */
  readonly internet?: string;
  /** Name of a gateway that it is associated with: then it is an edge table. */
  readonly edgeOf?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface SubnetPlan {
  readonly name: string;
  readonly range: string;
  readonly zone: string;
  /** Name of its table; undefined: the main one serves it. */
  readonly table?: string;
}

export interface GroupPlan {
  readonly name: string;
  readonly ingress: readonly RulePlan[];
  /** Undefined: all. */
  readonly egress?: readonly RulePlan[];
}

export interface RulePlan {
  readonly protocol?: GroupRule['protocol'];
  readonly ports?: readonly [number, number];
  /** A range, or the name of a group. */
  readonly peer: string;
}

export interface InstancePlan {
  readonly name: string;
  readonly subnet: string;
  readonly address: string;
  readonly groups: readonly string[];
  readonly role?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** The id that a plan's thing gets. */
export const planned = {
  vpc: (name: string) => idOf('vpc', name),
  table: (name: string) => idOf('rtb', name),
  subnet: (name: string) => idOf('subnet', name),
  group: (name: string) => idOf('sg', name),
  instance: (name: string) => idOf('i', name),
  interface: (instance: string) => idOf('eni', instance),
  gateway: (name: string) => idOf('igw', name),
  association: (name: string) => idOf('rtbassoc', name),
} as const;

const EVERYWHERE = parseSubnet('0.0.0.0/0');

/** Locally administered, and as unique as the address within a VPC. */
export function macOf(address: Address): string {
  const digits = addressValue(address).toString(16).padStart(8, '0');
  return ['02', '57', ...(digits.match(/../g) ?? [])].join(':');
}

export function buildAccount(plans: readonly VpcPlan[]): AwsState {
  return plans.reduce(addVpc, EMPTY);
}

function addVpc(state: AwsState, plan: VpcPlan): AwsState {
  const vpc = planned.vpc(plan.name);
  const ranges = plan.ranges.map(parseSubnet);
  const tags = new Map(state.tags);
  const tag = (id: string, name: string, more: Readonly<Record<string, string>> = {}): void => {
    tags.set(id, new Map(Object.entries({ Name: name, ...more })));
  };
  tag(vpc, plan.name);

  const tables = plan.tables.map((it): RouteTable => {
    tag(planned.table(it.name), it.name, it.tags);
    return { id: planned.table(it.name), vpc, routes: firstRoutes(ranges, it) };
  });
  const subnets = plan.subnets.map((it): CloudSubnet => {
    tag(planned.subnet(it.name), it.name);
    return { id: planned.subnet(it.name), vpc, range: parseSubnet(it.range), zone: it.zone };
  });
  const groups = plan.groups.map((it): SecurityGroup => {
    const egress = it.egress ?? [{ peer: '0.0.0.0/0' }];
    tag(planned.group(it.name), it.name);
    const rules = (all: readonly RulePlan[]) => all.map(ruleOf);
    return { id: planned.group(it.name), vpc, name: it.name, ingress: rules(it.ingress), egress: rules(egress) };
  });
  const instances = plan.instances.map((it): Instance => {
    tag(planned.instance(it.name), it.name, it.tags);
    const zone = plan.subnets.find(({ name }) => name === it.subnet)?.zone;
    if (zone === undefined)
      throw new Error(`${it.name} stands in subnet ${it.subnet}, which ${plan.name} does not have`);
    const instance: Instance = { id: planned.instance(it.name), state: 'running', zone };
    return it.role === undefined ? instance : { ...instance, role: it.role };
  });
  const interfaces = plan.instances.map((it): NetworkInterface => {
    const address = parseAddress(it.address);
    return {
      id: planned.interface(it.name),
      vpc,
      subnet: planned.subnet(it.subnet),
      address,
      mac: macOf(address),
      groups: it.groups.map(planned.group),
      sourceDestCheck: true,
      attachment: { id: idOf('eni-attach', it.name), instance: planned.instance(it.name), device: 0 },
      shownAs: 'active',
    };
  });
  const byId = <T extends { readonly id: string }>(map: ReadonlyMap<string, T>, all: readonly T[]) =>
    new Map([...map, ...all.map((it) => [it.id, it] as const)]);
  return {
    ...state,
    vpcs: byId(state.vpcs, [{ id: vpc, ranges }]),
    tables: byId(state.tables, tables),
    subnets: byId(state.subnets, subnets),
    groups: byId(state.groups, groups),
    instances: byId(state.instances, instances),
    interfaces: byId(state.interfaces, interfaces),
    associations: byId(state.associations, firstAssociations(plan)),
    tags,
  };
}

function firstRoutes(ranges: readonly Subnet[], plan: TablePlan): ReadonlyMap<Subnet, Route> {
  const routes = new Map<Subnet, Route>();
  for (const destination of ranges) {
    routes.set(destination, { destination, origin: 'CreateRouteTable', target: { kind: 'local' } });
  }
  if (plan.internet !== undefined) {
    const target = { kind: 'gateway', id: planned.gateway(plan.internet) } as const;
    routes.set(EVERYWHERE, { destination: EVERYWHERE, origin: 'CreateRoute', target });
  }
  return routes;
}

function firstAssociations(plan: VpcPlan): readonly Association[] {
  const [main] = plan.tables;
  if (main === undefined) throw new Error(`${plan.name} needs a main table`);
  const id = (of: string): string => planned.association(`${plan.name} ${of}`);
  return [
    { id: id('main'), table: planned.table(main.name), main: true },
    ...plan.subnets.flatMap(({ name, table }) =>
      table === undefined
        ? []
        : [{ id: id(name), table: planned.table(table), subnet: planned.subnet(name), main: false }],
    ),
    ...plan.tables.flatMap(({ name, edgeOf }) =>
      edgeOf === undefined
        ? []
        : [{ id: id(`edge ${name}`), table: planned.table(name), gateway: planned.gateway(edgeOf), main: false }],
    ),
  ];
}

export function ruleOf({ protocol = 'all', ports, peer }: RulePlan): GroupRule {
  const rule: GroupRule = { protocol, peer: peer.includes('/') ? parseSubnet(peer) : { group: planned.group(peer) } };
  return ports === undefined ? rule : { ...rule, ports };
}
