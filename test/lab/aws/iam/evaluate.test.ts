import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { evaluate, type Verdict } from '../../../../src/lab/aws/iam/evaluate.ts';
import { readPolicy } from '../../../../src/lab/aws/iam/policy.ts';
import type { AccessRequest, Context } from '../../../../src/lab/aws/iam/request.ts';

const TABLE = 'arn:aws:ec2:eu-central-1:123456789012:route-table/rtb-1';

const asked = (context: Context = {}, resource = TABLE, action = 'ec2:CreateRoute'): AccessRequest => ({
  action,
  resource,
  context,
});

const policy = (statements: object | readonly object[], Version = '2012-10-17') =>
  readPolicy({ Version, Statement: statements });

/** Of one statement that allows CreateRoute on everything, changed so. */
const verdict = (statement: object, request: AccessRequest = asked()): Verdict => {
  const { Action, Resource, ...rest } = { Action: 'ec2:CreateRoute', Resource: '*', ...statement } as Record<
    string,
    unknown
  >;
  const given = {
    Effect: 'Allow',
    ...('NotAction' in rest ? {} : { Action }),
    ...('NotResource' in rest ? {} : { Resource }),
    ...rest,
  };
  return evaluate([policy(given)], request);
};

const holds = (condition: object, context: Context = {}): boolean =>
  verdict({ Condition: condition }, asked(context)) === 'allowed';

describe('the evaluation of policies', () => {
  it('allows what a statement allows, denies what another denies explicitly, and all that nothing speaks of', () => {
    const allow = policy({ Effect: 'Allow', Action: 'ec2:*', Resource: '*' });
    const deny = policy({ Effect: 'Deny', Action: 'ec2:Delete*', Resource: '*' });
    const of = (action: string): Verdict => evaluate([allow, deny], asked({}, TABLE, action));
    assert.equal(of('ec2:CreateRoute'), 'allowed');
    assert.equal(of('ec2:DeleteRoute'), 'denied explicitly');
    assert.equal(of('s3:GetObject'), 'not allowed');
    assert.equal(evaluate([], asked()), 'not allowed');
  });

  it('compares actions without case and with wildcards', () => {
    assert.equal(verdict({ Action: 'EC2:createroute' }), 'allowed');
    assert.equal(verdict({ Action: ['ec2:Describe*', 'ec2:Create?oute'] }), 'allowed');
    assert.equal(verdict({ Action: 'ec2:Create' }), 'not allowed');
    assert.equal(verdict({ NotAction: 'ec2:Describe*' }), 'allowed');
    assert.equal(verdict({ NotAction: 'ec2:Create*' }), 'not allowed');
  });

  it('compares resources with case, part by part', () => {
    assert.equal(verdict({ Resource: 'arn:aws:ec2:*:123456789012:route-table/*' }), 'allowed');
    assert.equal(verdict({ Resource: 'arn:aws:ec2:*:route-table/*' }), 'not allowed');
    assert.equal(verdict({ Resource: TABLE.toUpperCase() }), 'not allowed');
    assert.equal(verdict({ NotResource: 'arn:aws:ec2:*:*:instance/*' }), 'allowed');
    assert.equal(verdict({ Resource: 'arn:aws:ec2:*:*:*' }, asked({}, '*')), 'not allowed');
    assert.equal(verdict({ Resource: '*' }, asked({}, '*')), 'allowed');
  });

  it('knows the operators for text', () => {
    assert.ok(holds({ StringEquals: { 'ec2:Region': ['a', 'b'] } }, { 'ec2:region': 'b' }));
    assert.ok(!holds({ StringEquals: { 'ec2:Region': 'B*' } }, { 'ec2:Region': 'Bonn' }));
    assert.ok(holds({ StringLike: { 'ec2:Region': 'B*' } }, { 'ec2:Region': 'Bonn' }));
    assert.ok(holds({ StringEqualsIgnoreCase: { k: 'ABC' } }, { k: 'abc' }));
    assert.ok(holds({ StringNotEquals: { k: ['a', 'b'] } }, { k: 'c' }));
    assert.ok(!holds({ StringNotEquals: { k: ['a', 'b'] } }, { k: 'b' }));
    assert.ok(!holds({ StringNotLike: { k: 'a*' } }, { k: 'abc' }));
    assert.ok(holds({ Bool: { k: true } }, { k: 'True' }));
    assert.ok(
      holds({ ArnEquals: { 'ec2:Vpc': 'arn:aws:ec2:*:*:vpc/vpc-1' } }, { 'ec2:Vpc': 'arn:aws:ec2:r:1:vpc/vpc-1' }),
    );
    assert.ok(!holds({ ArnNotLike: { k: 'arn:aws:ec2:*:*:vpc/*' } }, { k: 'arn:aws:ec2:r:1:vpc/vpc-1' }));
  });

  it('knows the operators for numbers and times', () => {
    assert.ok(holds({ NumericLessThanEquals: { k: 10 } }, { k: '10' }));
    assert.ok(!holds({ NumericGreaterThan: { k: '10' } }, { k: '9' }));
    assert.ok(!holds({ NumericEquals: { k: '10' } }, { k: 'ten' }));
    assert.ok(holds({ NumericNotEquals: { k: '10' } }, { k: '11' }));
    assert.ok(holds({ DateLessThan: { k: '2026-01-02T00:00:00Z' } }, { k: '2026-01-01T00:00:00Z' }));
    assert.ok(!holds({ DateGreaterThan: { k: '1767312000' } }, { k: '2026-01-01T00:00:00Z' }));
  });

  it('takes a missing key as no match, but for negations, IfExists and Null', () => {
    assert.ok(!holds({ StringEquals: { k: 'a' } }));
    assert.ok(holds({ StringNotEquals: { k: 'a' } }));
    assert.ok(holds({ StringEqualsIfExists: { k: 'a' } }));
    assert.ok(!holds({ StringEqualsIfExists: { k: 'a' } }, { k: 'b' }));
    assert.ok(holds({ Null: { k: 'true' } }));
    assert.ok(!holds({ Null: { k: false } }));
    assert.ok(holds({ Null: { k: 'false' } }, { k: 'a' }));
  });

  it('asks all values of a key, or any, as the condition says', () => {
    const keys = { 'dynamodb:LeadingKeys': ['net#a', 'net#b'] };
    const only = (...values: readonly string[]) => ({ 'dynamodb:LeadingKeys': values });
    assert.ok(holds({ 'ForAllValues:StringEquals': only('net#a', 'net#b', 'net#c') }, keys));
    assert.ok(!holds({ 'ForAllValues:StringEquals': only('net#a') }, keys));
    assert.ok(holds({ 'ForAnyValue:StringEquals': only('net#a') }, keys));
    assert.ok(!holds({ 'ForAnyValue:StringEquals': only('net#c') }, keys));
    assert.ok(holds({ 'ForAllValues:StringEquals': only('net#a') }));
    assert.ok(!holds({ 'ForAnyValue:StringEquals': only('net#a') }));
    assert.ok(!holds({ 'ForAllValues:StringNotEquals': only('net#a') }, keys));
    assert.ok(holds({ 'ForAnyValue:StringNotEquals': only('net#a') }, keys));
  });

  it('wants all operators and all keys of a condition to hold', () => {
    const condition = { StringEquals: { a: '1', b: '2' }, Null: { c: 'true' } };
    assert.ok(holds(condition, { a: '1', b: '2' }));
    assert.ok(!holds(condition, { a: '1', b: '3' }));
    assert.ok(!holds(condition, { a: '1', b: '2', c: '' }));
  });

  it('puts the request’s values into variables, where they are no wildcards', () => {
    const own = { Resource: 'arn:aws:dynamodb:*:*:table/${aws:username}' };
    const table = (name: string, user: string): Verdict =>
      verdict(own, asked({ 'aws:username': user }, `arn:aws:dynamodb:r:1:table/${name}`));
    assert.equal(table('ann', 'ann'), 'allowed');
    assert.equal(table('bob', 'ann'), 'not allowed');
    assert.equal(table('bob', '*'), 'not allowed');
    assert.equal(verdict(own, asked({}, 'arn:aws:dynamodb:r:1:table/ann')), 'not allowed');
    assert.ok(holds({ StringEquals: { k: "${aws:PrincipalTag/team, 'none'}" } }, { k: 'none' }));
    assert.ok(holds({ StringEquals: { k: 'a${*}' } }, { k: 'a*' }));
    assert.ok(!holds({ StringLike: { k: 'a${*}' } }, { k: 'ab' }));
  });

  it('knows no variables in a policy of 2008', () => {
    const old = policy(
      { Effect: 'Allow', Action: '*', Resource: '*', Condition: { StringEquals: { k: '${aws:username}' } } },
      '2008-10-17',
    );
    assert.equal(evaluate([old], asked({ k: '${aws:username}', 'aws:username': 'ann' })), 'allowed');
    assert.equal(evaluate([old], asked({ k: 'ann', 'aws:username': 'ann' })), 'not allowed');
  });

  it('takes wildcards in a row as one, however many', () => {
    assert.ok(!holds({ StringLike: { k: `${'*'.repeat(2000)}x` } }, { k: 'y'.repeat(2000) }));
  });
});

