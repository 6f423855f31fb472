/**
 * The life of an instance:
 *
 *   pending ─► running ─► stopping ─► stopped ─► pending
 *                 └──────────┴───────────┴─► shutting-down ─► terminated
 *
 * An action makes the first step; the next one comes by itself after a while (`next`).
 */
import { Ec2Error } from './ec2-error.ts';
import { named } from './ids.ts';
import { interfacesOf } from './interfaces.ts';
import { having, lacking, type AwsState, type Instance, type InstanceState } from './model.ts';

/** API reference, InstanceState. */
export const STATE_CODES: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

type Order = 'start' | 'stop' | 'terminate';

const ORDERS: Readonly<
  Record<Order, { from: readonly InstanceState[]; to: InstanceState; already: readonly InstanceState[] }>
> = {
  start: { from: ['stopped'], to: 'pending', already: ['pending', 'running'] },
  stop: { from: ['pending', 'running'], to: 'stopping', already: ['stopping', 'stopped'] },
  terminate: {
    from: ['pending', 'running', 'stopping', 'stopped'],
    to: 'shutting-down',
    already: ['shutting-down', 'terminated'],
  },
};

/** What a passing state turns into. */
export const FOLLOWING: Partial<Readonly<Record<InstanceState, InstanceState>>> = {
  pending: 'running',
  stopping: 'stopped',
  'shutting-down': 'terminated',
};

/** Asking for what is so already changes nothing. @throws Ec2Error IncorrectInstanceState */
export function order(state: AwsState, id: string, wish: Order): AwsState {
  const instance = named(state.instances, 'i', id);
  const { from, to, already } = ORDERS[wish];
  if (already.includes(instance.state)) return state;
  if (!from.includes(instance.state)) {
    throw new Ec2Error(
      'IncorrectInstanceState',
      `The instance '${id}' is not in a state from which it can be ${to}: it is ${instance.state}`,
    );
  }
  return enter(state, instance, to);
}

/** The step that comes by itself; the state unchanged when the instance has left `from` meanwhile. */
export function follow(state: AwsState, id: string, from: InstanceState): AwsState {
  const instance = state.instances.get(id);
  const to = FOLLOWING[from];
  if (instance?.state !== from || to === undefined) return state;
  return enter(state, instance, to);
}

function enter(state: AwsState, instance: Instance, to: InstanceState): AwsState {
  const next = { ...state, instances: having(state.instances, instance.id, { ...instance, state: to }) };
  if (to !== 'terminated') return next;
  // With the instance go the interfaces that came with it; routes to them stay, as black holes.
  const interfaces = interfacesOf(next, instance.id).reduce((map, { id }) => lacking(map, id), next.interfaces);
  return { ...next, interfaces };
}

/** One that is terminated is shown for a while, and then no more. */
export const forget = (state: AwsState, id: string): AwsState => ({
  ...state,
  instances: lacking(state.instances, id),
  tags: lacking(state.tags, id),
});

/** Are routes to this instance's interfaces black holes by what the API knows? `stopping` and `shutting-down` are not yet (CLOUD.md 1.2). */
export const isGone = (state: InstanceState): boolean => state === 'stopped' || state === 'terminated';

/** What DescribeRouteTables ought to show for each of these interfaces, once it catches up. */
export function showTargets(state: AwsState, ids: readonly string[]): AwsState {
  let interfaces = state.interfaces;
  for (const id of ids) {
    const it = interfaces.get(id);
    if (it === undefined) continue;
    const instance = it.attachment === undefined ? undefined : state.instances.get(it.attachment.instance);
    const shownAs = instance === undefined || isGone(instance.state) ? 'blackhole' : 'active';
    interfaces = having(interfaces, id, { ...it, shownAs });
  }
  return { ...state, interfaces };
}
