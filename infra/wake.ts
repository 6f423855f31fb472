/** What wakes the reconciler. No event carries state: each says "look again", and those of machines on their way out name one. */
import { Duration, Token } from 'aws-cdk-lib';
import { Rule, Schedule, type EventPattern } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { EventSourceMapping, FilterCriteria, StartingPosition, type Function } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { networkOf, type Store } from './reach.ts';
import { changesOf } from './stream-filter.ts';

/** `running` too: one that was stopped has its lease still, and gets its routes back. (A new one has none yet: the stream tells of that.) */
const STATES = ['running', 'stopping', 'stopped', 'shutting-down', 'terminated'] as const;
/** Of what stands in the queue of a failing function at most so much is tried again. */
const STREAM = { batch: 1000, windowSeconds: 5, retries: 2, maxAgeMinutes: 15 } as const;

/** Characters of an event pattern: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const MOST_PATTERN = 2048;
/** What stands for a name that is known at the deployment alone: the longest that a group may have. */
const LONGEST_GROUP = 'x'.repeat(255);

/** Of groups our own hook alone: another tool's is that tool's. https://docs.aws.amazon.com/eventbridge/latest/ref/events.html */
export function eventPatterns(groups: readonly string[], hook: string): Readonly<Record<string, EventPattern>> {
  return {
    InstanceState: {
      source: ['aws.ec2'],
      detailType: ['EC2 Instance State-change Notification'],
      detail: { state: [...STATES] },
    },
    SpotInterruption: { source: ['aws.ec2'], detailType: ['EC2 Spot Instance Interruption Warning'] },
    ...Object.fromEntries(
      rulesOf(groups, hook).map((some, at) => [
        at === 0 ? 'GroupTerminates' : `GroupTerminates${at + 1}`,
        terminations(some, hook),
      ]),
    ),
  };
}

const terminations = (groups: readonly string[], hook: string): EventPattern => ({
  source: ['aws.autoscaling'],
  detailType: ['EC2 Instance-terminate Lifecycle Action'],
  detail: { AutoScalingGroupName: [...groups], LifecycleHookName: [hook] },
});

/** As many groups to a rule as its pattern takes. */
function rulesOf(groups: readonly string[], hook: string): readonly (readonly string[])[] {
  const deployed = (name: string): string => (Token.isUnresolved(name) ? LONGEST_GROUP : name);
  const fits = (some: readonly string[]): boolean => {
    const { detailType, ...pattern } = terminations(some.map(deployed), deployed(hook));
    return JSON.stringify({ ...pattern, 'detail-type': detailType }).length <= MOST_PATTERN;
  };
  const rules: string[][] = [];
  for (const group of groups) {
    const last = rules.at(-1);
    if (last !== undefined && fits([...last, group])) last.push(group);
    else rules.push([group]);
  }
  return rules;
}

export function wakeByEvents(
  scope: Construct,
  target: Function,
  { every, groups, hook }: { readonly every: Duration; readonly groups: readonly string[]; readonly hook: string },
): void {
  // EventBridge hands over at once; what waits for the function to be free waits in Lambda's queue, under the function's own bounds.
  const targets = [new LambdaTarget(target, { maxEventAge: Duration.hours(1), retryAttempts: 5 })];
  new Rule(scope, 'Schedule', { description: 'Weft: look again', schedule: Schedule.rate(every), targets });
  for (const [name, eventPattern] of Object.entries(eventPatterns(groups, hook)))
    new Rule(scope, name, { description: 'Weft: look again', eventPattern, targets });
}

/** A table without a stream is no fault: the schedule sees what changed. */
export function wakeByTable(scope: Construct, target: Function, store: Extract<Store, { table: unknown }>): void {
  const { tableStreamArn } = store.table;
  if (tableStreamArn === undefined) return;
  new EventSourceMapping(scope, 'Changes', {
    target,
    eventSourceArn: tableStreamArn,
    startingPosition: StartingPosition.LATEST,
    filters: [FilterCriteria.filter(changesOf(networkOf(store)))],
    batchSize: STREAM.batch,
    maxBatchingWindow: Duration.seconds(STREAM.windowSeconds),
    retryAttempts: STREAM.retries,
    bisectBatchOnError: true,
    maxRecordAge: Duration.minutes(STREAM.maxAgeMinutes),
  });
}
