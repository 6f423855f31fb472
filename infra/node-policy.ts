/** What a node may do, as a managed policy to attach to any role. */
import { ManagedPolicy, PolicyDocument, type IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from './nag.ts';
import { nodePolicy } from './policies.ts';
import { forStore, policyScope, type Reach } from './reach.ts';

export interface NodePolicyProps extends Reach {
  /** As in the network config. `node`: each node writes its own routes. */
  readonly routeWriter: 'node' | 'reconciler';
  /** May nodes switch off their source/destination check? Default: with `node` yes; with `reconciler` no, since the reconciler does it. */
  readonly forwards?: boolean;
  readonly roles?: readonly IRole[];
}

export class NodePolicy extends Construct {
  readonly policy: ManagedPolicy;

  constructor(scope: Construct, id: string, props: NodePolicyProps) {
    super(scope, id);
    const writesRoutes = props.routeWriter === 'node';
    const rights = { writesRoutes, forwards: props.forwards ?? writesRoutes };
    const document = forStore(props.store, nodePolicy(policyScope(this, props), rights));
    this.policy = new ManagedPolicy(this, 'Policy', {
      description: `Weft: a node, routes written by the ${props.routeWriter}`,
      document: PolicyDocument.fromJson(document),
      roles: [...(props.roles ?? [])],
    });
    acknowledgeWildcards(this.policy, document);
  }
}
