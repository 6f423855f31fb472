/**
 * What the Lambda service needs of a function's role to put the function into a VPC, where an etcd is. Not ours: the function itself calls none of it.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
import { allow, type PolicyDocument } from './policy-document.ts';

interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

export function vpcPlacementPolicy({ partition, region, account }: Place): PolicyDocument {
  const made = ['network-interface', 'security-group', 'subnet'].map(
    (kind) => `arn:${partition}:ec2:${region}:${account}:${kind}/*`,
  );
  // Neither the reads nor, before the interface is there, its removal can be limited to a resource.
  const rest = allow('KeepInterfaces', { KeepInterfaces: KEEPS }, ['*'], {
    StringEquals: { 'aws:RequestedRegion': region },
  });
  return {
    Version: '2012-10-17',
    Statement: [allow('MakeInterfaces', { CreateNetworkInterface: ['ec2:CreateNetworkInterface'] }, made), rest],
  };
}

const KEEPS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
] as const;
