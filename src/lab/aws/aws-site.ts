/**
 * The emulated AWS inside a running world: one account, its APIs at an address that every site reaches, and for each VPC a metadata server in its
 * namespace, and that namespace itself, whose packets follow the account.
 */
import type { Server } from 'node:http';
import { Socket } from 'node:net';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { addressValue, parseAddress } from '../../core/address.ts';
import { WeftError } from '../../core/errors.ts';
import { connectingSocketIn } from '../../native/stream-socket.ts';
import { inNetworkNamespace } from '../../native/network-namespace.ts';
import { LAB_FOLDER } from '../inside.ts';
import { namespacePath } from '../namespaces.ts';
import { gatewayOf, type HostPlan, type Site, type Topology } from '../topology.ts';
import { buildAccount, planned } from './account.ts';
import { EmulatedAws } from './cloud.ts';
import { apiServer } from './api-server.ts';
import { dynamoDBGate } from './dynamodb-gate.ts';
import { DynamoUpstream } from './dynamodb-upstream.ts';
import { operate } from './lab-operations.ts';
import { askersIn, metadataServer } from './metadata-server.ts';
import type { AwsState } from './model.ts';
import type { AwsSettings } from './settings.ts';
import type { LabClock } from './timeline.ts';
import { VpcKernel } from './vpc-kernel.ts';
import { vpcPlanOf, type VpcSite } from './vpc-site.ts';
import { wiringOf } from './vpc-wiring.ts';

/** Where `weftd lab aws` finds the account of a running lab, in the lab's own file system. */
export const AWS_SOCKET = path.join(LAB_FOLDER, 'aws.sock');

const API_PORT = 8001;
const GATE_PORT = 8002;
const METADATA_PORT = 80;

export interface AwsOptions {
  readonly clock: LabClock;
  readonly settings?: Partial<AwsSettings>;
  /** The API and its control endpoint also listen at this Unix socket, which `weftd lab aws` finds from outside. */
  readonly socketPath?: string;
  /** URL of the store, when it is a DynamoDB and instances shall reach it by the gate alone. */
  readonly gateTo?: string;
}

export class AwsInLab {
  readonly cloud: EmulatedAws;
  /** Where all services answer: what hosts give to AWS_ENDPOINT_URL_EC2 and its like. */
  readonly endpoint: string;
  /** A namespace from which all of it is reached. */
  readonly namespace: string;
  /** What instances give to AWS_ENDPOINT_URL_DYNAMODB; undefined: the store's own address. */
  readonly gate: string | undefined;
  readonly #kernels: readonly VpcKernel[];
  readonly #servers: readonly Server[];
  readonly #closing = new AbortController();
  /** The state whose route tables packets follow. */
  #forwarding: AwsState;

