/**
 * The account's route tables as kernel routing: a rule for each subnet's bridge picks the kernel table of the subnet's route table. A kernel table
 * answers for every address: what it has no route for is dropped silently, as in a VPC. Frames between two ports of one bridge are not
 * routed at all, so no table is asked within a subnet.
 */
import { tableOf } from './associations.ts';
import { carries } from './interfaces.ts';
import type { AwsState, Route, RouteTable } from './model.ts';
import type { VpcWiring } from './vpc-wiring.ts';

/** Kernel state as `ip` words: what to say behind `rule add`, and behind `route replace table N`, by destination. */
export interface VpcRouting {
  readonly rules: ReadonlySet<string>;
  readonly tables: ReadonlyMap<number, ReadonlyMap<string, string>>;
}

export const NOTHING: VpcRouting = { rules: new Set(), tables: new Map() };

const RULE_PRIORITY = 100;
const EVERYWHERE = '0.0.0.0/0';

/** @param numberOf the kernel table of a route table. */
export function routingOf(state: AwsState, wiring: VpcWiring, numberOf: (table: string) => number): VpcRouting {
  const rules = new Set<string>();
  for (const [subnet, bridge] of wiring.bridges) {
    const table = state.tables.get(tableOf(state, subnet));
    // Its table is gone: nothing finds a way.
    const lookup = table === undefined ? 'blackhole' : `lookup ${numberOf(table.id)}`;
    rules.add(`priority ${RULE_PRIORITY} iif ${bridge} ${lookup}`);
  }
  const own = [...state.tables.values()].filter(({ vpc }) => vpc === wiring.vpc);
  return { rules, tables: new Map(own.map((table) => [numberOf(table.id), linesOf(state, wiring, table)])) };
}

function linesOf(state: AwsState, wiring: VpcWiring, table: RouteTable): ReadonlyMap<string, string> {
  const lines = new Map([[EVERYWHERE, `blackhole ${EVERYWHERE}`]]);
  for (const [subnet, bridge] of wiring.bridges) {
    const range = state.subnets.get(subnet)?.range;
    if (range !== undefined) lines.set(range, `${range} dev ${bridge}`);
  }
  for (const route of table.routes.values()) lines.set(route.destination, line(state, wiring, route));
  return lines;
}

function line(state: AwsState, wiring: VpcWiring, { destination, target }: Route): string {
  const nowhere = `blackhole ${destination}`;
  // A subnet's own range has a line already; the rest of the VPC's range is nobody's.
  if (target.kind === 'local') return nowhere;
  if (target.kind === 'gateway') {
    return wiring.way === undefined ? nowhere : `${destination} via ${wiring.way.via} dev ${wiring.way.device}`;
  }
  const to = state.interfaces.get(target.id);
  if (to === undefined || !carries(state, to) || state.damage.deadTargets.has(to.id)) return nowhere;
  const bridge = wiring.bridges.get(to.subnet);
  return bridge === undefined ? nowhere : `${destination} via ${to.address} dev ${bridge}`;
}

/** `ip -batch` lines that turn one routing into the other; none leaves a destination without an answer. */
export function routingChanges(before: VpcRouting, after: VpcRouting): readonly string[] {
  const lines: string[] = [];
  for (const [number, routes] of after.tables) {
    const standing = before.tables.get(number);
    for (const [destination, words] of routes) {
      if (standing?.get(destination) !== words) lines.push(`route replace table ${number} ${words}`);
    }
    for (const destination of standing?.keys() ?? []) {
      if (!routes.has(destination)) lines.push(`route delete table ${number} ${destination}`);
    }
  }
  for (const rule of after.rules) if (!before.rules.has(rule)) lines.push(`rule add ${rule}`);
  for (const rule of before.rules) if (!after.rules.has(rule)) lines.push(`rule delete ${rule}`);
  for (const number of before.tables.keys()) if (!after.tables.has(number)) lines.push(`route flush table ${number}`);
  return lines;
}
