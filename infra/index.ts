/** What other CDK apps import as `weftd/infra`. */
export { LeaseTable, type AnyTable, type LeaseTableProps, type StandingTable } from './lease-table.ts';
export { NodePolicy, type NodePolicyProps } from './node-policy.ts';
export type { RouteTableChoice } from './policies.ts';
export type { Reach, Store } from './reach.ts';
export { RouteReconciler, type RouteReconcilerProps } from './route-reconciler.ts';
export { WeftNodes, type WeftNodesProps } from './weft-nodes.ts';