describe('a policy that is not understood', () => {
  const statement = { Effect: 'Allow', Action: 'ec2:*', Resource: '*' };
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ['no object', 'Allow', /a policy: expected an object/],
    ['another version', { Version: '2020-01-01', Statement: statement }, /Version: 2012-10-17 or 2008-10-17/],
    ['no statement', { Version: '2012-10-17' }, /"Statement" is missing/],
    ['no effect', { Statement: { ...statement, Effect: 'allow' } }, /statement 1: "Effect" is Allow or Deny/],
    ['a misspelt key', { Statement: { ...statement, Resources: '*' } }, /statement 1: "Resources" is not known/],
    [
      'no action',
      { Statement: [statement, { Effect: 'Deny', Resource: '*' }] },
      /statement 2: either "Action" or "NotAction"/,
    ],
    ['an empty list', { Statement: { ...statement, Action: [] } }, /"Action" is empty/],
    ['a principal', { Statement: { ...statement, Principal: '*' } }, /"Principal" is not known/],
    [
      'an operator that is not evaluated',
      { Statement: { ...statement, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } } },
      /"IpAddress" is not evaluated here/,
    ],
    [
      'a misspelt operator',
      { Statement: { ...statement, Condition: { StringEqual: { k: 'v' } } } },
      /"StringEqual" is not evaluated here/,
    ],
    [
      'a value that is no text',
      { Statement: { ...statement, Condition: { StringEquals: { k: {} } } } },
      /StringEquals k: expected text/,
    ],
  ];
  for (const [name, given, message] of cases) {
    it(`is refused, and not passed over: ${name}`, () => {
      assert.throws(() => readPolicy(given), { message });
    });
  }
});
