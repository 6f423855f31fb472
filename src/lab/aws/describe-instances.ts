/** DescribeInstances. */
import type {
  DescribeInstancesResult,
  Instance as InstanceAnswer,
  InstanceNetworkInterface,
} from '@aws-sdk/client-ec2';
import { ACCOUNT } from './cloud.ts';
import { groupsAnswer } from './describe-interfaces.ts';
import { choose, type Fields } from './filters.ts';
import { idOf, named } from './ids.ts';
import { interfacesOf } from './interfaces.ts';
import { STATE_CODES } from './instances.ts';
import type { AwsState, Instance, InstanceState } from './model.ts';
import { pageOf } from './paging.ts';
import type { Query } from './query.ts';
import { tagsOf } from './tags.ts';

export function describeInstances(state: AwsState, query: Query): DescribeInstancesResult {
  const ids = query.list('InstanceId');
  const all = ids.length === 0 ? state.instances.values() : ids.map((id) => named(state.instances, 'i', id));
  const { items, next } = pageOf(choose(state, all, query.filters, fieldsOf(state)), query, ids);
  const reservations = items.map((it) => ({
    ReservationId: idOf('r', it.id),
    OwnerId: ACCOUNT,
    Groups: [],
    Instances: [instanceAnswer(state, it)],
  }));
  return { Reservations: reservations, ...(next === undefined ? {} : { NextToken: next }) };
}

const fieldsOf = (state: AwsState): Fields<Instance> => {
  const interfaces = (it: Instance) => interfacesOf(state, it.id);
  return {
    'instance-id': (it) => [it.id],
    'instance-state-name': (it) => [it.state],
    'instance-state-code': (it) => [String(STATE_CODES[it.state])],
    'availability-zone': (it) => [it.zone],
    'vpc-id': (it) => interfaces(it).map(({ vpc }) => vpc),
    'subnet-id': (it) => interfaces(it).map(({ subnet }) => subnet),
    'private-ip-address': (it) => interfaces(it).map(({ address }) => address),
    'network-interface.network-interface-id': (it) => interfaces(it).map(({ id }) => id),
    'network-interface.private-ip-address': (it) => interfaces(it).map(({ address }) => address),
  };
};

export const stateAnswer = (name: InstanceState) => ({ Code: STATE_CODES[name], Name: name });

function instanceAnswer(state: AwsState, instance: Instance): InstanceAnswer {
  const interfaces = interfacesOf(state, instance.id);
  const [primary] = interfaces;
  return {
    InstanceId: instance.id,
    State: stateAnswer(instance.state),
    Placement: { AvailabilityZone: instance.zone },
    NetworkInterfaces: interfaces.map((it): InstanceNetworkInterface => ({
      NetworkInterfaceId: it.id,
      SubnetId: it.subnet,
      VpcId: it.vpc,
      MacAddress: it.mac,
      PrivateIpAddress: it.address,
      SourceDestCheck: it.sourceDestCheck,
      Status: 'in-use',
      Groups: groupsAnswer(state, it.groups),
      Attachment: {
        AttachmentId: it.attachment?.id,
        DeviceIndex: it.attachment?.device,
        Status: 'attached',
        DeleteOnTermination: true,
      },
    })),
    ...(primary === undefined
      ? {}
      : {
          VpcId: primary.vpc,
          SubnetId: primary.subnet,
          PrivateIpAddress: primary.address,
          SourceDestCheck: primary.sourceDestCheck,
          SecurityGroups: groupsAnswer(state, primary.groups),
        }),
    Tags: tagsOf(state, instance.id),
  };
}
