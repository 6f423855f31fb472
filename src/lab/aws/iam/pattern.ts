/**
 * Texts of a policy that stand for others: `*` for any text, `?` for one character, `${KEY}` and `${KEY, 'DEFAULT'}` for a value of the request, `${*}` for the
 * character itself (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
 */
import { valuesOf, type Context } from './request.ts';

export interface Pattern {
  readonly text: string;
  /** Policies of 2008 know none: `${` is itself there. */
  readonly variables: boolean;
}

interface Part {
  readonly kind: 'literal' | 'any' | 'one';
  readonly text: string;
}

/** Does it stand for this text? A variable that the request has not, or has several values of, fits nothing. */
export function fits(pattern: Pattern, text: string, context: Context): boolean {
  const parts = partsOf(pattern, context);
  if (parts === undefined) return false;
  // Several `*` in a row are one: a row of them would make the search endless.
  const sources = parts.filter(({ kind }, at) => kind !== 'any' || parts[at - 1]?.kind !== 'any').map(sourceOf);
  return new RegExp(`^${sources.join('')}$`, 'u').test(text);
}

/** With its variables put in, and wildcards as they are; undefined where the request lacks one. */
export function filledIn(pattern: Pattern, context: Context): string | undefined {
  return partsOf(pattern, context)
    ?.map(({ text }) => text)
    .join('');
}

/**
 * As resources are compared: part by part between the first five colons, so that a `*` within one ends there; the resource's own part may hold colons.
 * `*` alone is every resource, also that of an action that knows none.
 */
export function fitsArn(pattern: Pattern, arn: string, context: Context): boolean {
  if (pattern.text === '*') return true;
  const wanted = arnParts(pattern.text);
  const given = arnParts(arn);
  return (
    wanted.length === ARN_PARTS &&
    given.length === ARN_PARTS &&
    wanted.every((text, index) => fits({ ...pattern, text }, given[index] ?? '', context))
  );
}

const ARN_PARTS = 6;

/** A colon within `${...}` divides nothing. */
function arnParts(text: string): readonly string[] {
  const parts: string[] = [''];
  for (const [piece] of text.matchAll(/\$\{[^}]*\}|[\s\S]/gu)) {
    if (piece === ':' && parts.length < ARN_PARTS) parts.push('');
    else parts.push(`${parts.pop() ?? ''}${piece}`);
  }
  return parts;
}

function partsOf({ text, variables }: Pattern, context: Context): readonly Part[] | undefined {
  const parts: Part[] = [];
  for (const [piece] of text.matchAll(/\$\{[^}]*\}|[\s\S]/gu)) {
    if (piece === '*') parts.push({ kind: 'any', text: piece });
    else if (piece === '?') parts.push({ kind: 'one', text: piece });
    else if (piece.length === 1 || !variables) parts.push({ kind: 'literal', text: piece });
    else {
      const value = variableOf(piece.slice(2, -1), context);
      if (value === undefined) return undefined;
      parts.push({ kind: 'literal', text: value });
    }
  }
  return parts;
}

function variableOf(name: string, context: Context): string | undefined {
  if (name === '*' || name === '?' || name === '$') return name;
  const [, key = '', fallback] = /^([^,]*?)\s*(?:,\s*'([^']*)')?$/.exec(name) ?? [];
  const values = valuesOf(context, key.trim());
  return values?.length === 1 ? values[0] : fallback;
}

function sourceOf({ kind, text }: Part): string {
  if (kind === 'any') return '[\\s\\S]*';
  if (kind === 'one') return '[\\s\\S]';
  return text.replaceAll(/\W/gu, (it) => `\\u{${(it.codePointAt(0) ?? 0).toString(16)}}`);
}
