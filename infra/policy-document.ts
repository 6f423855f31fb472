/** An IAM policy as JSON (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html), as far as ours go. */

export type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Conditions;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/** Calls, and the actions that each needs: a group of a provider's `calls.ts`. */
export type CallRights = Readonly<Record<string, readonly string[]>>;

export function allow(
  Sid: string,
  calls: CallRights,
  Resource: readonly string[],
  Condition?: Conditions,
): PolicyStatement {
  const Action = [...new Set(Object.values(calls).flat())].toSorted();
  return { Sid, Effect: 'Allow', Action, Resource, ...(Condition === undefined ? {} : { Condition }) };
}
