/** Network interfaces: their attributes, and to which instance they are attached. */
import type { Address } from '../../core/address.ts';
import { Ec2Error } from './ec2-error.ts';
import { mint, named } from './ids.ts';
import { having, lacking, type AwsState, type NetworkInterface } from './model.ts';

export function changeInterface(
  state: AwsState,
  id: string,
  change: (it: NetworkInterface) => NetworkInterface,
): AwsState {
  const found = named(state.interfaces, 'eni', id);
  return { ...state, interfaces: having(state.interfaces, id, change(found)) };
}

export function setSourceDestCheck(state: AwsState, id: string, sourceDestCheck: boolean): AwsState {
  return changeInterface(state, id, (it) => ({ ...it, sourceDestCheck }));
}

export function setGroups(state: AwsState, id: string, groups: readonly string[]): AwsState {
  for (const group of groups) named(state.groups, 'sg', group);
  return changeInterface(state, id, (it) => ({ ...it, groups }));
}

/** Asked for each of a thousand instances in one answer: sorted out once for each state. */
const SORTED = new WeakMap<AwsState['interfaces'], ReadonlyMap<string, readonly NetworkInterface[]>>();

export function interfacesOf({ interfaces }: AwsState, instance: string): readonly NetworkInterface[] {
  const sorted = SORTED.get(interfaces) ?? byInstance(interfaces);
  SORTED.set(interfaces, sorted);
  return sorted.get(instance) ?? [];
}

function byInstance(interfaces: AwsState['interfaces']): ReadonlyMap<string, readonly NetworkInterface[]> {
  const sorted = new Map<string, NetworkInterface[]>();
  for (const it of interfaces.values()) {
    if (it.attachment === undefined) continue;
    const own = sorted.get(it.attachment.instance) ?? [];
    sorted.set(it.attachment.instance, own);
    own.push(it);
  }
  for (const own of sorted.values()) own.sort((a, b) => (a.attachment?.device ?? 0) - (b.attachment?.device ?? 0));
  return sorted;
}

/** Do packets pass? Its instance runs, and nothing has made it dark. */
export function carries(state: AwsState, it: NetworkInterface): boolean {
  const instance = it.attachment === undefined ? undefined : state.instances.get(it.attachment.instance);
  return instance?.state === 'running' && !state.damage.dark.has(it.id);
}

/** A further interface for an instance. @returns its id. */
export function attachNew(
  state: AwsState,
  instance: string,
  plan: {
    readonly subnet: string;
    readonly address: Address;
    readonly mac: string;
    readonly groups: readonly string[];
  },
): readonly [id: string, state: AwsState] {
  named(state.instances, 'i', instance);
  const { vpc } = named(state.subnets, 'subnet', plan.subnet);
  const [id, withId] = mint(state, 'eni');
  const [attachment, next] = mint(withId, 'eni-attach');
  const devices = interfacesOf(next, instance).map((it) => it.attachment?.device ?? 0);
  const made: NetworkInterface = {
    id,
    vpc,
    ...plan,
    sourceDestCheck: true,
    attachment: { id: attachment, instance, device: Math.max(-1, ...devices) + 1 },
    shownAs: 'active',
  };
  return [id, { ...next, interfaces: having(next.interfaces, id, made) }];
}

export function detach(state: AwsState, id: string): AwsState {
  return changeInterface(state, id, ({ attachment, ...rest }) => {
    if (attachment === undefined)
      throw new Ec2Error('IncorrectState', `The network interface '${id}' is not attached.`);
    return rest;
  });
}

/** Another interface in the place of an attached one: same address, MAC and device, another id. The old one is gone. @returns the new id. */
export function swapInterface(state: AwsState, id: string): readonly [id: string, state: AwsState] {
  const old = named(state.interfaces, 'eni', id);
  const [made, next] = mint(state, 'eni');
  const interfaces = having(lacking(next.interfaces, id), made, {
    ...old,
    id: made,
    sourceDestCheck: true,
    shownAs: 'active' as const,
  });
  return [made, { ...next, interfaces }];
}
