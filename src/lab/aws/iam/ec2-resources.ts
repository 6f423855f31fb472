/**
 * What each call of EC2 touches, with the condition keys that AWS has for it
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html).
 */
import type { AwsState } from '../model.ts';
import type { Place } from './principal.ts';
import type { Context, Resource } from './request.ts';

type Parameters = Readonly<Record<string, string>>;
type Ids = (parameters: Parameters) => readonly string[];

/** Ids of the resources that a call names; an action that is not here knows none. */
const NAMED: Readonly<Record<string, Ids>> = {
  CreateRoute: one('RouteTableId'),
  ReplaceRoute: one('RouteTableId'),
  DeleteRoute: one('RouteTableId'),
  ReplaceRouteTableAssociation: one('RouteTableId'),
  ModifyNetworkInterfaceAttribute: (parameters) => [
    ...one('NetworkInterfaceId')(parameters),
    ...list('SecurityGroupId')(parameters),
  ],
  CreateTags: list('ResourceId'),
  StartInstances: list('InstanceId'),
  StopInstances: list('InstanceId'),
  TerminateInstances: list('InstanceId'),
};

const TYPES: Readonly<Record<string, string>> = {
  rtb: 'route-table',
  eni: 'network-interface',
  sg: 'security-group',
  i: 'instance',
  subnet: 'subnet',
  vpc: 'vpc',
};

export function ec2Resources(
  action: string,
  parameters: Parameters,
  state: AwsState,
  place: Place,
): readonly Resource[] {
  const common: Context = { 'ec2:Region': place.region };
  const ids = NAMED[action]?.(parameters) ?? [];
  if (ids.length === 0) return [{ arn: '*', context: common }];
  const wished = { ...common, ...wishOf(action, parameters) };
  return ids.map((id) => {
    const kind = /^[a-z]+/.exec(id)?.[0] ?? '';
    return { arn: ec2Arn(place, `${TYPES[kind] ?? kind}/${id}`), context: { ...wished, ...keysOf(id, state, place) } };
  });
}

export const ec2Arn = ({ region, account }: Place, resource: string): string =>
  `arn:aws:ec2:${region}:${account}:${resource}`;

/** What the request wants to set. */
function wishOf(action: string, parameters: Parameters): Context {
  switch (action) {
    case 'ModifyNetworkInterfaceAttribute':
      // Attributes that are objects with nothing but a `Value`: `SourceDestCheck.Value=false`.
      return Object.fromEntries(
        Object.entries(parameters).flatMap(([key, value]) => {
          const [, attribute] = /^(\w+)\.Value$/.exec(key) ?? [];
          return attribute === undefined ? [] : [[`ec2:Attribute/${attribute}`, value]];
        }),
      );
    case 'CreateTags': {
      const keys = list('Tag', 'Key')(parameters);
      const values = list('Tag', 'Value')(parameters);
      return {
        'aws:TagKeys': keys,
        ...Object.fromEntries(keys.map((key, at) => [`aws:RequestTag/${key}`, values[at] ?? ''])),
      };
    }
    default:
      return {};
  }
}

/** What is known of a resource that is there. */
function keysOf(id: string, state: AwsState, place: Place): Context {
  const tags = Object.fromEntries(
    [...(state.tags.get(id) ?? [])].flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, value],
      [`ec2:ResourceTag/${key}`, value],
    ]),
  );
  const [table, it, group, instance] = [
    state.tables.get(id),
    state.interfaces.get(id),
    state.groups.get(id),
    state.instances.get(id),
  ];
  const vpc = (table ?? it ?? group)?.vpc;
  const zone = instance?.zone ?? state.subnets.get(it?.subnet ?? '')?.zone;
  return {
    ...tags,
    ...(vpc === undefined ? {} : { 'ec2:Vpc': ec2Arn(place, `vpc/${vpc}`) }),
    ...(zone === undefined ? {} : { 'ec2:AvailabilityZone': zone }),
    ...(table === undefined ? {} : { 'ec2:RouteTableID': id }),
    ...(group === undefined ? {} : { 'ec2:SecurityGroupID': id }),
    ...(instance === undefined ? {} : { 'ec2:InstanceID': id }),
    ...(it === undefined ? {} : { 'ec2:NetworkInterfaceID': id, 'ec2:Subnet': ec2Arn(place, `subnet/${it.subnet}`) }),
  };
}

function one(key: string): Ids {
  return (parameters) => (parameters[key] === undefined ? [] : [parameters[key]]);
}

/** `ResourceId.1`, `ResourceId.2`; with a member: `Tag.1.Key`. */
function list(key: string, member?: string): Ids {
  const form = new RegExp(`^${key}\\.(\\d+)${member === undefined ? '' : `\\.${member}`}$`);
  return (parameters) =>
    Object.entries(parameters)
      .flatMap(([name, value]) => {
        const [, number] = form.exec(name) ?? [];
        return number === undefined ? [] : [[Number(number), value] as const];
      })
      .toSorted(([a], [b]) => a - b)
      .map(([, value]) => value);
}
