/** How an order to the lab names things: by id or by `Name` tag. */
import type { EmulatedAws } from './cloud.ts';
import { interfacesOf } from './interfaces.ts';
import type { AwsState } from './model.ts';

export type Order = Readonly<Record<string, unknown>>;
export type Operation = (cloud: EmulatedAws, order: Order) => unknown;

export function textOf(order: Order, key: string): string {
  const value = order[key];
  if (typeof value !== 'string') throw new Error(`"${key}" is missing`);
  return value;
}

/** @param least what it must be at least */
export function numberOf(order: Order, key: string, least: number, otherwise?: number): number {
  const value = order[key] ?? otherwise;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least)
    throw new Error(`"${key}": expected a number from ${least}`);
  return value;
}

/** Words with commas between them; undefined: none. */
export function wordsOf(order: Order, key: string): readonly string[] {
  const value = order[key];
  return value === undefined ? [] : textOf(order, key).split(',');
}

/** An id of this kind as it is, or that of the thing with this `Name`. */
export function find(state: AwsState, kind: string, name: string): string {
  if (name.startsWith(`${kind}-0`)) return name;
  for (const [id, tags] of state.tags) if (id.startsWith(`${kind}-`) && tags.get('Name') === name) return id;
  throw new Error(`no ${kind} is named "${name}"`);
}

/** `interface`, or the first interface of `instance`. */
export function targetOf(state: AwsState, order: Order): string {
  if (order['interface'] !== undefined) return textOf(order, 'interface');
  const instance = find(state, 'i', textOf(order, 'instance'));
  const [first] = interfacesOf(state, instance);
  if (first === undefined) throw new Error(`${instance} has no interface`);
  return first.id;
}

export function making(
  cloud: EmulatedAws,
  make: (state: AwsState) => readonly [id: string, state: AwsState],
): { id: string } {
  let made = '';
  cloud.write((state) => {
    const [id, next] = make(state);
    made = id;
    return next;
  });
  return { id: made };
}
