/** The account as lines, for people and for comparing: one a thing, sorted. */
import { associationsOf } from './associations.ts';
import { carries } from './interfaces.ts';
import type { AwsState, Route } from './model.ts';

export function printState(state: AwsState): readonly string[] {
  const tables = [...state.tables.values()].flatMap((table) => [
    ...[...table.routes.values()].map((route) => `route ${table.id} ${printRoute(state, route)}`),
    ...associationsOf(state, table.id).map(
      ({ subnet, gateway, main }) => `association ${table.id} ${main ? 'main' : (subnet ?? gateway)}`,
    ),
  ]);
  const interfaces = [...state.interfaces.values()].map((it) => {
    const check = it.sourceDestCheck ? 'check on' : 'check off';
    const at = it.attachment === undefined ? 'detached' : `of ${it.attachment.instance}`;
    return `interface ${it.id} ${it.address} ${at} ${check}${carries(state, it) ? '' : ' dark'}`;
  });
  const instances = [...state.instances.values()].map((it) => `instance ${it.id} ${it.state}`);
  const { deadTargets, drops } = state.damage;
  const damage = [
    ...[...deadTargets].map((id) => `damage routes to ${id} are dead`),
    ...drops.map(({ from, to }) => `damage packets from ${from} to ${to} vanish`),
  ];
  return [...tables, ...interfaces, ...instances, ...damage].toSorted();
}

/** "vpc lab vpc-0..." of all that has a name. */
export function printIds(state: AwsState): readonly string[] {
  const named = [...state.tags].flatMap(([id, tags]) => {
    const name = tags.get('Name');
    return name === undefined ? [] : [`${id.slice(0, id.indexOf('-'))} ${name} ${id}`];
  });
  const interfaces = [...state.interfaces.values()].map(({ id, attachment }) => {
    const of =
      attachment === undefined ? '-' : (state.tags.get(attachment.instance)?.get('Name') ?? attachment.instance);
    return `eni ${of} ${id}`;
  });
  return [...named, ...interfaces].toSorted();
}

function printRoute(state: AwsState, { destination, target, origin }: Route): string {
  const to = target.kind === 'local' ? 'local' : target.id;
  const shown = target.kind === 'interface' ? (state.interfaces.get(target.id)?.shownAs ?? 'blackhole') : 'active';
  return `${destination} ${to} ${shown} ${origin}`;
}
