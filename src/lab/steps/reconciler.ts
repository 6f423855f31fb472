/** What stories with a reconciler share: its function, the roles' rights, and what it and the nodes asked of EC2. */
import { WeftError } from '../../core/errors.ts';
import { printDuration } from '../../core/duration.ts';
import { planned } from '../aws/account.ts';
import { examplePolicy, type ExamplePolicy } from '../aws/example-policies.ts';
import type { JournalEntry } from '../aws/journal.ts';
import type { LambdaService } from '../aws/lambda-service.ts';
import { RECONCILER_ROLE } from '../aws/reconciler-function.ts';
import type { Lab } from '../lab.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { awsOf } from './cloud-routes.ts';

const VPC = 'vpc';
const NODE_ROLE = 'weft-node';
/** Deployed it is a minute. */
const EVERY_MS = 5000;

export interface Deployment {
  readonly everyMs?: number;
  /** Names of the Auto Scaling groups whose machines it lets go. */
  readonly groups?: readonly string[];
}

const ROUTE_CALLS: ReadonlySet<string> = new Set(['CreateRoute', 'ReplaceRoute', 'DeleteRoute']);

/** The gate and its clock stand before DynamoDB alone. */
export function needsDynamoDB({ lab }: Stage, { name }: Scenario): void {
  if (lab.store.kind === 'dynamodb') return;
  throw new WeftError('UNSUPPORTED', `scenario ${name} is played on DynamoDB alone`, {
    hint: 'leave --store out',
  });
}

/** From now on the policy of that example holds for nodes. */
export function nodesMay(lab: Lab, policy: ExamplePolicy): void {
  awsOf(lab).cloud.policies.attach({ [NODE_ROLE]: exampleFor(lab, policy) });
}

const exampleFor = (lab: Lab, policy: ExamplePolicy): unknown =>
  examplePolicy(lab.executable, policy, { region: awsOf(lab).cloud.region, vpc: planned.vpc(VPC) });

/** With its own role, whose policy is the example's too. */
export function deploy(stage: Stage, { everyMs = EVERY_MS, groups = [] }: Deployment = {}): LambdaService {
  const { lab, screen } = stage;
  const aws = awsOf(lab);
  aws.cloud.policies.attach({ [RECONCILER_ROLE]: exampleFor(lab, 'reconciler-policy.json') });
  const service = lab.deployReconciler(VPC, everyMs, groups);
  screen.line(
    `  The reconciler is deployed as a Lambda function: each ${printDuration(everyMs)}, when an instance comes or goes, and when leases change.`,
  );
  screen.line();
  return service;
}

export const routeCalls = (lab: Lab): readonly JournalEntry[] =>
  awsOf(lab).cloud.journal.entries.filter(({ action }) => ROUTE_CALLS.has(action));

export const callsFrom = (lab: Lab, who: (name: string) => boolean, since = 0): readonly string[] =>
  routeCalls(lab)
    .filter((entry) => entry.number > since && who(entry.who ?? ''))
    .map(({ who: name = '?', action, outcome }) => `${name} ${action} ${outcome}`);

/** Number of the last call so far. */
export const callsUntilNow = (lab: Lab): number => awsOf(lab).cloud.journal.entries.at(-1)?.number ?? 0;

/** No run failed, and there were some. */
export function checkRuns({ report, lab }: Stage, { invocations, dead }: LambdaService): void {
  const failed = invocations.filter(({ outcome }) => outcome.kind !== 'answered');
  report.check(
    'each run of the reconciler ends well',
    failed.length === 0 && dead.length === 0 && invocations.length > 0,
    failed.map(({ outcome }) => JSON.stringify(outcome)).join('\n') || `${invocations.length} runs`,
  );
  const cold = invocations.flatMap(({ coldMs }) => (coldMs === undefined ? [] : Math.round(coldMs)));
  report.add('reconciler', {
    runs: invocations.length,
    coldMs: cold,
    routeCalls: callsFrom(lab, (name) => name === 'reconciler').length,
  });
}
