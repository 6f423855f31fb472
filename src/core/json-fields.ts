/** Members of an object by the rules of Go's encoding/json, which is how flanneld reads the network config. */
import type { ConfigProblem } from './config-problem.ts';
import { describeNode, type JsonNode, type JsonObjectNode } from './json-text.ts';

/** Go folds case, and the two letters outside ASCII that fold into it: U+212A to k, U+017F to s. */
export const foldName = (name: string): string => name.toLowerCase().replaceAll('\u017F', 's');

/** The known name that a member's name stands for: the exact one, else the one that differs in case alone. */
export function knownName(name: string, known: readonly string[]): string | undefined {
  if (known.includes(name)) return name;
  const folded = foldName(name);
  return known.find((candidate) => foldName(candidate) === folded);
}

/** Members by their known names. Unknown ones are ignored; of several for one name the last wins. */
export function foldedFields(object: JsonObjectNode, known: readonly string[]): ReadonlyMap<string, JsonNode> {
  const fields = new Map<string, JsonNode>();
  for (const { name, node } of object.members) {
    const field = knownName(name, known);
    if (field !== undefined) fields.set(field, node);
  }
  return fields;
}

/** One member, on its way into a Go field: absent and null leave the field as it was, another type is an error. */
export interface FieldReader {
  boolean(key: string): boolean | undefined;
  text(key: string): string | undefined;
  /** Go's `uint`: digits alone. `24.0`, `2.4e1` and `-0` are no uint. */
  unsigned(key: string): number | undefined;
  /** Go's `int`: digits, perhaps behind a minus. */
  integer(key: string): number | undefined;
}

/** `where` names the object in messages ("Backend"); `prefix` is put before each of them. */
export function fieldReader(
  fields: ReadonlyMap<string, JsonNode>,
  where: string,
  prefix: string,
  problems: ConfigProblem[],
): FieldReader {
  const read = <T>(key: string, expected: string, take: (node: JsonNode) => T | undefined): T | undefined => {
    const node = fields.get(key);
    if (node === undefined || node.kind === 'null') return undefined;
    const value = take(node);
    if (value === undefined) {
      problems.push({
        code: 'CONFIG_INVALID',
        key: where === '' ? key : `${where}.${key}`,
        message: `${prefix}${key}: expected ${expected}, found ${describeNode(node)}`,
        fix: `Write "${key}" as ${expected}`,
      });
    }
    return value;
  };
  const digits = (pattern: RegExp) => (node: JsonNode) =>
    node.kind === 'number' && pattern.test(node.raw) ? Number(node.raw) : undefined;
  return {
    boolean: (key) => read(key, 'true or false', (node) => (node.kind === 'boolean' ? node.value : undefined)),
    text: (key) => read(key, 'a string', (node) => (node.kind === 'string' ? node.value : undefined)),
    unsigned: (key) => read(key, 'a whole number without quotes, sign or point', digits(/^[0-9]{1,15}$/)),
    integer: (key) => read(key, 'a whole number without quotes or point', digits(/^-?[0-9]{1,15}$/)),
  };
}
