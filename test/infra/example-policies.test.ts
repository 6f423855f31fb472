/** `examples/aws/*-policy*.json` are what the constructs give, for people without CDK. WEFT_GOLDEN=write writes them anew. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { nodePolicy, reconcilerPolicy, tableMakerPolicy, type PolicyScope } from '../../infra/policies.ts';
import type { PolicyDocument } from '../../infra/policy-document.ts';
import { readPolicy } from '../../src/lab/aws/iam/policy.ts';

const FOLDER = 'examples/aws';
const [region, account] = ['eu-central-1', '111122223333'];
const tableArn = `arn:aws:dynamodb:${region}:${account}:table/weft`;
const scope: PolicyScope = {
  partition: 'aws',
  region,
  account,
  tableArn,
  networks: ['default'],
  vpcs: ['vpc-0123456789abcdef0'],
  routeTables: { by: 'vpc' },
};

const EXAMPLES: Readonly<Record<string, PolicyDocument>> = {
  'node-policy.json': nodePolicy(scope, { writesRoutes: true, forwards: true }),
  'node-policy-without-routes.json': nodePolicy(scope, { writesRoutes: false, forwards: false }),
  'operator-policy.json': tableMakerPolicy(scope),
  'reconciler-policy.json': reconcilerPolicy(scope, {
    lifecycleGroups: [`arn:aws:autoscaling:${region}:${account}:autoScalingGroup:*:autoScalingGroupName/weft-nodes`],
    streamArn: `${tableArn}/stream/*`,
    logGroupArn: `arn:aws:logs:${region}:${account}:log-group:/aws/lambda/weft-reconciler`,
  }),
};

describe('the policies among the examples', () => {
  for (const [file, policy] of Object.entries(EXAMPLES)) {
    it(`${file} is what the constructs give`, () => {
      const where = path.join(FOLDER, file);
      if (process.env['WEFT_GOLDEN'] === 'write') writeFileSync(where, `${JSON.stringify(policy, undefined, 2)}\n`);
      const standing: unknown = JSON.parse(readFileSync(where, 'utf8'));
      assert.deepEqual(standing, policy);
      // IAM takes at most 6,144 characters in a managed policy and 2,048 in a user's own, without spaces.
      assert.ok(JSON.stringify(policy).length < 6144);
      readPolicy(standing);
    });
  }

  it('are all of them', () => {
    const there = readdirSync(FOLDER).filter((file) => file.includes('policy'));
    assert.deepEqual(there.toSorted(), Object.keys(EXAMPLES).toSorted());
  });
});
