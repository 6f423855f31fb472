/** The calls of Auto Scaling that are known. AWS publishes no rates of theirs; EC2's stand for them. */
import { randomUUID } from 'node:crypto';
import type {
  ActivityType,
  AutoScalingGroup,
  AutoScalingGroupsType,
  AutoScalingInstancesType,
  DescribeLifecycleHooksAnswer,
} from '@aws-sdk/client-auto-scaling';
import { ApiError } from './api-error.ts';
import type { EmulatedAws } from './cloud.ts';
import type { GroupMember, ScalingGroup } from './model.ts';
import { sliceOf } from './paging.ts';
import type { Query } from './query.ts';
import { completeWait, endMember } from './scaling-life.ts';
import { arnOf, type HookResult } from './scaling.ts';
import type { Action } from './service.ts';
import { tagsOf } from './tags.ts';
import type { Result } from './xml.ts';

const reading = (run: Action['run']): Action => ({ mutating: false, bucket: () => 'reading', run });
const writing = (run: Action['run']): Action => ({ mutating: true, bucket: () => 'mutating', run });

export const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeAutoScalingGroups: reading(describeGroups),
  DescribeAutoScalingInstances: reading(describeInstances),
  DescribeLifecycleHooks: reading(describeHooks),
  TerminateInstanceInAutoScalingGroup: writing(terminateInstance),
  CompleteLifecycleAction: writing(completeLifecycleAction),
};

const TRANSITION = 'autoscaling:EC2_INSTANCE_TERMINATING';

function describeGroups(cloud: EmulatedAws, query: Query): AutoScalingGroupsType {
  const names = query.list('AutoScalingGroupNames.member');
  const groups = [...cloud.state.scaling.values()].filter(({ name }) => names.length === 0 || names.includes(name));
  const { items, next } = pageOfRecords(groups, query, 100);
  return {
    AutoScalingGroups: items.map((group) => groupAnswer(cloud, group)),
    ...(next === undefined ? {} : { NextToken: next }),
  };
}

function describeInstances(cloud: EmulatedAws, query: Query): AutoScalingInstancesType {
  const ids = query.list('InstanceIds.member');
  const members = [...cloud.state.scaling.values()].flatMap((group) =>
    [...group.members.values()].map((member) => ({ id: member.instance, group, member })),
  );
  const wanted = members.filter(({ id }) => ids.length === 0 || ids.includes(id));
  const { items, next } = pageOfRecords(wanted, query, 50);
  return {
    AutoScalingInstances: items.map(({ group, member }) => ({
      ...memberAnswer(cloud, member),
      AutoScalingGroupName: group.name,
    })),
    ...(next === undefined ? {} : { NextToken: next }),
  };
}

function describeHooks(cloud: EmulatedAws, query: Query): DescribeLifecycleHooksAnswer {
  const group = cloud.state.scaling.get(query.required('AutoScalingGroupName'));
  if (group === undefined) throw new ApiError('ValidationError', 'AutoScalingGroup name not found - no such group');
  return {
    LifecycleHooks: group.hooks.map(({ name, heartbeatMs, result, metadata }) => ({
      LifecycleHookName: name,
      AutoScalingGroupName: group.name,
      LifecycleTransition: TRANSITION,
      HeartbeatTimeout: heartbeatMs / 1000,
      // "The maximum is 172800 seconds (48 hours) or 100 times HeartbeatTimeout, whichever is smaller."
      GlobalTimeout: Math.min(172_800, heartbeatMs / 10),
      DefaultResult: result,
      ...(metadata === undefined ? {} : { NotificationMetadata: metadata }),
    })),
  };
}

function terminateInstance(cloud: EmulatedAws, query: Query): ActivityType {
  const instance = query.required('InstanceId');
  const decrement = query.flag('ShouldDecrementDesiredCapacity');
  if (decrement === undefined) throw missing('shouldDecrementDesiredCapacity');
  const group = endMember(cloud, instance, decrement);
  const at = new Date(cloud.now());
  return {
    Activity: {
      ActivityId: randomUUID(),
      AutoScalingGroupName: group,
      Description: `Terminating EC2 instance: ${instance}`,
      Cause: `At ${at.toISOString()} instance ${instance} was taken out of service in response to a user request.`,
      StartTime: at,
      StatusCode: 'InProgress',
      Progress: 0,
    },
  };
}

function completeLifecycleAction(cloud: EmulatedAws, query: Query): Result {
  const [group, hook] = [query.text('AutoScalingGroupName'), query.text('LifecycleHookName')];
  const [instance, token] = [query.text('InstanceId'), query.text('LifecycleActionToken')];
  if (group === undefined) throw missing('autoScalingGroupName');
  if (hook === undefined) throw missing('lifecycleHookName');
  if (token !== undefined && token.length !== 36) {
    throw new ApiError(
      'ValidationError',
      `1 validation error detected: Value '${token}' at 'lifecycleActionToken' failed to satisfy constraint: Member must have length equal to 36`,
    );
  }
  if (instance === undefined && token === undefined) {
    throw new ApiError('ValidationError', 'Please provide either an instance ID or a lifecycle action token.');
  }
  const wish = {
    group,
    hook,
    ...(instance === undefined ? {} : { instance }),
    ...(token === undefined ? {} : { token }),
  };
  completeWait(cloud, wish, resultOf(query.text('LifecycleActionResult')));
  return {};
}

function resultOf(text: string | undefined): HookResult {
  if (text === 'CONTINUE' || text === 'ABANDON') return text;
  throw new ApiError('ValidationError', 'Lifecycle Action Result must be CONTINUE or ABANDON');
}

const missing = (member: string): ApiError =>
  new ApiError(
    'ValidationError',
    `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`,
  );

/** Nobody asks when. */
const CREATED = new Date(0);

const FEWEST = 50;

function pageOfRecords<T extends { readonly id: string }>(all: readonly T[], query: Query, most: number) {
  const size = Number(query.text('MaxRecords') ?? FEWEST);
  if (!Number.isInteger(size) || size < 1 || size > most) {
    throw new ApiError('ValidationError', `MaxRecords must be at least 1 and at most ${most}`);
  }
  return sliceOf(all, size, query.text('NextToken'));
}

const memberAnswer = (cloud: EmulatedAws, { instance, state }: GroupMember) => ({
  InstanceId: instance,
  AvailabilityZone: cloud.state.instances.get(instance)?.zone ?? 'unknown',
  LifecycleState: state,
  HealthStatus: 'Healthy',
  ProtectedFromScaleIn: false,
});

function groupAnswer(cloud: EmulatedAws, group: ScalingGroup): AutoScalingGroup {
  const members = [...group.members.values()].map((member) => memberAnswer(cloud, member));
  return {
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: arnOf(cloud.origin, group),
    MinSize: 0,
    MaxSize: Math.max(group.desired, members.length),
    DesiredCapacity: group.desired,
    DefaultCooldown: 300,
    AvailabilityZones: [...new Set(members.map(({ AvailabilityZone }) => AvailabilityZone))].toSorted(),
    HealthCheckType: 'EC2',
    CreatedTime: CREATED,
    Instances: members,
    Tags: tagsOf(cloud.state, group.id).map((tag) => ({
      ...tag,
      ResourceId: group.name,
      ResourceType: 'auto-scaling-group',
      PropagateAtLaunch: true,
    })),
  };
}
