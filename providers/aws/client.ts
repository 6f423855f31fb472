/** The EC2 API as narrow as we use it. */
import {
  CreateRouteCommand,
  DeleteRouteCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  ReplaceRouteCommand,
  type CreateRouteRequest,
  type CreateRouteResult,
  type DeleteRouteRequest,
  type DescribeInstancesRequest,
  type DescribeInstancesResult,
  type DescribeNetworkInterfacesRequest,
  type DescribeNetworkInterfacesResult,
  type DescribeRouteTablesRequest,
  type DescribeRouteTablesResult,
  type ModifyNetworkInterfaceAttributeRequest,
  type ReplaceRouteRequest,
} from '@aws-sdk/client-ec2';
import type { Ec2Call } from './calls.ts';
import { clientConfig, quietly, within, type SdkConnection, type SdkOptions } from './sdk.ts';

export interface Ec2Api extends Record<Ec2Call, unknown> {
  DescribeRouteTables(input: DescribeRouteTablesRequest, signal: AbortSignal): Promise<DescribeRouteTablesResult>;
  DescribeNetworkInterfaces(
    input: DescribeNetworkInterfacesRequest,
    signal: AbortSignal,
  ): Promise<DescribeNetworkInterfacesResult>;
  DescribeInstances(input: DescribeInstancesRequest, signal: AbortSignal): Promise<DescribeInstancesResult>;
  ModifyNetworkInterfaceAttribute(input: ModifyNetworkInterfaceAttributeRequest, signal: AbortSignal): Promise<unknown>;
  CreateRoute(input: CreateRouteRequest, signal: AbortSignal): Promise<CreateRouteResult>;
  ReplaceRoute(input: ReplaceRouteRequest, signal: AbortSignal): Promise<unknown>;
  DeleteRoute(input: DeleteRouteRequest, signal: AbortSignal): Promise<unknown>;
}

export type Ec2Connection = SdkConnection<Ec2Api, EC2Client>;

export function connectEc2(options: SdkOptions): Ec2Connection {
  const client = quietly(() => new EC2Client(clientConfig(options)));
  const api: Ec2Api = {
    DescribeRouteTables: (input, signal) => client.send(new DescribeRouteTablesCommand(input), within(signal)),
    DescribeNetworkInterfaces: (input, signal) =>
      client.send(new DescribeNetworkInterfacesCommand(input), within(signal)),
    DescribeInstances: (input, signal) => client.send(new DescribeInstancesCommand(input), within(signal)),
    ModifyNetworkInterfaceAttribute: (input, signal) =>
      client.send(new ModifyNetworkInterfaceAttributeCommand(input), within(signal)),
    CreateRoute: (input, signal) => client.send(new CreateRouteCommand(input), within(signal)),
    ReplaceRoute: (input, signal) => client.send(new ReplaceRouteCommand(input), within(signal)),
    DeleteRoute: (input, signal) => client.send(new DeleteRouteCommand(input), within(signal)),
  };
  return { api, client, close: () => client.destroy() };
}
