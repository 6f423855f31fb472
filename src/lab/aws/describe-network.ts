/** DescribeVpcs and DescribeSubnets. */
import type { DescribeSubnetsResult, DescribeVpcsResult } from '@aws-sdk/client-ec2';
import { sizeOf } from '../../core/subnet.ts';
import { ACCOUNT } from './cloud.ts';
import { choose, type Fields } from './filters.ts';
import { idOf, named } from './ids.ts';
import type { AwsState, CloudSubnet, Vpc } from './model.ts';
import { pageOf } from './paging.ts';
import type { Query } from './query.ts';
import { tagsOf } from './tags.ts';

/** AWS keeps five addresses of each subnet. */
const KEPT_BY_AWS = 5;

const VPC_FIELDS: Fields<Vpc> = {
  'vpc-id': (it) => [it.id],
  cidr: (it) => [it.ranges[0]],
  'cidr-block-association.cidr-block': (it) => it.ranges,
  'owner-id': () => [ACCOUNT],
};

const SUBNET_FIELDS: Fields<CloudSubnet> = {
  'subnet-id': (it) => [it.id],
  'vpc-id': (it) => [it.vpc],
  'availability-zone': (it) => [it.zone],
  'cidr-block': (it) => [it.range],
  'owner-id': () => [ACCOUNT],
};

export function describeVpcs(state: AwsState, query: Query): DescribeVpcsResult {
  const ids = query.list('VpcId');
  const all = ids.length === 0 ? state.vpcs.values() : ids.map((id) => named(state.vpcs, 'vpc', id));
  const { items, next } = pageOf(choose(state, all, query.filters, VPC_FIELDS), query, ids);
  const vpcs = items.map(({ id, ranges }) => ({
    VpcId: id,
    CidrBlock: ranges[0],
    CidrBlockAssociationSet: ranges.map((range) => ({
      AssociationId: idOf('vpc-cidr-assoc', `${id} ${range}`),
      CidrBlock: range,
      CidrBlockState: { State: 'associated' as const },
    })),
    OwnerId: ACCOUNT,
    State: 'available' as const,
    IsDefault: false,
    Tags: tagsOf(state, id),
  }));
  return { Vpcs: vpcs, ...(next === undefined ? {} : { NextToken: next }) };
}

export function describeSubnets(state: AwsState, query: Query): DescribeSubnetsResult {
  const ids = query.list('SubnetId');
  const all = ids.length === 0 ? state.subnets.values() : ids.map((id) => named(state.subnets, 'subnet', id));
  const { items, next } = pageOf(choose(state, all, query.filters, SUBNET_FIELDS), query, ids);
  const subnets = items.map(({ id, vpc, range, zone }) => ({
    SubnetId: id,
    VpcId: vpc,
    CidrBlock: range,
    AvailabilityZone: zone,
    AvailableIpAddressCount: Number(sizeOf(range)) - KEPT_BY_AWS - addressesIn(state, id),
    OwnerId: ACCOUNT,
    State: 'available' as const,
    Tags: tagsOf(state, id),
  }));
  return { Subnets: subnets, ...(next === undefined ? {} : { NextToken: next }) };
}

const addressesIn = (state: AwsState, subnetId: string): number =>
  [...state.interfaces.values()].filter(({ subnet }) => subnet === subnetId).length;
