/** The calls of EC2 that are known: what each reads or changes, and by which bucket it is throttled. */
import type { ReplaceRouteTableAssociationResult } from '@aws-sdk/client-ec2';
import { replaceAssociation } from './associations.ts';
import type { EmulatedAws } from './cloud.ts';
import { describeInstances, stateAnswer } from './describe-instances.ts';
import { describeNetworkInterfaceAttribute, describeNetworkInterfaces } from './describe-interfaces.ts';
import { describeSubnets, describeVpcs } from './describe-network.ts';
import { describeRouteTables } from './describe-tables.ts';
import { Ec2Error } from './ec2-error.ts';
import { named } from './ids.ts';
import { setGroups, setSourceDestCheck } from './interfaces.ts';
import type { AwsState } from './model.ts';
import { isPaged } from './paging.ts';
import type { Query } from './query.ts';
import { createRoute, deleteRoute, replaceRoute, type TargetWish } from './routes.ts';
import type { Action } from './service.ts';
import { putTags } from './tags.ts';
import type { Result } from './xml.ts';

const DONE: Result = { Return: true };

const reading = (read: (state: AwsState, query: Query) => Result): Action => ({
  mutating: false,
  bucket: () => 'reading',
  run: (cloud, query) => read(cloud.timeline.readable, query),
});

/** Dearer when nothing narrows the answer. */
const searching = (read: (state: AwsState, query: Query) => Result, ids: string): Action => ({
  ...reading(read),
  bucket: (query) =>
    isPaged(query) || query.filters.length > 0 || query.list(ids).length > 0 ? 'reading' : 'unfiltered',
});

const writing = (write: (state: AwsState, query: Query, cloud: EmulatedAws) => AwsState): Action => ({
  mutating: true,
  bucket: () => 'mutating',
  run: (cloud, query) => {
    cloud.write((state) => write(state, query, cloud));
    return DONE;
  },
});

export const ACTIONS: Readonly<Record<string, Action>> = {
  DescribeRouteTables: reading(describeRouteTables),
  DescribeVpcs: reading(describeVpcs),
  DescribeSubnets: reading(describeSubnets),
  DescribeNetworkInterfaceAttribute: reading(describeNetworkInterfaceAttribute),
  DescribeNetworkInterfaces: searching(describeNetworkInterfaces, 'NetworkInterfaceId'),
  DescribeInstances: searching(describeInstances, 'InstanceId'),

  CreateRoute: writing((state, query, { settings }) =>
    createRoute(state, query.required('RouteTableId'), destinationOf(query), targetOf(query), settings.routeQuota),
  ),
  ReplaceRoute: writing((state, query) =>
    replaceRoute(state, query.required('RouteTableId'), destinationOf(query), targetOf(query)),
  ),
  DeleteRoute: writing((state, query) => deleteRoute(state, query.required('RouteTableId'), destinationOf(query))),
  CreateTags: writing((state, query) => {
    const tags = query.records('Tag', 'Key', 'Value').map(({ Key = '', Value = '' }) => [Key, Value] as const);
    return putTags(state, query.list('ResourceId'), tags);
  }),
  ModifyNetworkInterfaceAttribute: { ...writing(modifyInterface), bucket: () => 'special' },
  ReplaceRouteTableAssociation: {
    mutating: true,
    bucket: () => 'mutating',
    run: (cloud, query): ReplaceRouteTableAssociationResult => {
      let made = '';
      cloud.write((state) => {
        const [id, next] = replaceAssociation(state, query.required('AssociationId'), query.required('RouteTableId'));
        made = id;
        return next;
      });
      return { NewAssociationId: made, AssociationState: { State: 'associated' } };
    },
  },

  StartInstances: ordering('start', 'StartingInstances'),
  StopInstances: ordering('stop', 'StoppingInstances'),
  TerminateInstances: ordering('terminate', 'TerminatingInstances'),
};

function destinationOf(query: Query): string {
  for (const key of ['DestinationIpv6CidrBlock', 'DestinationPrefixListId']) {
    if (query.text(key) !== undefined) throw new Ec2Error('Unsupported', `This emulated EC2 has no ${key}.`);
  }
  return query.required('DestinationCidrBlock');
}

function targetOf(query: Query): TargetWish {
  const interfaceId = query.text('NetworkInterfaceId');
  const instance = query.text('InstanceId');
  const gateway = query.text('GatewayId') ?? query.text('NatGatewayId');
  return {
    ...(interfaceId === undefined ? {} : { interface: interfaceId }),
    ...(instance === undefined ? {} : { instance }),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

function modifyInterface(state: AwsState, query: Query): AwsState {
  const id = query.required('NetworkInterfaceId');
  const check = query.flag('SourceDestCheck.Value');
  const groups = query.list('SecurityGroupId');
  if ((check === undefined) === (groups.length === 0)) {
    throw new Ec2Error('InvalidParameterCombination', 'Exactly one attribute must be specified');
  }
  return check === undefined ? setGroups(state, id, groups) : setSourceDestCheck(state, id, check);
}

function ordering(wish: 'start' | 'stop' | 'terminate', member: string): Action {
  return {
    mutating: true,
    bucket: () => 'mutating',
    run: (cloud, query) => {
      const ids = query.list('InstanceId');
      // All or none: names are looked at before anything is done.
      const before = ids.map((id) => named(cloud.state.instances, 'i', id));
      for (const id of ids) cloud.orderInstance(id, wish);
      const changes = before.map(({ id, state }) => ({
        InstanceId: id,
        PreviousState: stateAnswer(state),
        CurrentState: stateAnswer(cloud.state.instances.get(id)?.state ?? state),
      }));
      return { [member]: changes };
    },
  };
}
