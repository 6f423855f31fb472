/** DescribeNetworkInterfaces and DescribeNetworkInterfaceAttribute. */
import type {
  DescribeNetworkInterfaceAttributeResult,
  DescribeNetworkInterfacesResult,
  GroupIdentifier,
  NetworkInterface as InterfaceAnswer,
} from '@aws-sdk/client-ec2';
import { ACCOUNT } from './cloud.ts';
import { Ec2Error } from './ec2-error.ts';
import { choose, type Fields } from './filters.ts';
import { named } from './ids.ts';
import type { AwsState, NetworkInterface } from './model.ts';
import { pageOf } from './paging.ts';
import type { Query } from './query.ts';
import { tagsOf } from './tags.ts';

export function describeNetworkInterfaces(state: AwsState, query: Query): DescribeNetworkInterfacesResult {
  const ids = query.list('NetworkInterfaceId');
  const all = ids.length === 0 ? state.interfaces.values() : ids.map((id) => named(state.interfaces, 'eni', id));
  const { items, next } = pageOf(choose(state, all, query.filters, FIELDS), query, ids);
  return {
    NetworkInterfaces: items.map((it) => interfaceAnswer(state, it)),
    ...(next === undefined ? {} : { NextToken: next }),
  };
}

export function describeNetworkInterfaceAttribute(
  state: AwsState,
  query: Query,
): DescribeNetworkInterfaceAttributeResult {
  const it = named(state.interfaces, 'eni', query.required('NetworkInterfaceId'));
  const attribute = query.required('Attribute');
  switch (attribute) {
    case 'sourceDestCheck':
      return { NetworkInterfaceId: it.id, SourceDestCheck: { Value: it.sourceDestCheck } };
    case 'groupSet':
      return { NetworkInterfaceId: it.id, Groups: groupsAnswer(state, it.groups) };
    default:
      throw new Ec2Error('InvalidParameterValue', `Value (${attribute}) for parameter attribute is invalid.`);
  }
}

const FIELDS: Fields<NetworkInterface> = {
  'network-interface-id': (it) => [it.id],
  'vpc-id': (it) => [it.vpc],
  'subnet-id': (it) => [it.subnet],
  'private-ip-address': (it) => [it.address],
  'addresses.private-ip-address': (it) => [it.address],
  'mac-address': (it) => [it.mac],
  'group-id': (it) => it.groups,
  'source-dest-check': (it) => [String(it.sourceDestCheck)],
  'attachment.instance-id': (it) => [it.attachment?.instance],
  'attachment.attachment-id': (it) => [it.attachment?.id],
  status: (it) => [statusOf(it)],
};

const statusOf = (it: NetworkInterface): 'in-use' | 'available' =>
  it.attachment === undefined ? 'available' : 'in-use';

export const groupsAnswer = (state: AwsState, ids: readonly string[]): GroupIdentifier[] =>
  ids.map((id) => ({ GroupId: id, GroupName: state.groups.get(id)?.name }));

function interfaceAnswer(state: AwsState, it: NetworkInterface): InterfaceAnswer {
  return {
    NetworkInterfaceId: it.id,
    VpcId: it.vpc,
    SubnetId: it.subnet,
    OwnerId: ACCOUNT,
    MacAddress: it.mac,
    PrivateIpAddress: it.address,
    PrivateIpAddresses: [{ PrivateIpAddress: it.address, Primary: true }],
    SourceDestCheck: it.sourceDestCheck,
    Status: statusOf(it),
    InterfaceType: 'interface',
    AvailabilityZone: state.subnets.get(it.subnet)?.zone,
    Groups: groupsAnswer(state, it.groups),
    TagSet: tagsOf(state, it.id),
    ...(it.attachment === undefined
      ? {}
      : {
          Attachment: {
            AttachmentId: it.attachment.id,
            InstanceId: it.attachment.instance,
            InstanceOwnerId: ACCOUNT,
            DeviceIndex: it.attachment.device,
            Status: 'attached',
            DeleteOnTermination: true,
          },
        }),
  };
}
