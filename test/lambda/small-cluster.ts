/** Six instances in two subnets with a table each, and the routes that ought to stand when all of them hold leases. */
import { planned, type VpcPlan } from '../../src/lab/aws/account.ts';
import type { LeasedNode } from './node-rows.ts';

const VPC = 'lab';
export const NETWORK = planned.vpc(VPC);
export const TABLES = { a: planned.table('table-a'), b: planned.table('table-b') };
export const CONFIG = {
  Network: '10.42.0.0/16',
  Backend: { Type: 'auto' },
  Weft: { RouteWriter: 'reconciler' },
};

export const NODES: readonly LeasedNode[] = (['a', 'b'] as const).flatMap((subnet, half) =>
  [1, 2, 3].map((number) => ({
    name: `${subnet}${number}`,
    vpc: VPC,
    subnet,
    table: `table-${subnet}`,
    address: `10.0.${half + 1}.${10 + number}`,
    lease: `10.42.${half * 10 + number}.0/24`,
    epoch: half * 10 + number,
  })),
);

export const PLAN: VpcPlan = {
  name: VPC,
  ranges: ['10.0.0.0/16'],
  tables: [{ name: 'main' }, { name: 'table-a' }, { name: 'table-b' }],
  subnets: [
    { name: 'a', range: '10.0.1.0/24', zone: 'eu-central-1a', table: 'table-a' },
    { name: 'b', range: '10.0.2.0/24', zone: 'eu-central-1b', table: 'table-b' },
  ],
  groups: [],
  instances: NODES.map(({ name, subnet, address }) => ({
    name,
    subnet,
    address,
    groups: [],
    tags: { 'weft:node': 'yes' },
  })),
};

/** As LambdaWorld.routes prints a table's: to the nodes of the other subnet, which have no other way. */
export const routesFor = (subnet: 'a' | 'b', nodes: readonly LeasedNode[]): readonly string[] =>
  nodes
    .filter((node) => node.subnet !== subnet)
    .map(({ name, lease }) => `${lease} ${planned.interface(name)}`)
    .toSorted();
