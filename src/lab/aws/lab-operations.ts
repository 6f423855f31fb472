/**
 * What the world does to an account without a call of the API, and what a person may want to try. Every one names its things by id
 * or by `Name` tag (lab-orders.ts); of many machines at once: fleet-operations.ts.
 */
import { parseAddress } from '../../core/address.ts';
import { parseSubnet } from '../../core/subnet.ts';
import { ruleOf, type RulePlan } from './account.ts';
import { associate, disassociate, mainOf, replaceAssociation } from './associations.ts';
import type { EmulatedAws } from './cloud.ts';
import { FLEET_OPERATIONS } from './fleet-operations.ts';
import { attachNew, detach, interfacesOf, setSourceDestCheck, swapInterface } from './interfaces.ts';
import { find, making, targetOf, textOf, type Operation, type Order } from './lab-orders.ts';
import { readMetadataFault } from './metadata-faults.ts';
import { having, lacking, type Damage } from './model.ts';
import { createRoute, deleteRoute, replaceRoute, staticRoutes } from './routes.ts';

/** Yields what it made, if anything. */
export function operate(cloud: EmulatedAws, order: Order): unknown {
  const op = OPERATIONS[textOf(order, 'op')];
  if (op === undefined) throw new Error(`no operation "${String(order['op'])}": ${Object.keys(OPERATIONS).join(', ')}`);
  return op(cloud, order);
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  /** Routes to the interface lead nowhere, and the API goes on calling them active. */
  'kill-routes': (cloud, order) => damageSet(cloud, 'deadTargets', targetOf(cloud.state, order), true),
  'mend-routes': (cloud, order) => damageSet(cloud, 'deadTargets', targetOf(cloud.state, order), false),
  /** The interface neither sends nor receives, and no API shows it. */
  darken: (cloud, order) => damageSet(cloud, 'dark', targetOf(cloud.state, order), true),
  lighten: (cloud, order) => damageSet(cloud, 'dark', targetOf(cloud.state, order), false),
  /** Packets of one direction vanish, by the addresses that they themselves carry. */
  drop: (cloud, order) => {
    const drop = { from: parseSubnet(textOf(order, 'from')), to: parseSubnet(textOf(order, 'to')) };
    cloud.setDamage((damage) => ({ ...damage, drops: [...damage.drops, drop] }));
  },
  'clear-damage': (cloud) =>
    cloud.setDamage(() => ({ dark: new Set<string>(), deadTargets: new Set<string>(), drops: [] })),

  stop: (cloud, order) => cloud.orderInstance(find(cloud.state, 'i', textOf(order, 'instance')), 'stop'),
  start: (cloud, order) => cloud.orderInstance(find(cloud.state, 'i', textOf(order, 'instance')), 'start'),
  terminate: (cloud, order) => cloud.orderInstance(find(cloud.state, 'i', textOf(order, 'instance')), 'terminate'),
  detach: (cloud, order) => {
    const id = targetOf(cloud.state, order);
    cloud.changeTargets([id], (state) => detach(state, id));
  },
  attach: (cloud, order) => {
    const instance = find(cloud.state, 'i', textOf(order, 'instance'));
    const [first] = interfacesOf(cloud.state, instance);
    if (first === undefined) throw new Error(`${instance} has no interface to take subnet and groups from`);
    const { subnet, groups } = first;
    const plan = { subnet, groups, address: parseAddress(textOf(order, 'address')), mac: textOf(order, 'mac') };
    return making(cloud, (state) => attachNew(state, instance, plan));
  },
  /** Another interface in the place of the old one, at the same address. */
  'swap-interface': (cloud, order) => {
    const id = targetOf(cloud.state, order);
    return making(cloud, (state) => swapInterface(state, id));
  },

  /** What serves a subnet: another table, or with none the main one. */
  associate: (cloud, order) => {
    const subnet = find(cloud.state, 'subnet', textOf(order, 'subnet'));
    const standing = [...cloud.state.associations.values()].find((it) => it.subnet === subnet);
    if (order['table'] === undefined) {
      if (standing !== undefined) cloud.write((state) => disassociate(state, standing.id));
      return undefined;
    }
    const table = find(cloud.state, 'rtb', textOf(order, 'table'));
    return making(cloud, (state) =>
      standing === undefined ? associate(state, table, subnet) : replaceAssociation(state, standing.id, table),
    );
  },
  'set-main': (cloud, order) => {
    const table = find(cloud.state, 'rtb', textOf(order, 'table'));
    const main = mainOf(cloud.state, cloud.state.tables.get(table)?.vpc ?? '');
    return making(cloud, (state) => replaceAssociation(state, main.id, table));
  },
  /** Of one table: `routes` in all, or so many `free` ones more than stand; without either the account's. */
  quota: (cloud, order) => {
    const id = find(cloud.state, 'rtb', textOf(order, 'table'));
    const { routes, free } = order;
    cloud.timeline.change((state) => {
      const table = state.tables.get(id);
      if (table === undefined) return state;
      const { quota: _, ...rest } = table;
      const wished = typeof free === 'number' ? staticRoutes(table) + free : routes;
      return {
        ...state,
        tables: having(state.tables, id, typeof wished === 'number' ? { ...rest, quota: wished } : rest),
      };
    });
  },
  'lose-table': (cloud, order) => {
    const id = find(cloud.state, 'rtb', textOf(order, 'table'));
    cloud.write((state) => ({ ...state, tables: lacking(state.tables, id) }));
  },
  /** What another hand does to a route: `destination` to the interface of `instance`, whatever stands there. */
  'put-route': (cloud, order) => {
    const table = find(cloud.state, 'rtb', textOf(order, 'table'));
    const destination = textOf(order, 'destination');
    const wish = { interface: targetOf(cloud.state, order) };
    const stands = cloud.state.tables.get(table)?.routes.has(parseSubnet(destination));
    cloud.write((state) =>
      stands === true
        ? replaceRoute(state, table, destination, wish)
        : createRoute(state, table, destination, wish, cloud.settings.routeQuota),
    );
  },
  'remove-route': (cloud, order) => {
    const table = find(cloud.state, 'rtb', textOf(order, 'table'));
    cloud.write((state) => deleteRoute(state, table, textOf(order, 'destination')));
  },
  /** Source/destination check, by another hand. */
  check: (cloud, order) => {
    const id = targetOf(cloud.state, order);
    cloud.write((state) => setSourceDestCheck(state, id, order['on'] === true));
  },
  /** All ingress of a security group anew: a list of `rules`, or `peers` that may do everything, with commas between them. */
  ingress: (cloud, order) => {
    const id = find(cloud.state, 'sg', textOf(order, 'group'));
    const ingress = rulesOf(order).map(ruleOf);
    cloud.timeline.change((state) => {
      const group = state.groups.get(id);
      return group === undefined ? state : { ...state, groups: having(state.groups, id, { ...group, ingress }) };
    });
  },
  /** Of the metadata server, for one instance by its name or for all: `kind` as in metadata-faults.ts, or `well`. */
  metadata: (cloud, order) => {
    const instance = order['instance'];
    const fault = readMetadataFault(order['kind'], order['ms']);
    cloud.metadataFaults.set(fault, typeof instance === 'string' ? instance : undefined);
  },
  drain: (cloud, order) => cloud.throttle.drain(textOf(order, 'action')),
  ...FLEET_OPERATIONS,
};

function damageSet(cloud: EmulatedAws, key: 'dark' | 'deadTargets', id: string, there: boolean): void {
  cloud.setDamage((damage): Damage => {
    const ids = new Set(damage[key]);
    if (there) ids.add(id);
    else ids.delete(id);
    return { ...damage, [key]: ids };
  });
}

function rulesOf(order: Order): readonly RulePlan[] {
  const { rules, peers } = order;
  if (typeof peers === 'string') return peers.split(',').map((peer) => ({ peer }));
  if (Array.isArray(rules)) return rules as readonly RulePlan[];
  throw new Error('"peers" or "rules" is missing');
}

export const OPERATION_NAMES: readonly string[] = Object.keys(OPERATIONS);
