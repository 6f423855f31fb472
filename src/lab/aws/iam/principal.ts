/** Who calls, as policies and refusals name it. */
import type { Context } from './request.ts';

export type Principal =
  | { readonly kind: 'user'; readonly name: string }
  /** `session`: of an instance's role its instance id. */
  | { readonly kind: 'role'; readonly name: string; readonly session: string; readonly instance?: string };

export interface Place {
  readonly account: string;
  readonly region: string;
}

export function arnOf(principal: Principal, { account }: Place): string {
  return principal.kind === 'user'
    ? `arn:aws:iam::${account}:user/${principal.name}`
    : `arn:aws:sts::${account}:assumed-role/${principal.name}/${principal.session}`;
}

/** What every request of it carries. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
export function principalContext(principal: Principal, place: Place, nowMs: number): Context {
  const { account, region } = place;
  const common: Context = {
    'aws:PrincipalAccount': account,
    'aws:RequestedRegion': region,
    'aws:SecureTransport': 'false',
    'aws:CurrentTime': new Date(nowMs).toISOString(),
    'aws:EpochTime': String(Math.floor(nowMs / 1000)),
  };
  if (principal.kind === 'user') {
    const { name } = principal;
    return {
      ...common,
      'aws:PrincipalType': 'User',
      'aws:PrincipalArn': arnOf(principal, place),
      'aws:username': name,
    };
  }
  return {
    ...common,
    'aws:PrincipalType': 'AssumedRole',
    // Of a role's session it is the role, not the session.
    'aws:PrincipalArn': `arn:aws:iam::${account}:role/${principal.name}`,
    ...(principal.instance === undefined
      ? {}
      : { 'ec2:SourceInstanceARN': `arn:aws:ec2:${region}:${account}:instance/${principal.instance}` }),
  };
}
