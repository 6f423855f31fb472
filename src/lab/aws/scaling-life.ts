/** What becomes of a group's machine that shall end: hooks hold it up, the world is told, and in the end it goes. */
import { randomUUID } from 'node:crypto';
import { ApiError } from './api-error.ts';
import type { EmulatedAws } from './cloud.ts';
import { terminateAction } from './events.ts';
import {
  arnOf,
  beginEnd,
  endWait,
  groupOf,
  waitOf,
  withoutMember,
  type HookResult,
  type WaitingFor,
} from './scaling.ts';

/** From now on machines that have ended leave their group. */
export function followGroups(cloud: EmulatedAws): void {
  cloud.timeline.onChange((next, before) => {
    if (next.instances === before.instances) return;
    for (const { members } of next.scaling.values()) {
      for (const instance of members.keys()) {
        if (next.instances.get(instance)?.state !== 'terminated') continue;
        cloud.timeline.change((state) => withoutMember(state, instance));
      }
    }
  });
}

/** @returns the group's name. @throws ApiError when no group has it */
export function endMember(cloud: EmulatedAws, instance: string, decrement: boolean): string {
  const group = groupOf(cloud.state, instance);
  if (group === undefined) {
    throw new ApiError(
      'ValidationError',
      `Instance Id not found - No managed instance found for instance ID: ${instance}`,
    );
  }
  if (group.members.get(instance)?.state !== 'InService') return group.name;
  cloud.timeline.change((state) => beginEnd(state, instance, decrement, randomUUID));
  const groupArn = arnOf(cloud.origin, group);
  for (const { name: hook, heartbeatMs, result, metadata } of group.hooks) {
    const wait = waitOf(cloud.state, { group: group.name, hook, instance });
    if (wait === undefined) continue;
    cloud.events.tell(terminateAction({ ...wait, groupArn, ...(metadata === undefined ? {} : { metadata }) }));
    cloud.timeline.after(heartbeatMs, () => end(cloud, wait, result));
  }
  goWhenFree(cloud, group.name, instance);
  return group.name;
}

export interface CompletionWish {
  readonly group: string;
  readonly hook: string;
  readonly instance?: string;
  readonly token?: string;
}

/** @throws ApiError of a group that is not there, and of a wait that is over or never was */
export function completeWait(cloud: EmulatedAws, wish: CompletionWish, result: HookResult): void {
  if (!cloud.state.scaling.has(wish.group)) {
    throw new ApiError('ValidationError', `AutoScalingGroup name not found - AutoScalingGroup ${wish.group} not found`);
  }
  const wait = waitOf(cloud.state, wish);
  if (wait === undefined) {
    const by = wish.token === undefined ? `instance ID ${wish.instance}` : `token ${wish.token}`;
    throw new ApiError('ValidationError', `No active Lifecycle Action found with ${by}`);
  }
  end(cloud, wait, result);
}

/** Of a wait that is over already: nothing. */
function end(cloud: EmulatedAws, wait: WaitingFor, result: HookResult): void {
  cloud.timeline.change((state) => endWait(state, wait, result));
  goWhenFree(cloud, wait.group, wait.instance);
}

function goWhenFree(cloud: EmulatedAws, group: string, instance: string): void {
  const member = cloud.state.scaling.get(group)?.members.get(instance);
  if (member?.state === 'Terminating:Proceed') cloud.orderInstance(instance, 'terminate');
}