  private constructor(
    cloud: EmulatedAws,
    kernels: readonly VpcKernel[],
    place: { readonly home: string; readonly endpoint: string; readonly gate: string | undefined },
    servers: readonly Server[],
  ) {
    this.cloud = cloud;
    this.namespace = place.home;
    this.endpoint = place.endpoint;
    this.gate = place.gate;
    this.#kernels = kernels;
    this.#servers = servers;
    this.#forwarding = cloud.state;
    cloud.timeline.onChange((state) => this.#follow(state));
  }

  /** Undefined: no site of this topology is a VPC. The world must stand already (world.ts). */
  static async start(topology: Topology, options: AwsOptions): Promise<AwsInLab | undefined> {
    const found = vpcsOf(topology);
    const [first] = found;
    if (first === undefined) return undefined;
    const { clock, settings = {}, socketPath, gateTo } = options;
    const { region } = first.vpc;
    const state = buildAccount(found.map(({ site, vpc }) => vpcPlanOf(topology, site, vpc)));
    const cloud = new EmulatedAws({ state, clock, region, settings });
    const kernels = await Promise.all(found.map(({ site }) => VpcKernel.start(wiringOf(topology, site), state)));
    const api = apiServer(cloud);
    // At every address of the namespace: with a named one Node would look it up first, and be in another namespace by then.
    const { home, address } = apiPlace(topology);
    await listening(api, () => inNetworkNamespace(namespacePath(home), () => api.listen(API_PORT)));
    const servers = [api];
    for (const { site } of found) {
      const metadata = metadataServer(cloud, askersIn(cloud, planned.vpc(site.name)));
      servers.push(metadata);
      const inside = namespacePath(site.name);
      await listening(metadata, () => inNetworkNamespace(inside, () => metadata.listen(METADATA_PORT)));
    }
    if (gateTo !== undefined) {
      const gate = dynamoDBGate(cloud, upstreamFrom(home, gateTo));
      await listening(gate, () => inNetworkNamespace(namespacePath(home), () => gate.listen(GATE_PORT)));
      servers.push(gate);
    }
    if (socketPath !== undefined) {
      if (existsSync(socketPath)) rmSync(socketPath);
      const door = apiServer(cloud);
      await listening(door, () => door.listen(socketPath));
      servers.push(door);
    }
    const place = {
      home,
      endpoint: `http://${address}:${API_PORT}`,
      gate: gateTo === undefined ? undefined : `http://${address}:${GATE_PORT}`,
    };
    return new AwsInLab(cloud, kernels, place, servers);
  }

  /** A DynamoDB at this URL, as it is reached from there. */
  upstream(url: string): DynamoUpstream {
    return upstreamFrom(this.namespace, url);
  }

  /** One of lab-operations.ts; when it returns, packets meet it. */
  async do(op: string, order: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const made = operate(this.cloud, { op, ...order });
    await this.settled();
    return made;
  }

  /** Resolves when packets follow all that has been written and is due. */
  async settled(): Promise<void> {
    await Promise.all(this.#kernels.map((kernel) => kernel.settled()));
  }

  close(): void {
    this.#closing.abort();
    this.cloud.close();
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** Packets follow route tables after the delay that is set, and all else at once. */
  #follow(state: AwsState): void {
    const { tables, associations } = this.#forwarding;
    const lagMs = this.cloud.settings.forwardingMs;
    const routed = state.tables !== tables || state.associations !== associations;
    if (routed && lagMs > 0) {
      this.#program({ ...state, tables, associations });
      void this.#followLater(state, lagMs);
      return;
    }
    this.#forwarding = state;
    this.#program(state);
  }

  #program(state: AwsState): void {
    for (const kernel of this.#kernels) kernel.follow(state);
  }

  async #followLater(state: AwsState, lagMs: number): Promise<void> {
    try {
      await this.cloud.clock.sleep(lagMs, this.#closing.signal);
      this.#forwarding = state;
      const { tables, associations } = state;
      this.#program({ ...this.cloud.state, tables, associations });
    } catch (error) {
      if (!this.#closing.signal.aborted) throw error;
    }
  }
}

/** How an instance finds its cloud and its credentials: by the metadata server alone, beside the lab's store. */
export function instanceEnvironment(aws: AwsInLab): Readonly<Record<string, string>> {
  return {
    // Its firmware is this machine's own.
    FLANNELD_CLOUD: 'aws',
    AWS_ENDPOINT_URL_EC2: aws.endpoint,
    ...(aws.gate === undefined ? {} : { AWS_ENDPOINT_URL_DYNAMODB: aws.gate }),
    AWS_ENDPOINT_URL_AUTO_SCALING: aws.endpoint,
    AWS_ENDPOINT_URL_SERVICE_QUOTAS: aws.endpoint,
    // Empty ones are passed over by the SDK, and the metadata server is asked.
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_EC2_METADATA_DISABLED: 'false',
  };
}

export const isInstance = (topology: Topology, { segment }: HostPlan): boolean =>
  vpcsOf(topology).some(({ site }) => site.segments.some(({ name }) => name === segment));

const vpcsOf = (topology: Topology): readonly { readonly site: Site; readonly vpc: VpcSite }[] =>
  topology.sites.flatMap((site) => (site.vpc === undefined ? [] : { site, vpc: site.vpc }));

/** Where the store stands, all can go. */
function apiPlace(topology: Topology): { readonly home: string; readonly address: string } {
  for (const { name, segments } of topology.sites) {
    const segment = segments.find((it) => it.name === topology.store.segment);
    if (segment !== undefined) return { home: name, address: gatewayOf(segment) };
  }
  throw new WeftError('LAB_FAILED', 'no site has the segment of the store');
}

const upstreamFrom = (namespace: string, url: string): DynamoUpstream =>
  new DynamoUpstream(url, () => connectFrom(namespacePath(namespace), url));

function connectFrom(namespace: string, url: string): Socket {
  const { hostname, port } = new URL(url);
  const fd = connectingSocketIn(namespace, Number(addressValue(parseAddress(hostname))), Number(port));
  return new Socket({ fd, readable: true, writable: true });
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    listen();
  });
}
