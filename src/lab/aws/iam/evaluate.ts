/**
 * The verdict of a principal's policies. An explicit denial wins, then an allowance; what nothing speaks of is denied
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html). Policies of roles and users alone: no boundaries, no
 * service control policies, none of resources.
 */
import { holds } from './conditions.ts';
import { fits, fitsArn, type Pattern } from './pattern.ts';
import type { Listing, Policy, Statement } from './policy.ts';
import type { AccessRequest } from './request.ts';

export type Verdict = 'allowed' | 'denied explicitly' | 'not allowed';

export function evaluate(policies: readonly Policy[], request: AccessRequest): Verdict {
  const speaking = policies.flat().filter((statement) => concerns(statement, request));
  if (speaking.some(({ effect }) => effect === 'Deny')) return 'denied explicitly';
  return speaking.length > 0 ? 'allowed' : 'not allowed';
}

function concerns({ actions, resources, conditions }: Statement, request: AccessRequest): boolean {
  const { action, resource, context } = request;
  // Actions are compared without case.
  const name = action.toLowerCase();
  return (
    listed(actions, (pattern) => fits({ ...pattern, text: pattern.text.toLowerCase() }, name, context)) &&
    listed(resources, (pattern) => fitsArn(pattern, resource, context)) &&
    conditions.every((condition) => holds(condition, context))
  );
}

const listed = ({ not, patterns }: Listing, among: (pattern: Pattern) => boolean): boolean =>
  patterns.some(among) !== not;
