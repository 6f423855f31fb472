/**
 * Auto Scaling groups as far as a machine's end goes:
 *
 *   InService ─► Terminating:Wait ─► Terminating:Proceed ─► (the instance ends, and with it the membership)
 *
 * It waits while any of the group's hooks does. Each hook's wait ends by CompleteLifecycleAction, or by itself after the heartbeat timeout.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html
 */
import type { EventOrigin } from './events.ts';
import { having, lacking, type AwsState, type GroupMember, type LifecycleHook, type ScalingGroup } from './model.ts';

export type HookResult = LifecycleHook['result'];

/** What is waited for: a hook's wait for a member. */
export interface WaitingFor {
  readonly group: string;
  readonly hook: string;
  readonly instance: string;
  readonly token: string;
}

export const groupOf = (state: AwsState, instance: string): ScalingGroup | undefined =>
  [...state.scaling.values()].find(({ members }) => members.has(instance));

export const arnOf = (
  { region, account }: Pick<EventOrigin, 'region' | 'account'>,
  { id, name }: Pick<ScalingGroup, 'id' | 'name'>,
): string => `arn:aws:autoscaling:${region}:${account}:autoScalingGroup:${id}:autoScalingGroupName/${name}`;

/** It holds for ends that begin from now on. @throws Error when there is no such group */
export function withHook(state: AwsState, name: string, hook: LifecycleHook): AwsState {
  if (!state.scaling.has(name)) throw new Error(`no Auto Scaling group is named "${name}"`);
  return changed(state, name, (group) => ({
    ...group,
    hooks: [...group.hooks.filter((it) => it.name !== hook.name), hook],
  }));
}

/** @param token makes the token of a hook's wait. */
export function beginEnd(state: AwsState, instance: string, decrement: boolean, token: () => string): AwsState {
  const group = groupOf(state, instance);
  const member = group?.members.get(instance);
  if (group === undefined || member?.state !== 'InService') return state;
  const waits = new Map(group.hooks.map(({ name }) => [name, token()]));
  const next = withMember(state, group, settled({ ...member, waits }));
  return decrement ? changed(next, group.name, (it) => ({ ...it, desired: Math.max(0, it.desired - 1) })) : next;
}

/** `undefined`: nothing waits like that. Without a token the hook's wait for the instance is meant, whatever its token. */
export function waitOf(
  state: AwsState,
  wish: { readonly group: string; readonly hook: string; readonly instance?: string; readonly token?: string },
): WaitingFor | undefined {
  const { group, hook } = wish;
  for (const [instance, { waits }] of state.scaling.get(group)?.members ?? []) {
    const token = waits.get(hook);
    if (token === undefined || (wish.token ?? token) !== token || (wish.instance ?? instance) !== instance) continue;
    return { group, hook, instance, token };
  }
  return undefined;
}

/** Of a wait that is over: the state as it is. ABANDON ends what other hooks wait for, too. */
export function endWait(state: AwsState, { group, hook, instance, token }: WaitingFor, result: HookResult): AwsState {
  const found = state.scaling.get(group);
  const member = found?.members.get(instance);
  if (found === undefined || member?.waits.get(hook) !== token) return state;
  const waits = result === 'ABANDON' ? new Map<string, string>() : lacking(member.waits, hook);
  return withMember(state, found, settled({ ...member, waits }));
}

/** A machine that has ended, or is gone, is nobody's member. */
export function withoutMember(state: AwsState, instance: string): AwsState {
  const group = groupOf(state, instance);
  if (group === undefined) return state;
  return changed(state, group.name, (it) => ({ ...it, members: lacking(it.members, instance) }));
}

const settled = (member: GroupMember): GroupMember => ({
  ...member,
  state: member.waits.size > 0 ? 'Terminating:Wait' : 'Terminating:Proceed',
});

const withMember = (state: AwsState, { name }: ScalingGroup, member: GroupMember): AwsState =>
  changed(state, name, (it) => ({ ...it, members: having(it.members, member.instance, member) }));

function changed(state: AwsState, name: string, change: (group: ScalingGroup) => ScalingGroup): AwsState {
  const group = state.scaling.get(name);
  return group === undefined ? state : { ...state, scaling: having(state.scaling, name, change(group)) };
}
