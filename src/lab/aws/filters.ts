/** Filters of DescribeX: all of them must fit, each by one of its values; `*` and `?` are wild. They choose things, never parts of a thing. */
import { Ec2Error } from './ec2-error.ts';
import type { AwsState } from './model.ts';
import { matches } from './permissions.ts';
import type { FilterWish } from './query.ts';

/** The values that a thing has for a filter. */
export type Fields<T> = Readonly<Record<string, (it: T) => readonly (string | undefined)[]>>;

/** @throws Ec2Error InvalidParameterValue for a filter that the kind of thing does not have. */
export function choose<T extends { readonly id: string }>(
  state: AwsState,
  all: Iterable<T>,
  filters: readonly FilterWish[],
  fields: Fields<T>,
): readonly T[] {
  const tests = filters.map(({ name, values }) => {
    const field = fields[name] ?? tagField(state, name);
    if (field === undefined) throw new Ec2Error('InvalidParameterValue', `The filter '${name}' is invalid`);
    return (it: T): boolean =>
      field(it).some((own) => own !== undefined && values.some((value) => matches(value, own)));
  });
  return [...all].filter((it) => tests.every((test) => test(it)));
}

function tagField(state: AwsState, name: string): ((it: { readonly id: string }) => readonly string[]) | undefined {
  if (name === 'tag-key') return ({ id }) => [...(state.tags.get(id)?.keys() ?? [])];
  if (!name.startsWith('tag:')) return undefined;
  const key = name.slice('tag:'.length);
  return ({ id }) => {
    const value = state.tags.get(id)?.get(key);
    return value === undefined ? [] : [value];
  };
}
