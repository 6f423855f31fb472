/** Members of the objects under `Weft`: names exact, nothing unknown, nothing twice, every value in its range. Ours alone, so nothing needs to be forgiven. */
import type { ConfigProblem } from './config-problem.ts';
import { printDuration, tryDuration } from './duration.ts';
import { describeNode, type JsonNode } from './json-text.ts';
import { nearest, probablyMeant } from './nearest.ts';

export interface StrictReader {
  /** `Weft.Probe`. */
  readonly path: string;
  node(key: string): JsonNode | undefined;
  boolean(key: string): boolean | undefined;
  text(key: string): string | undefined;
  required(key: string): string | undefined;
  oneOf<T extends string>(key: string, choices: readonly T[]): T | undefined;
  integer(key: string, least: number, most: number): number | undefined;
  /** A string with a unit, between two bounds in milliseconds; in milliseconds. */
  duration(key: string, leastMs: number, mostMs: number): number | undefined;
  /** Undefined when it is not there, or is no object. */
  object(key: string, known: readonly string[]): StrictReader | undefined;
  wrong(key: string, message: string, fix: string): undefined;
}

/** Undefined when the node is no object; then `problems` has grown. */
export function strictReader(
  root: JsonNode,
  path: string,
  known: readonly string[],
  problems: ConfigProblem[],
): StrictReader | undefined {
  const wrong = (key: string, message: string, fix: string): undefined => {
    problems.push({ code: 'CONFIG_INVALID', key, message, fix });
    return undefined;
  };
  if (root.kind !== 'object')
    return wrong(
      path,
      `${path}: expected an object, found ${describeNode(root)}`,
      `Write "${path}" as an object, or leave it out`,
    );

  const fields = new Map<string, JsonNode>();
  for (const { name, node } of root.members) {
    if (!known.includes(name)) problems.push(unknownKey(name, path, known));
    else if (fields.has(name)) wrong(`${path}.${name}`, `${path}.${name} is given twice`, 'Remove one of them');
    else fields.set(name, node);
  }

  const full = (key: string): string => `${path}.${key}`;
  const read = <T>(key: string, expected: string, take: (node: JsonNode) => T | undefined): T | undefined => {
    const node = fields.get(key);
    if (node === undefined) return undefined;
    const value = take(node);
    return value === undefined
      ? wrong(
          full(key),
          `${full(key)}: expected ${expected}, found ${describeNode(node)}`,
          `Write "${key}" as ${expected}, or leave it out`,
        )
      : value;
  };
  const text = (key: string): string | undefined =>
    read(key, 'a string that is not empty', (node) =>
      node.kind === 'string' && node.value !== '' ? node.value : undefined,
    );

  return {
    path,
    wrong: (key, message, fix) => wrong(full(key), message, fix),
    node: (key) => fields.get(key),
    boolean: (key) => read(key, 'true or false', (node) => (node.kind === 'boolean' ? node.value : undefined)),
    text,
    required: (key) => (fields.has(key) ? text(key) : wrong(full(key), `${full(key)} is missing`, `Add "${key}"`)),
    oneOf: (key, choices) =>
      read(key, choices.map((choice) => `"${choice}"`).join(' or '), (node) =>
        node.kind === 'string' ? choices.find((choice) => choice === node.value) : undefined,
      ),
    integer: (key, least, most) =>
      read(key, `a whole number from ${least} to ${most}`, (node) => {
        if (node.kind !== 'number' || !/^-?[0-9]{1,15}$/.test(node.raw)) return undefined;
        const value = Number(node.raw);
        return value >= least && value <= most ? value : undefined;
      }),
    duration: (key, leastMs, mostMs) =>
      read(key, `a duration with its unit from "${printDuration(leastMs)}" to "${printDuration(mostMs)}"`, (node) => {
        const ms = node.kind === 'string' ? tryDuration(node.value) : undefined;
        return ms !== undefined && ms >= leastMs && ms <= mostMs ? Math.round(ms) : undefined;
      }),
    object: (key, names) => {
      const node = fields.get(key);
      return node === undefined ? undefined : strictReader(node, full(key), names, problems);
    },
  };
}

export function unknownKey(name: string, path: string, known: readonly string[]): ConfigProblem {
  const shown = name.length > 60 ? `${name.slice(0, 57)}...` : name;
  const near = nearest(name, known)?.word ?? '';
  const meant = probablyMeant(name, known);
  return {
    code: 'CONFIG_UNKNOWN_KEY',
    key: `${path}.${shown}`,
    message: `unknown key "${shown}" under ${path}; the nearest known one is "${near}"`,
    fix: meant === undefined ? `Remove it. Known under ${path}: ${known.join(', ')}` : `Did you mean "${meant}"?`,
  };
}
