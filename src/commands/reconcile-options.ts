/** The options of `weftd reconcile` alone; all options there are stand in options.ts. */
import { DEFAULT_LIFECYCLE_HOOK } from '../core/lifecycle-hook.ts';
import type { CommandName } from './command-name.ts';
import {
  awsId,
  awsRegion,
  duration,
  endpoint,
  lifecycleHook,
  nodeTag,
  range,
  toggle,
  wholeNumber,
} from './option-kinds.ts';
import { defaulted, many, optional } from './option.ts';

const OF_RECONCILER = { uses: ['reconcile'] as const satisfies readonly CommandName[] };

export const RECONCILER_OPTIONS = {
  once: defaulted(toggle, 'false', {
    help: 'one run, and a report of it; so it is without --every too',
    ...OF_RECONCILER,
  }),
  every: optional(duration(10_000, '10s'), {
    help: 'go on as a service: a run this often, and soon after leases or network config have changed; of several one runs, the others stand by',
    ...OF_RECONCILER,
  }),
  dryRun: defaulted(toggle, 'false', { help: 'show what a run would do; write nothing anywhere', ...OF_RECONCILER }),
  adopt: defaulted(toggle, 'false', {
    help: 'take over old black holes in the Network that the ledger does not know, so that they can be replaced or removed',
    ...OF_RECONCILER,
  }),
  vpc: many(awsId('vpc'), {
    help: "whose route tables are kept; else this machine's own VPC (may be repeated)",
    ...OF_RECONCILER,
  }),
  region: optional(awsRegion, {
    help: "where those VPCs are; else AWS_REGION, the profile's, or this machine's own",
    ...OF_RECONCILER,
  }),
  within: optional(range, {
    help: 'in which the Network of the network config must lie, as WEFT_WITHIN of the Lambda function: with another config nothing is written; without it wherever the config says',
    ...OF_RECONCILER,
  }),
  nodeTag: defaulted(nodeTag, 'weft:node', {
    help: 'the tag that an instance must carry for its lease to be believed; none: any instance may write routes to itself',
    ...OF_RECONCILER,
  }),
  lifecycleHook: defaulted(lifecycleHook, DEFAULT_LIFECYCLE_HOOK, {
    help: "name of the lifecycle hook of Auto Scaling groups that is Weft's, as the Lambda function has it: another tool's are left alone",
    ...OF_RECONCILER,
  }),
  callsPerSecond: defaulted(wholeNumber('NUMBER', 1, 1000), '4', {
    help: "calls that change the cloud, at most, of all reconcilers together: AWS takes 5 a second of an account, and others' tools need some",
    ...OF_RECONCILER,
  }),
  statusListen: optional(endpoint, {
    help: 'where a service (--every) answers /healthz, /readyz, /status and /metrics; without it nowhere',
    ...OF_RECONCILER,
  }),
};
