/**
 * Every call of AWS that is made (the store's apart), and the permission it needs: node policies and the CDK constructs are made from this list, and a
 * test holds it and the calls that are really made together.
 */

/** By every node: to see the tables its senders use, and whether its interface forwards. None of them can be limited to a resource. */
export const NODE_READS = {
  DescribeRouteTables: ['ec2:DescribeRouteTables'],
  DescribeNetworkInterfaces: ['ec2:DescribeNetworkInterfaces'],
} as const;

/** By a node that switches off its own interface's source/destination check. */
export const NODE_FORWARDS = {
  ModifyNetworkInterfaceAttribute: ['ec2:ModifyNetworkInterfaceAttribute'],
} as const;

/** By whoever writes routes: nodes with `RouteWriter: node`, else the reconciler alone. */
export const ROUTE_WRITES = {
  CreateRoute: ['ec2:CreateRoute'],
  ReplaceRoute: ['ec2:ReplaceRoute'],
  DeleteRoute: ['ec2:DeleteRoute'],
} as const;

/** By a claimer short of subnets, and by the reconciler. */
export const INVENTORY_READS = {
  DescribeInstances: ['ec2:DescribeInstances'],
} as const;

/** By the reconciler: how many routes a table may hold. Of the account; it cannot be limited to a resource that is worth naming. */
export const QUOTA_READS = {
  GetServiceQuota: ['servicequotas:GetServiceQuota'],
} as const;

/** By the reconciler, when a machine on its way out may go. */
export const LIFECYCLE_WRITES = {
  CompleteLifecycleAction: ['autoscaling:CompleteLifecycleAction'],
} as const;

export const EC2_CALLS = { ...NODE_READS, ...NODE_FORWARDS, ...ROUTE_WRITES, ...INVENTORY_READS } as const;

export type Ec2Call = keyof typeof EC2_CALLS;
export type QuotaCall = keyof typeof QUOTA_READS;
export type LifecycleCall = keyof typeof LIFECYCLE_WRITES;

/** By a node that leaves its routes to the reconciler. */
export const NODE_CALLS = { ...NODE_READS, ...NODE_FORWARDS, ...INVENTORY_READS } as const;

/** By a node that writes its own route. */
export const WRITING_NODE_CALLS = { ...NODE_CALLS, ...ROUTE_WRITES } as const;

export const RECONCILER_CALLS = { ...EC2_CALLS, ...QUOTA_READS, ...LIFECYCLE_WRITES } as const;
