/** Many instances at once, as an Auto Scaling group starts them: each with one interface, named PREFIX and a number. */
import { offset, type Address } from '../../core/address.ts';
import { baseOf, sizeOf } from '../../core/subnet.ts';
import { macOf, planned } from './account.ts';
import { idOf, named } from './ids.ts';
import {
  having,
  type AwsState,
  type CloudSubnet,
  type GroupMember,
  type Instance,
  type NetworkInterface,
} from './model.ts';

export interface FleetPlan {
  readonly prefix: string;
  readonly count: number;
  /** Subnet ids; they are used in turn. */
  readonly subnets: readonly string[];
  /** Security group ids. */
  readonly groups?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  /** Source/destination check; on when not given. */
  readonly check?: boolean;
  readonly role?: string;
  /** Name of an Auto Scaling group that they belong to. */
  readonly scalingGroup?: string;
}

/** AWS keeps the first four; a few more for what a plan names. */
const FIRST_HOST = 10n;

export const fleetName = (prefix: string, index: number): string => `${prefix}${String(index + 1).padStart(4, '0')}`;

/** They run at once. @throws Error when a name stands already, or a subnet has no room */
export function addFleet(state: AwsState, plan: FleetPlan): AwsState {
  const { prefix, count, groups = [], tags: more = {}, check = true, role, scalingGroup } = plan;
  const places = plan.subnets.map((id) => placesIn(state, named(state.subnets, 'subnet', id)));
  const instances = new Map(state.instances);
  const interfaces = new Map(state.interfaces);
  const tags = new Map(state.tags);
  const members: GroupMember[] = [];
  for (let index = 0; index < count; index++) {
    const name = fleetName(prefix, index);
    const id = planned.instance(name);
    if (instances.has(id)) throw new Error(`an instance is named "${name}" already`);
    const place = places[index % places.length]?.next().value;
    if (place === undefined) throw new Error(`no room for ${name}: ${count} instances in ${plan.subnets.join(', ')}`);
    const { subnet, address } = place;
    const instance: Instance = { id, state: 'running', zone: subnet.zone };
    instances.set(id, role === undefined ? instance : { ...instance, role });
    const made: NetworkInterface = {
      id: planned.interface(name),
      vpc: subnet.vpc,
      subnet: subnet.id,
      address,
      mac: macOf(address),
      groups,
      sourceDestCheck: check,
      attachment: { id: idOf('eni-attach', name), instance: id, device: 0 },
      shownAs: 'active',
    };
    interfaces.set(made.id, made);
    tags.set(id, new Map(Object.entries({ Name: name, ...more })));
    members.push({ instance: id, state: 'InService', waits: new Map() });
  }
  const next = { ...state, instances, interfaces, tags };
  return scalingGroup === undefined ? next : joinGroup(next, scalingGroup, members);
}

export function joinGroup(state: AwsState, name: string, joining: readonly GroupMember[]): AwsState {
  const group = state.scaling.get(name);
  if (group === undefined) throw new Error(`no Auto Scaling group is named "${name}"`);
  const members = new Map([...group.members, ...joining.map((it) => [it.instance, it] as const)]);
  return { ...state, scaling: having(state.scaling, name, { ...group, members, desired: members.size }) };
}

interface Place {
  readonly subnet: CloudSubnet;
  readonly address: Address;
}

function* placesIn(state: AwsState, subnet: CloudSubnet): Generator<Place, undefined> {
  const used = new Set([...state.interfaces.values()].flatMap((it) => (it.subnet === subnet.id ? it.address : [])));
  for (let number = FIRST_HOST; number < sizeOf(subnet.range) - 1n; number++) {
    const address = offset(baseOf(subnet.range), number);
    if (!used.has(address)) yield { subnet, address };
  }
  return undefined;
}
