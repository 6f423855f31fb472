/**
 * A cluster as it is found after a bad week, and what ought to stand in its route tables when the reconciler is done with it. Both are computed here
 * from the same list of nodes, the second by nothing of what is tested.
 *
 *   subnet   nodes   table   its wanted routes           at first in it, besides
 *   a           40   a       960 to nodes of b and c     100 stale, 30 foreign outside the Network, 5 inside, 10 black holes of nobody
 *   b          480   b       520 to nodes of a and c      50 stale, 10 foreign outside, 20 wanted ones that lead to an old interface
 *   c          480   c       520 to nodes of a and b      50 stale, 5 foreign ones where a wanted one should stand
 *
 * 300 wanted routes stand already. Ten more nodes have leases and routes, 10 black holes, and their instances are terminated.
 */
import assert from 'node:assert/strict';
import { offset, parseAddress } from '../../src/core/address.ts';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet, subnetOf, type Subnet } from '../../src/core/subnet.ts';
import { planned, type VpcPlan } from '../../src/lab/aws/account.ts';
import { idOf } from '../../src/lab/aws/ids.ts';
import { having, lacking, type AwsState, type Route } from '../../src/lab/aws/model.ts';
import type { LeasedNode } from './node-rows.ts';

const VPC = 'big';
export const BIG_NETWORK = planned.vpc(VPC);
export const BIG_CONFIG = {
  Network: '10.128.0.0/13',
  SubnetLen: 24,
  Backend: { Type: 'auto' },
  Weft: { RouteWriter: 'reconciler' },
};

const SUBNETS = { a: 40, b: 480, c: 480 } as const;
type SubnetName = keyof typeof SUBNETS;
const NAMES = Object.keys(SUBNETS) as readonly SubnetName[];
const RANGES: Readonly<Record<SubnetName, string>> = { a: '10.0.0.0/18', b: '10.0.64.0/18', c: '10.0.128.0/18' };

/** The overlay's subnet of this number. */
const lease = (number: number): Subnet => subnetOf(offset(parseAddress('10.128.0.0'), number * 256), 24);
const outside = (number: number): Subnet => parseSubnet(`172.20.${number}.0/24`);
const tableOf = (subnet: SubnetName): string => planned.table(`table-${subnet}`);

function nodeOf(subnet: SubnetName, inSubnet: number, number: number): LeasedNode {
  const base = parseAddress(RANGES[subnet].split('/')[0] ?? '');
  return {
    name: `${subnet}${inSubnet}`,
    vpc: VPC,
    subnet,
    table: `table-${subnet}`,
    address: offset(base, 10 + inSubnet),
    lease: lease(number),
    epoch: number + 1,
  };
}

const counted = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

export const LIVING: readonly LeasedNode[] = NAMES.flatMap((subnet, at) => {
  const before = NAMES.slice(0, at).reduce((sum, name) => sum + SUBNETS[name], 0);
  return counted(SUBNETS[subnet]).map((index) => nodeOf(subnet, index, before + index));
});
/** With leases, and without instances. */
export const DEAD: readonly LeasedNode[] = counted(10).map((index) =>
  nodeOf(index % 2 === 0 ? 'b' : 'c', 1000 + index, 1000 + index),
);
/** Interfaces that check source and destination again, by another hand. */
export const CHECKING: readonly LeasedNode[] = LIVING.filter((_, index) => index % 150 === 7);

const FOREIGN = 'vpn';

export const BIG_PLAN: VpcPlan = {
  name: VPC,
  ranges: ['10.0.0.0/16'],
  tables: [{ name: 'main' }, ...NAMES.map((name) => ({ name: `table-${name}` }))],
  subnets: NAMES.map((name) => ({ name, range: RANGES[name], zone: `eu-central-1${name}`, table: `table-${name}` })),
  groups: [],
  instances: [
    ...[...LIVING, ...DEAD].map(({ name, subnet, address }) => ({
      name,
      subnet,
      address,
      groups: [],
      tags: { 'weft:node': 'yes' },
    })),
    { name: FOREIGN, subnet: 'a', address: '10.0.63.250', groups: [] },
  ],
};

interface Standing {
  readonly subnet: SubnetName;
  readonly destination: Subnet;
  readonly target: string;
  /** Undefined: the ledger knows nothing of it. */
  readonly ledger?: Pick<LedgerRow, 'node' | 'epoch'>;
}

const goneInterface = (number: number): string => idOf('eni', `gone ${number}`);
const ownerOf = ({ name, epoch }: LeasedNode): Pick<LedgerRow, 'node' | 'epoch'> => ({
  node: parseNodeId(planned.instance(name)),
  epoch,
});
const strangerOf = (number: number): Pick<LedgerRow, 'node' | 'epoch'> => ({
  node: parseNodeId(idOf('i', `gone ${number}`)),
  epoch: 5000 + number,
});

/** Nodes that senders in this subnet reach by its table. */
const peersOf = (subnet: SubnetName): readonly LeasedNode[] => LIVING.filter((node) => node.subnet !== subnet);

const right = (subnet: SubnetName, from: number, count: number): readonly Standing[] =>
  peersOf(subnet)
    .slice(from, from + count)
    .map((node) => ({
      subnet,
      destination: parseSubnet(node.lease),
      target: planned.interface(node.name),
      ledger: ownerOf(node),
    }));

