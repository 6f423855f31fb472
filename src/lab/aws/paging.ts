/** Pages of a long answer. A token holds where the next page begins; one that is not ours is refused. */
import { Ec2Error } from './ec2-error.ts';
import type { Query } from './query.ts';

export interface Page<T> {
  readonly items: readonly T[];
  /** Undefined on the last page. */
  readonly next?: string;
}

const LEAST = 5;
const MOST = 1000;
const TOKEN = /^from (.+)$/s;

/** A page of a DescribeX of EC2. @param most what MaxResults may be. */
export const pageOf = <T extends { readonly id: string }>(
  all: readonly T[],
  query: Query,
  ids: readonly string[],
  most = MOST,
): Page<T> => sliceOf(all, sizeOf(query, ids, most), query.text('NextToken'));

/** Things ordered by id, so that one that comes or goes between two pages moves no other into or out of sight. */
export function sliceOf<T extends { readonly id: string }>(
  all: readonly T[],
  size: number,
  after: string | undefined,
): Page<T> {
  const from = after === undefined ? '' : readToken(after);
  const rest = all.filter(({ id }) => id > from).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const items = rest.slice(0, size);
  const last = items.at(-1);
  return rest.length <= items.length || last === undefined ? { items } : { items, next: writeToken(last.id) };
}

export const isPaged = (query: Query): boolean => query.text('MaxResults') !== undefined;

function sizeOf(query: Query, ids: readonly string[], most: number): number {
  const text = query.text('MaxResults');
  if (text === undefined) return Infinity;
  if (ids.length > 0) {
    throw new Ec2Error(
      'InvalidParameterCombination',
      'The parameter MaxResults cannot be used with ids in the same request.',
    );
  }
  const size = Number(text);
  if (!Number.isInteger(size) || size < LEAST || size > most) {
    throw new Ec2Error(
      'InvalidParameterValue',
      `Value (${text}) for parameter maxResults is invalid: ${LEAST} to ${most}`,
    );
  }
  return size;
}

const writeToken = (id: string): string => Buffer.from(`from ${id}`).toString('base64url');

function readToken(token: string): string {
  const id = TOKEN.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (id === undefined) throw new Ec2Error('InvalidNextToken', `The token '${token}' is invalid`);
  return id;
}
