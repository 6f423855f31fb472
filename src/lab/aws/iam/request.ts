/** What a policy is asked: who wants to do what to which resource, and all that is known about it. */

/** Condition keys and their values; a list where a key may have several. Names differ by more than case. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

/** One resource that a call touches. A call is allowed when each of them is. */
export interface Resource {
  /** `*`: the action knows no resources. */
  readonly arn: string;
  readonly context: Context;
}

export interface AccessRequest {
  /** `ec2:CreateRoute` */
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
}

/** Keys are compared without case: the same key in another spelling is the same. */
export function valuesOf(context: Context, key: string): readonly string[] | undefined {
  const name = key.toLowerCase();
  const found = Object.entries(context).find(([it]) => it.toLowerCase() === name);
  if (found === undefined) return undefined;
  return typeof found[1] === 'string' ? [found[1]] : found[1];
}
