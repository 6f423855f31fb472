/** Who may call what: by rules that a person sets on a running lab, and by the policies of roles and users. */
import type { EmulatedAws } from './cloud.ts';
import type { Credential } from './credentials.ts';
import { asRecord } from './http-body.ts';
import { resourcesOf } from './iam/resources.ts';
import { refusalBy, type Deed } from './iam/refusal.ts';
import type { ServiceName } from './service.ts';

export interface Question {
  readonly who: string;
  readonly service: ServiceName;
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export type Authorizer = (question: Question) => boolean;

export const ALLOW_ALL: Authorizer = () => true;

type Account = Pick<EmulatedAws, 'authorizer' | 'policies' | 'state' | 'origin' | 'now'>;

/** Why the caller may not do this, in AWS's words; undefined: it may. */
export function refusalOf(cloud: Account, caller: Credential, call: Omit<Question, 'who'>): string | undefined {
  const { service, action, parameters } = call;
  const { account, region } = cloud.origin;
  const place = { account, region };
  const resources = resourcesOf(service, action, parameters, cloud.state, place);
  return refusalOfDeeds(cloud, caller, call, [{ action: `${service}:${action}`, resources }]);
}

export function refusalOfDeeds(
  cloud: Account,
  { who, principal }: Credential,
  call: Omit<Question, 'who'>,
  deeds: readonly Deed[],
): string | undefined {
  if (!cloud.authorizer({ who, ...call }))
    return `User: ${who} is not authorized to perform: ${call.service}:${call.action}`;
  const policies = cloud.policies.of(principal);
  if (policies === undefined) return undefined;
  const { account, region } = cloud.origin;
  return refusalBy(policies, principal, deeds, { account, region }, cloud.now());
}

/** `*` stands for anything. A denial wins. */
export interface AccessRule {
  readonly effect: 'allow' | 'deny';
  readonly who?: string;
  readonly action: string;
}

/** Whoever no rule denies may, as long as no rule allows; with one that allows, only what is allowed. */
export function authorizerOf(rules: readonly AccessRule[]): Authorizer {
  return ({ who, action }) => {
    const fits = rules.filter((rule) => matches(rule.who ?? '*', who) && matches(rule.action, action));
    if (fits.some(({ effect }) => effect === 'deny')) return false;
    const concerned = rules.some((rule) => rule.effect === 'allow' && matches(rule.who ?? '*', who));
    return !concerned || fits.some(({ effect }) => effect === 'allow');
  };
}

/** @throws Error naming what is wrong with it. */
export function readRules(value: unknown): readonly AccessRule[] {
  if (!Array.isArray(value)) throw new Error('expected a list of rules');
  return value.map((rule: unknown): AccessRule => {
    const { effect, who, action } = asRecord(rule);
    if (effect !== 'allow' && effect !== 'deny') throw new Error('"effect" is allow or deny');
    if (typeof action !== 'string') throw new Error('"action" is missing');
    return typeof who === 'string' ? { effect, who, action } : { effect, action };
  });
}

/** `*` and `?` as in EC2 filters and IAM policies; a backslash takes their meaning away. */
export function patternOf(pattern: string): RegExp {
  const source = pattern.replaceAll(/\\([\s\S])|([*?])|([^\w])/g, (_, quoted: string, wild: string, other: string) => {
    if (wild !== undefined) return wild === '*' ? '[\\s\\S]*' : '[\\s\\S]';
    return `\\u${(quoted ?? other).charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return new RegExp(`^${source}$`);
}

export const matches = (pattern: string, text: string): boolean => patternOf(pattern).test(text);
