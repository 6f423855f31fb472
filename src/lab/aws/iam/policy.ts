/** Policy documents as people write them, read into what is evaluated. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html */
import { readOperator, type Condition } from './conditions.ts';
import type { Pattern } from './pattern.ts';

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: Listing;
  readonly resources: Listing;
  /** All of them must hold. */
  readonly conditions: readonly Condition[];
}

/** `not`: everything but these. */
export interface Listing {
  readonly not: boolean;
  readonly patterns: readonly Pattern[];
}

export type Policy = readonly Statement[];

const VERSIONS = ['2012-10-17', '2008-10-17'];
const STATEMENT_KEYS = ['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'];

/** @throws Error naming what is wrong with it, also what this emulator cannot evaluate: a condition that is passed over would let through what AWS refuses. */
export function readPolicy(value: unknown): Policy {
  const { Version: version = '2008-10-17', Statement: given, ...rest } = asObject(value, 'a policy');
  if (typeof version !== 'string' || !VERSIONS.includes(version)) throw new Error(`Version: ${VERSIONS.join(' or ')}`);
  for (const key of Object.keys(rest)) if (key !== 'Id') throw new Error(`a policy has no "${key}"`);
  const statements = Array.isArray(given) ? given : [given];
  if (given === undefined || statements.length === 0) throw new Error('"Statement" is missing');
  return statements.map((statement: unknown, index) => {
    try {
      return readStatement(asObject(statement, 'a statement'), version === VERSIONS[0]);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`statement ${index + 1}: ${why}`, { cause: error });
    }
  });
}

function readStatement(statement: Readonly<Record<string, unknown>>, variables: boolean): Statement {
  for (const key of Object.keys(statement)) {
    if (!STATEMENT_KEYS.includes(key)) throw new Error(`"${key}" is not known in a policy of a role or a user`);
  }
  const { Effect: effect, Condition: conditions = {} } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') throw new Error('"Effect" is Allow or Deny');
  return {
    effect,
    actions: readListing(statement, 'Action', false),
    resources: readListing(statement, 'Resource', variables),
    conditions: Object.entries(asObject(conditions, 'Condition')).flatMap(([name, keys]) => {
      const operator = readOperator(name);
      return Object.entries(asObject(keys, name)).map(([key, values]): Condition => {
        const patterns = texts(values, `${name} ${key}`).map((text) => ({ text, variables }));
        return { operator, key, patterns };
      });
    }),
  };
}

function readListing(statement: Readonly<Record<string, unknown>>, key: string, variables: boolean): Listing {
  const [plain, negated] = [statement[key], statement[`Not${key}`]];
  if ((plain === undefined) === (negated === undefined)) throw new Error(`either "${key}" or "Not${key}"`);
  const patterns = texts(plain ?? negated, key).map((text) => ({ text, variables }));
  if (patterns.length === 0) throw new Error(`"${key}" is empty`);
  return { not: plain === undefined, patterns };
}

/** Numbers and booleans may stand without quotes. */
function texts(value: unknown, where: string): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map((it: unknown) => {
    if (typeof it === 'string' || typeof it === 'number' || typeof it === 'boolean') return String(it);
    throw new Error(`${where}: expected text`);
  });
}

function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error(`${what}: expected an object`);
}
