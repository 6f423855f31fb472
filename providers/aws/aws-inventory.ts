/** Instances and interfaces of an account, as far as we ask for them. */
import type { Instance, NetworkInterface } from '@aws-sdk/client-ec2';
import type {
  CloudInstance,
  CloudInterface,
  CloudInventory,
  InstanceState,
} from '../../src/contracts/cloud-inventory.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { reading } from './attempts.ts';
import type { Ec2Api } from './client.ts';
import { readTags } from './read-tables.ts';

export interface AwsInventoryParts {
  ec2(signal: AbortSignal): Promise<Ec2Api>;
  readonly clock: Clock;
  readonly random: Random;
}

/** A filter takes 200 values (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html). */
const PART = 200;

/** Quota "Routes per route table", L-93826ACB, as published: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html */
const DEFAULT_QUOTA = 500;

const STATES: readonly InstanceState[] = ['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'];

const UNKNOWN: CloudInstance = { state: 'unknown', network: undefined, tags: new Map() };

export class AwsInventory implements Omit<CloudInventory, 'completeLifecycle'> {
  readonly #parts: AwsInventoryParts;

  constructor(parts: AwsInventoryParts) {
    this.#parts = parts;
  }

  /** By a filter: named by id, one that is unknown makes the whole call fail. */
  async instances(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, CloudInstance>> {
    const ec2 = await this.#parts.ec2(signal);
    const instances = new Map<string, CloudInstance>(ids.map((id) => [id, UNKNOWN]));
    const found = await this.#all<Instance>(
      'read the states of instances',
      'instance-id',
      ids,
      signal,
      async (input) => {
        const { Reservations, NextToken } = await ec2.DescribeInstances(input, signal);
        return { items: Reservations?.flatMap(({ Instances = [] }) => Instances), next: NextToken };
      },
    );
    for (const { InstanceId: id = '', State, VpcId: network, Tags = [] } of found) {
      if (!instances.has(id)) continue;
      const state = STATES.find((name) => name === State?.Name) ?? 'unknown';
      instances.set(id, { state, network, tags: readTags(Tags) });
    }
    return instances;
  }

  async interfaces(targets: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, CloudInterface>> {
    const ec2 = await this.#parts.ec2(signal);
    const found = await this.#all<NetworkInterface>(
      'read interfaces',
      'network-interface-id',
      targets,
      signal,
      async (input) => {
        const { NetworkInterfaces, NextToken } = await ec2.DescribeNetworkInterfaces(input, signal);
        return { items: NetworkInterfaces, next: NextToken };
      },
    );
    const interfaces = new Map<string, CloudInterface>();
    for (const { NetworkInterfaceId: target, VpcId: network, SubnetId: subnet, SourceDestCheck, Attachment } of found) {
      if (target === undefined || network === undefined || subnet === undefined) continue;
      interfaces.set(target, {
        target,
        instance: Attachment?.InstanceId,
        network,
        subnet,
        forwards: SourceDestCheck === false,
      });
    }
    return interfaces;
  }

  async routeQuota(): Promise<{ readonly limit: number; readonly source: 'default' }> {
    return { limit: DEFAULT_QUOTA, source: 'default' };
  }

  async #all<T>(
    doing: string,
    filter: string,
    values: readonly string[],
    signal: AbortSignal,
    call: (input: object) => Promise<{ readonly items: readonly T[] | undefined; readonly next: string | undefined }>,
  ): Promise<T[]> {
    const found: T[] = [];
    for (let from = 0; from < values.length; from += PART) {
      const input = { Filters: [{ Name: filter, Values: values.slice(from, from + PART) }], MaxResults: 1000 };
      let page: string | undefined;
      do {
        const answer = await reading({ doing, ...this.#parts }, signal, async () => {
          const { items, next } = await call(page === undefined ? input : { ...input, NextToken: page });
          if (items === undefined) throw new Error('the answer holds no list');
          return { items, next };
        });
        found.push(...answer.items);
        page = answer.next;
      } while (page !== undefined && page !== '');
    }
    return found;
  }
}
