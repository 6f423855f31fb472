import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Validations } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { checkedApp } from '../../infra/checked-app.ts';
import { RouteReconciler } from '../../infra/route-reconciler.ts';
import { flags, inScratch, NO_CODE, STREAM_ARN, TABLE_ARN, VPC } from './template.ts';

const FULL = {
  'weft:vpc': VPC,
  'weft:groups': 'web',
  'weft:nodes': 2,
  'weft:nodeSubnets': 'subnet-0123456789abcdef0',
  'weft:containerNetwork': '10.42.0.0/16',
};

/** What cdk-nag finds in the stack of the app, as `RULE at PATH`. */
function findings(context: Readonly<Record<string, unknown>>): readonly string[] {
  const { app, stack } = checkedApp({ context: { ...flags(), ...context }, code: () => NO_CODE });
  // On etcd, in a VPC: the rights that the stack of the app has not.
  const vpc = Vpc.fromVpcAttributes(stack, 'Other', {
    vpcId: VPC,
    availabilityZones: ['any'],
    privateSubnetIds: ['subnet-0123456789abcdef0'],
    privateSubnetRouteTableIds: ['rtb-0123456789abcdef0'],
  });
  new RouteReconciler(stack, 'OnEtcd', {
    store: { etcd: 'etcd://10.0.0.1:2379' },
    vpcs: [VPC],
    placement: { vpc },
    code: NO_CODE,
  });
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} at ${String(constructPath)}`),
  );
}

describe('cdk-nag', () => {
  for (const [what, context] of Object.entries({
    'nodes and all': FULL,
    'as little as may be': {},
    'nodes that write routes themselves, tables by tag, a table that is there': {
      ...FULL,
      'weft:routeWriter': 'node',
      'weft:routeTableTag': 'weft:managed=true',
      'weft:table': TABLE_ARN,
      'weft:tableStream': STREAM_ARN,
    },
  }))
    it(`finds nothing that was not given a reason: ${what}`, () => assert.deepEqual(findings(context), []));

  it('makes the synthesis fail on what has none', () =>
    inScratch((outdir) => {
      const { app, stack } = checkedApp({ context: { ...flags(), ...FULL }, code: () => NO_CODE, outdir });
      new Bucket(stack, 'Careless');
      assert.throws(() => app.synth(), /Validation failed/);
    }));

  it('lets a group have spaces in its name', () =>
    inScratch((outdir) => {
      const { app } = checkedApp({
        context: { ...flags(), ...FULL, 'weft:groups': 'my web servers,other' },
        code: () => NO_CODE,
        outdir,
      });
      app.synth();
    }));

  it('is let off single findings alone, each with its reason', () => {
    const { stack } = checkedApp({ context: { ...flags(), ...FULL }, code: () => NO_CODE });
    const given = stack.node
      .findAll()
      .flatMap(({ node }) =>
        node.metadata
          .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
          .flatMap(({ data }) => Object.entries(data as Readonly<Record<string, string>>)),
      );
    const rules = given.map(([id]) => id.replace(/^annotation::/i, ''));
    assert.ok(given.length > 5);
    assert.deepEqual(
      given.filter(([, reason]) => reason.length < 15),
      [],
    );
    assert.deepEqual(
      rules.filter(
        (rule) => !/^AwsSolutions-(IAM5\[Resource::.*\*.*\]|AS3)$|^CloudFormation-Validate::W1030$/.test(rule),
      ),
      [],
    );
  });
});
