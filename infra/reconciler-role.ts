/** The function's role: the generated policy, and nothing that AWS keeps for everybody (AWSLambdaBasicExecutionRole may write to every log group). */
import { ArnFormat, Stack } from 'aws-cdk-lib';
import { PolicyDocument, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledgeWildcards } from './nag.ts';
import { reconcilerPolicy, type ReconcilerRights } from './policies.ts';
import { forStore, policyScope, wholeLists } from './reach.ts';
import type { RouteReconcilerProps } from './route-reconciler.ts';
import { vpcPlacementPolicy } from './vpc-placement.ts';

export function reconcilerRole(
  scope: Construct,
  props: RouteReconcilerProps,
  groups: readonly string[],
  logGroup: LogGroup,
): Role {
  const stack = Stack.of(scope);
  wholeLists(scope, groups);
  const reach = policyScope(scope, props);
  const streamArn = 'table' in props.store ? props.store.table.tableStreamArn : undefined;
  const rights: ReconcilerRights = {
    lifecycleGroups: groups.map((group) => groupArn(stack, group)),
    ...(streamArn === undefined ? {} : { streamArn }),
    logGroupArn: stack.formatArn({
      service: 'logs',
      resource: 'log-group',
      resourceName: logGroup.logGroupName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    }),
  };
  const documents = {
    Reconciler: forStore(props.store, reconcilerPolicy(reach, rights)),
    ...(props.placement === undefined ? {} : { Placement: vpcPlacementPolicy(reach) }),
  };
  const role = new Role(scope, 'Role', {
    description: 'Weft: the reconciler',
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: Object.fromEntries(
      Object.entries(documents).map(([name, document]) => [name, PolicyDocument.fromJson(document)]),
    ),
  });
  acknowledgeWildcards(role, ...Object.values(documents));
  return role;
}

/** By its name; between stands an id that nobody knows beforehand. */
const groupArn = ({ partition, region, account }: Stack, group: string): string =>
  `arn:${partition}:autoscaling:${region}:${account}:autoScalingGroup:*:autoScalingGroupName/${group}`;
