/**
 * JSON read without loss: spelling of numbers, repeated members, their order and their exact text. `JSON.parse` loses all four, and flannel
 * (Go's encoding/json) tells `24` from `24.0` and lets the last of two members win whose names differ in case alone.
 */
import { WeftError } from './errors.ts';

export interface JsonMember {
  readonly name: string;
  readonly node: JsonNode;
}

/** `raw` is the text of the value as written. */
export type JsonNode =
  | { readonly kind: 'null'; readonly raw: string }
  | { readonly kind: 'boolean'; readonly raw: string; readonly value: boolean }
  | { readonly kind: 'number'; readonly raw: string }
  | { readonly kind: 'string'; readonly raw: string; readonly value: string }
  | { readonly kind: 'array'; readonly raw: string; readonly items: readonly JsonNode[] }
  | JsonObjectNode;

export interface JsonObjectNode {
  readonly kind: 'object';
  readonly raw: string;
  readonly members: readonly JsonMember[];
}

/** Ours: no config that a person writes is deeper, and a hostile one must not exhaust the stack. */
const MAX_DEPTH = 64;

const WORDS: Readonly<Record<string, JsonNode>> = {
  n: { kind: 'null', raw: 'null' },
  t: { kind: 'boolean', raw: 'true', value: true },
  f: { kind: 'boolean', raw: 'false', value: false },
};

/** @throws WeftError CONFIG_NOT_JSON, with line and column */
export function parseJsonText(text: string): JsonNode {
  let at = 0;

  const fail = (where: number, what: string, hint?: string): never => {
    const before = text.slice(0, where).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
    throw new WeftError('CONFIG_NOT_JSON', `${place}: ${what}`, hint === undefined ? {} : { hint });
  };
  const found = (): string => (at >= text.length ? 'the end of the text' : JSON.stringify(text[at]));
  const advice = (): string | undefined => {
    switch (text[at]) {
      case "'":
        return 'JSON strings and names stand in double quotes';
      case '/':
      case '#':
        return 'JSON has no comments: remove it';
      case '}':
      case ']':
        return 'Remove the comma before it, or write what is missing';
      case '\uFEFF':
        return 'Save the file without a byte order mark';
      default:
        return undefined;
    }
  };

  const skipSpace = (): void => {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1;
  };

  const string = (): { raw: string; value: string } => {
    const start = at;
    at += 1;
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    if (at >= text.length) fail(start, 'this string has no closing quote');
    at += 1;
    const raw = text.slice(start, at);
    try {
      return { raw, value: String(JSON.parse(raw)) };
    } catch {
      return fail(
        start,
        'this string holds a raw control character or an unknown escape',
        'Write a line break as \\n, a tab as \\t, a backslash as \\\\',
      );
    }
  };

  const object = (depth: number): JsonNode => {
    const start = at;
    const members: JsonMember[] = [];
    at += 1;
    skipSpace();
    if (text[at] === '}') at += 1;
    else {
      for (;;) {
        skipSpace();
        if (text[at] !== '"') fail(at, `expected a member's name in double quotes, found ${found()}`, advice());
        const name = string().value;
        skipSpace();
        if (text[at] !== ':') fail(at, `expected ":" after the name ${JSON.stringify(name)}, found ${found()}`);
        at += 1;
        members.push({ name, node: value(depth + 1) });
        skipSpace();
        if (text[at] === '}') break;
        if (text[at] !== ',') fail(at, `expected "," or "}", found ${found()}`, advice());
        at += 1;
      }
      at += 1;
    }
    return { kind: 'object', raw: text.slice(start, at), members };
  };

  const array = (depth: number): JsonNode => {
    const start = at;
    const items: JsonNode[] = [];
    at += 1;
    skipSpace();
    if (text[at] === ']') at += 1;
    else {
      for (;;) {
        items.push(value(depth + 1));
        skipSpace();
        if (text[at] === ']') break;
        if (text[at] !== ',') fail(at, `expected "," or "]", found ${found()}`, advice());
        at += 1;
      }
      at += 1;
    }
    return { kind: 'array', raw: text.slice(start, at), items };
  };

  const value = (depth: number): JsonNode => {
    if (depth > MAX_DEPTH) fail(at, `nested deeper than ${MAX_DEPTH} levels`);
    skipSpace();
    const first = text.charAt(at);
    if (first === '{') return object(depth);
    if (first === '[') return array(depth);
    if (first === '"') return { kind: 'string', ...string() };
    const word = WORDS[first];
    if (word !== undefined && text.startsWith(word.raw, at)) {
      at += word.raw.length;
      return word;
    }
    const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
    number.lastIndex = at;
    const raw = number.exec(text)?.[0];
    if (raw === undefined) return fail(at, `expected a value, found ${found()}`, advice());
    at += raw.length;
    return { kind: 'number', raw };
  };

  const root = value(0);
  skipSpace();
  if (at < text.length)
    fail(
      at,
      `expected the end of the text, found ${found()}`,
      'One JSON object is all there may be: remove what follows it',
    );
  return root;
}

/** What stands there, for messages: `the string "24"`. */
export function describeNode(node: JsonNode): string {
  const raw = node.raw.length > 60 ? `${node.raw.slice(0, 57)}...` : node.raw;
  switch (node.kind) {
    case 'null':
    case 'boolean':
      return raw;
    case 'array':
      return 'a list';
    case 'object':
      return 'an object';
    default:
      return `the ${node.kind} ${raw}`;
  }
}
