/** The EC2 API as narrow as we use it. The SDK tries each call once: what may be repeated, and who may repeat it, is decided by us. */
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
import { CLOUD_CALL_DEADLINE_MS } from '../../src/core/cloud-route.ts';
import { withVariable } from '../../src/core/with-variable.ts';
import type { Ec2Call } from './calls.ts';

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

export interface Ec2Options {
  readonly region: string;
  /** Else AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, or the region's own. */
  readonly endpoint?: string;
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
}

export interface Ec2Connection {
  readonly api: Ec2Api;
  /** For the middleware of tests. */
  readonly client: EC2Client;
  close(): void;
}

const QUIET = 'AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED';

/** The SDK warns once, at the first client, that later versions will not run on Node 20. The user cannot do anything about our choice of SDK. */
export const withoutVersionWarning = <T>(work: () => T): T => withVariable(process.env, QUIET, 'true', work);

export function connectEc2({
  region,
  endpoint,
  connectTimeoutMs = 2000,
  requestTimeoutMs = 8000,
}: Ec2Options): Ec2Connection {
  const client = withoutVersionWarning(
    () =>
      new EC2Client({
        region,
        ...(endpoint === undefined ? {} : { endpoint }),
        maxAttempts: 1,
        requestHandler: {
          connectionTimeout: connectTimeoutMs,
          requestTimeout: requestTimeoutMs,
          throwOnRequestTimeout: true,
          // The request timeout ends with the answer's head; this one sees a body that stops in the middle.
          socketTimeout: requestTimeoutMs,
        },
      }),
  );
  /** The deadline holds for credentials and answer together. */
  const within = (signal: AbortSignal): { abortSignal: AbortSignal } => ({
    abortSignal: AbortSignal.any([signal, AbortSignal.timeout(CLOUD_CALL_DEADLINE_MS)]),
  });
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
