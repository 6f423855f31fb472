/** Condition operators. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
import { filledIn, fits, fitsArn, type Pattern } from './pattern.ts';
import { valuesOf, type Context } from './request.ts';

/** Does the request's value stand in this relation to one value of the policy? */
type Comparison = (given: string, wanted: Pattern, context: Context) => boolean;

export interface Operator {
  readonly compare: Comparison | 'null';
  /** It holds when the comparison holds with no value of the policy. */
  readonly negated: boolean;
  readonly ifExists: boolean;
  /** Of a key with several values: must all of them fit, or any? */
  readonly over: 'all' | 'any';
  /** Written out: then a key that is missing has no value, and `all` of none fit. */
  readonly set: boolean;
}

export interface Condition {
  readonly operator: Operator;
  readonly key: string;
  readonly patterns: readonly Pattern[];
}

const equals =
  (by: (text: string) => string): Comparison =>
  (given, wanted, context) => {
    const text = filledIn(wanted, context);
    return text !== undefined && by(text) === by(given);
  };

const like: Comparison = (given, wanted, context) => fits(wanted, given, context);
/** ArnEquals and ArnLike behave identically. */
const arn: Comparison = (given, wanted, context) => fitsArn(wanted, given, context);

const ordered =
  (read: (text: string) => number, holds: (given: number, wanted: number) => boolean): Comparison =>
  (given, wanted, context) => {
    const [left, right] = [read(given), read(filledIn(wanted, context) ?? '')];
    return !Number.isNaN(left) && !Number.isNaN(right) && holds(left, right);
  };

const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));
/** ISO 8601, or seconds since 1970. */
const date = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

const ORDERS = {
  Equals: (given: number, wanted: number) => given === wanted,
  LessThan: (given: number, wanted: number) => given < wanted,
  LessThanEquals: (given: number, wanted: number) => given <= wanted,
  GreaterThan: (given: number, wanted: number) => given > wanted,
  GreaterThanEquals: (given: number, wanted: number) => given >= wanted,
} as const;

const comparisons = (prefix: string, read: (text: string) => number): readonly (readonly [string, Comparison])[] =>
  Object.entries(ORDERS).map(([name, holds]) => [`${prefix}${name}`, ordered(read, holds)] as const);

const POSITIVE: Readonly<Record<string, Comparison>> = {
  StringEquals: equals((text) => text),
  StringEqualsIgnoreCase: equals((text) => text.toLowerCase()),
  StringLike: like,
  ArnEquals: arn,
  ArnLike: arn,
  Bool: equals((text) => text.toLowerCase()),
  ...Object.fromEntries(comparisons('Numeric', number)),
  ...Object.fromEntries(comparisons('Date', date)),
};

const NEGATED: Readonly<Record<string, string>> = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
};

/** @throws Error for one that is not evaluated here: BinaryEquals, IpAddress and NotIpAddress */
export function readOperator(name: string): Operator {
  const [, quantor, base = '', ifExists] = /^(ForAllValues:|ForAnyValue:)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const compare = base === 'Null' ? 'null' : POSITIVE[NEGATED[base] ?? base];
  if (compare === undefined || (compare === 'null' && (ifExists !== undefined || quantor !== undefined)))
    throw new Error(`condition operator "${name}" is not evaluated here`);
  return {
    compare,
    negated: NEGATED[base] !== undefined,
    ifExists: ifExists !== undefined,
    over: quantor === 'ForAllValues:' ? 'all' : 'any',
    set: quantor !== undefined,
  };
}

export function holds({ operator, key, patterns }: Condition, context: Context): boolean {
  const { compare, negated, ifExists, over, set } = operator;
  const given = valuesOf(context, key);
  const missing = given === undefined || given.length === 0;
  if (compare === 'null') return patterns.some(({ text }) => (text.toLowerCase() === 'true') === missing);
  if (missing) return ifExists || (set ? over === 'all' : negated);
  const one = (value: string): boolean => patterns.some((pattern) => compare(value, pattern, context)) !== negated;
  return over === 'all' ? given.every(one) : given.some(one);
}
