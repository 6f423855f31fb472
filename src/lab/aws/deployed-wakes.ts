/** What wakes the function where it is deployed (infra/wake.ts, infra/stream-filter.ts), so that the lab's is woken by the same: a test holds the two together. */
import type { EventPattern } from './event-pattern.ts';
import type { StreamSource } from './lambda-stream.ts';

/** @param groups names of the Auto Scaling groups whose machines it lets go, @param hook by the lifecycle hook of this name */
export function deployedEvents(groups: readonly string[], hook: string): readonly EventPattern[] {
  const terminates: EventPattern = {
    source: ['aws.autoscaling'],
    'detail-type': ['EC2 Instance-terminate Lifecycle Action'],
    detail: { AutoScalingGroupName: groups, LifecycleHookName: [hook] },
  };
  return [
    {
      source: ['aws.ec2'],
      'detail-type': ['EC2 Instance State-change Notification'],
      detail: { state: ['running', 'stopping', 'stopped', 'shutting-down', 'terminated'] },
    },
    { source: ['aws.ec2'], 'detail-type': ['EC2 Spot Instance Interruption Warning'] },
    ...(groups.length === 0 ? [] : [terminates]),
  ];
}

/** @param network which of those in the table */
export const deployedStream = (
  network: string,
): Pick<StreamSource, 'filters' | 'batchSize' | 'batchWindowMs' | 'retries'> => ({
  filters: [
    {
      eventName: ['INSERT'],
      dynamodb: {
        NewImage: {
          PK: { S: [`net#${network}`] },
          SK: { S: [{ prefix: 'delta#' }] },
          row: { S: [{ prefix: 'lease#' }, 'config'] },
        },
      },
    },
  ],
  batchSize: 1000,
  batchWindowMs: 5000,
  retries: 2,
});
