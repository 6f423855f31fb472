/** Filters of DescribeX: all of them must fit, each by one of its values; `*` and `?` are wild. They choose things, never parts of a thing. */
import { Ec2Error } from './ec2-error.ts';
import type { AwsState } from './model.ts';
import { patternOf } from './permissions.ts';
import type { FilterWish } from './query.ts';

/** The values that a thing has for a filter. */
export type Fields<T> = Readonly<Record<string, (it: T) => readonly (string | undefined)[]>>;

/** @throws Ec2Error InvalidParameterValue for a filter that the kind of thing does not have, FilterLimitExceeded for too many values. */
export function choose<T extends { readonly id: string }>(
  state: AwsState,
  all: Iterable<T>,
  filters: readonly FilterWish[],
  fields: Fields<T>,
): readonly T[] {
  if (filters.reduce((sum, { values }) => sum + values.length, 0) > MOST_VALUES) {
    throw new Ec2Error('FilterLimitExceeded', `The maximum number of filter values is ${MOST_VALUES}`);
  }
  const tests = filters.map(({ name, values }) => {
    const field = fields[name] ?? tagField(state, name);
    if (field === undefined) throw new Ec2Error('InvalidParameterValue', `The filter '${name}' is invalid`);
    const fits = fitterOf(values);
    return (it: T): boolean => field(it).some((own) => own !== undefined && fits(own));
  });
  return [...all].filter((it) => tests.every((test) => test(it)));
}

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html */
const MOST_VALUES = 200;

/** A list of two hundred ids is looked up, not tried one by one. */
function fitterOf(values: readonly string[]): (own: string) => boolean {
  const plain = new Set(values.filter((value) => !/[*?\\]/.test(value)));
  const patterns = values.filter((value) => !plain.has(value)).map(patternOf);
  return (own) => plain.has(own) || patterns.some((pattern) => pattern.test(own));
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
