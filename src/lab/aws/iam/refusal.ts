/** What AWS says to a call that no policy allows. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
import { evaluate } from './evaluate.ts';
import type { Policy } from './policy.ts';
import { arnOf, principalContext, type Place, type Principal } from './principal.ts';
import type { Resource } from './request.ts';

/** One action on the resources that it touches: most calls are one, a transaction is one for each kind of its items. */
export interface Deed {
  /** `ec2:CreateRoute` */
  readonly action: string;
  readonly resources: readonly Resource[];
}

/** The first reason why these policies do not let it be done; undefined: they do. */
export function refusalBy(
  policies: readonly Policy[],
  principal: Principal,
  deeds: readonly Deed[],
  place: Place,
  nowMs: number,
): string | undefined {
  const own = principalContext(principal, place, nowMs);
  for (const { action, resources } of deeds) {
    for (const { arn, context } of resources) {
      const verdict = evaluate(policies, { action, resource: arn, context: { ...own, ...context } });
      if (verdict === 'allowed') continue;
      const on = arn === '*' ? '' : ` on resource: ${arn}`;
      const why =
        verdict === 'not allowed'
          ? `because no identity-based policy allows the ${action} action`
          : 'with an explicit deny in an identity-based policy';
      return `User: ${arnOf(principal, place)} is not authorized to perform: ${action}${on} ${why}`;
    }
  }
  return undefined;
}
