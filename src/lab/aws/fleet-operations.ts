/** Orders about machines in numbers, their groups and their end. */
import { planned } from './account.ts';
import { spotInterruption } from './events.ts';
import { addFleet, fleetName, joinGroup } from './fleet.ts';
import { idOf } from './ids.ts';
import { find, numberOf, textOf, wordsOf, type Operation, type Order } from './lab-orders.ts';
import { having, type LifecycleHook } from './model.ts';
import { endMember } from './scaling-life.ts';
import { withHook } from './scaling.ts';

/** From the warning to the end: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html */
const SPOT_NOTICE_MS = 120_000;

export const FLEET_OPERATIONS: Readonly<Record<string, Operation>> = {
  /** `count` instances named `prefix`0001 and so on, in `subnets` by turns; `tag` key=value, `groups`, `role`, `check`, `scaling-group`. */
  'add-instances': (cloud, order) => {
    const { role, check, tag } = order;
    const [prefix, count] = [textOf(order, 'prefix'), numberOf(order, 'count', 1)];
    const group = order['scaling-group'];
    cloud.timeline.change((state) =>
      addFleet(state, {
        prefix,
        count,
        subnets: wordsOf(order, 'subnets').map((name) => find(state, 'subnet', name)),
        groups: wordsOf(order, 'groups').map((name) => find(state, 'sg', name)),
        tags: typeof tag === 'string' ? tagsOf(tag) : {},
        check: check !== false,
        ...(typeof role === 'string' ? { role } : {}),
        ...(typeof group === 'string' ? { scalingGroup: group } : {}),
      }),
    );
    return Array.from({ length: count }, (_, index) => planned.instance(fleetName(prefix, index)));
  },

  /** A group with these `instances`, whose end `hook` holds up for `heartbeat` seconds and then lets `result` (CONTINUE or ABANDON) happen. */
  'scaling-group': (cloud, order) => {
    const name = textOf(order, 'name');
    const members = wordsOf(order, 'instances').map((instance) => find(cloud.state, 'i', instance));
    const hooks = order['hook'] === undefined ? [] : [hookOf(order)];
    cloud.timeline.change((state) => {
      const group = { name, id: idOf('asg', name).slice('asg-'.length), desired: 0, hooks, members: new Map() };
      return joinGroup(
        { ...state, scaling: having(state.scaling, name, group) },
        name,
        members.map((instance) => ({ instance, state: 'InService', waits: new Map() })),
      );
    });
  },
  /** One more `hook` of a `group`, or the same another way: with `heartbeat`, `result` and `metadata` as above. */
  'lifecycle-hook': (cloud, order) => {
    const [name, hook] = [textOf(order, 'group'), hookOf(order)];
    cloud.timeline.change((state) => withHook(state, name, hook));
  },
  /** The group ends this machine by itself, as when it grows smaller. */
  'scale-in': (cloud, order) => ({ group: endMember(cloud, find(cloud.state, 'i', textOf(order, 'instance')), true) }),

  /** AWS wants a Spot instance back: two minutes after the warning it goes. */
  'interrupt-spot': (cloud, order) => {
    const id = find(cloud.state, 'i', textOf(order, 'instance'));
    cloud.events.tell(spotInterruption(id, cloud.state.instances.get(id)?.zone ?? cloud.region, 'terminate'));
    cloud.timeline.after(SPOT_NOTICE_MS, () => cloud.orderInstance(id, 'terminate'));
  },

  /** The account's clock goes on by so many milliseconds at once, and all that is due by then happens. */
  clock: (cloud, order) => {
    cloud.advance(numberOf(order, 'advance', 0));
    return { now: new Date(cloud.now()).toISOString() };
  },
};

function hookOf(order: Order): LifecycleHook {
  const { result = 'ABANDON', metadata } = order;
  if (result !== 'CONTINUE' && result !== 'ABANDON') throw new Error('"result" is CONTINUE or ABANDON');
  // Seconds, as PutLifecycleHook has them: 30 to 7200, 3600 when not given.
  const heartbeatMs = numberOf(order, 'heartbeat', 30, 3600) * 1000;
  const hook: LifecycleHook = { name: textOf(order, 'hook'), heartbeatMs, result };
  return typeof metadata === 'string' ? { ...hook, metadata } : hook;
}

function tagsOf(text: string): Readonly<Record<string, string>> {
  const [key = '', ...value] = text.split('=');
  return { [key]: value.join('=') };
}