/** Half of them lead to a machine that lives, and half to nowhere. */
const stale = (subnet: SubnetName, from: number, count: number): readonly Standing[] =>
  counted(count).map((index) => ({
    subnet,
    destination: lease(1200 + from + index),
    target: index % 2 === 0 ? planned.interface(`b${index}`) : goneInterface(from + index),
    ledger: strangerOf(from + index),
  }));

const foreign = (subnet: SubnetName, destinations: readonly Subnet[]): readonly Standing[] =>
  destinations.map((destination) => ({ subnet, destination, target: planned.interface(FOREIGN) }));

export const CONFLICTS: readonly Subnet[] = peersOf('c')
  .slice(200, 205)
  .map((node) => parseSubnet(node.lease));

export const RIGHT: readonly Standing[] = [...right('a', 0, 150), ...right('b', 0, 100), ...right('c', 0, 50)];
const STALE: readonly Standing[] = [...stale('a', 0, 100), ...stale('b', 100, 50), ...stale('c', 150, 50)];
/** They lead to the interface that the node had before. */
const WRONG: readonly Standing[] = right('b', 100, 20).map((route, index) => ({
  ...route,
  target: planned.interface(`c${400 + index}`),
}));
export const FOREIGNERS: readonly Standing[] = [
  ...foreign('a', counted(30).map(outside)),
  ...foreign(
    'a',
    counted(5).map((index) => lease(1500 + index)),
  ),
  ...foreign(
    'b',
    counted(10).map((index) => outside(100 + index)),
  ),
  ...foreign('c', CONFLICTS),
];
/** Nobody's: no ledger row tells who made them. */
export const BLACK_HOLES: readonly Standing[] = counted(10).map((index) => ({
  subnet: 'a',
  destination: lease(1600 + index),
  target: goneInterface(1600 + index),
}));
const OF_THE_DEAD: readonly Standing[] = DEAD.map((node) => ({
  subnet: 'a',
  destination: parseSubnet(node.lease),
  target: planned.interface(node.name),
  ledger: ownerOf(node),
}));

const AT_FIRST: readonly Standing[] = [...RIGHT, ...STALE, ...WRONG, ...FOREIGNERS, ...BLACK_HOLES, ...OF_THE_DEAD];

/** The account with all that stands in it at first. */
export function weathered(state: AwsState): AwsState {
  let { tables, instances, interfaces } = state;
  for (const subnet of NAMES) {
    const id = tableOf(subnet);
    const table = tables.get(id);
    assert.ok(table !== undefined);
    const routes = new Map(table.routes);
    for (const it of AT_FIRST.filter((one) => one.subnet === subnet)) {
      const route: Route = {
        destination: it.destination,
        origin: 'CreateRoute',
        target: { kind: 'interface', id: it.target },
      };
      routes.set(it.destination, route);
    }
    tables = having(tables, id, { ...table, routes });
  }
  const checking = new Set(CHECKING.map(({ name }) => planned.interface(name)));
  interfaces = new Map([...interfaces].map(([id, it]) => [id, { ...it, sourceDestCheck: checking.has(id) }]));
  for (const { name } of DEAD) {
    const instance = instances.get(planned.instance(name));
    assert.ok(instance !== undefined);
    instances = having(instances, instance.id, { ...instance, state: 'terminated' });
    interfaces = lacking(interfaces, planned.interface(name));
  }
  return { ...state, tables, instances, interfaces };
}

export const ledgerAtFirst = (): readonly LedgerRow[] =>
  AT_FIRST.flatMap(({ subnet, destination, target, ledger }) =>
    ledger === undefined
      ? []
      : [{ table: tableOf(subnet), destination, target, ...ledger, state: 'committed', generation: 0 } as const],
  );

/** The route that every table begins with counts too. */
const VPCS_OWN = 1;

export interface Expected {
  readonly table: string;
  /** "destination target" of routes that stand whatever else does. */
  readonly surely: ReadonlySet<string>;
  /** As many of these as there is room for. */
  readonly wanted: ReadonlySet<string>;
  readonly room: number;
}

const text = ({ destination, target }: Pick<Standing, 'destination' | 'target'>): string => `${destination} ${target}`;

/** What ought to stand in the end: everybody else's routes, those of ours that stood and are right, and of the others as many as have room. */
export function expected(quota: number): readonly Expected[] {
  return NAMES.map((subnet) => {
    const others = [...FOREIGNERS, ...BLACK_HOLES].filter((it) => it.subnet === subnet);
    const wanted = right(subnet, 0, Infinity).filter(
      ({ destination }) => !others.some((it) => it.destination === destination),
    );
    const stood = RIGHT.filter((it) => it.subnet === subnet);
    return {
      table: tableOf(subnet),
      surely: new Set([...others, ...stood].map(text)),
      wanted: new Set(wanted.map(text)),
      room: Math.min(wanted.length, quota - VPCS_OWN - others.length),
    };
  });
}

/** The fewest calls that lead from what stands to what ought to: creations, replacements, removals, interfaces. */
export function fewestCalls(quota: number): number {
  const created = expected(quota).reduce((sum, { table, room }) => {
    const stood = [...RIGHT, ...WRONG].filter((it) => tableOf(it.subnet) === table).length;
    return sum + room - stood;
  }, 0);
  return created + WRONG.length + STALE.length + OF_THE_DEAD.length + CHECKING.length;
}
