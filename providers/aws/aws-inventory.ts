/** Instances, interfaces, quotas and life cycles of an account, as far as we ask for them. */
import type { Instance, NetworkInterface } from '@aws-sdk/client-ec2';
import type {
  CloudInstance,
  CloudInterface,
  CloudInventory,
  InstanceState,
  LifecycleAction,
  RouteQuota,
} from '../../src/contracts/cloud-inventory.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import { repeating } from './attempts.ts';
import { readSdkError } from './aws-errors.ts';
import type { Ec2Api } from './client.ts';
import type { LifecycleApi } from './lifecycle-client.ts';
import { Pace } from './pace.ts';
import type { QuotaApi } from './quota-client.ts';
import { QuotaReader } from './quota-reader.ts';
import { readTags } from './read-tables.ts';

export interface AwsInventoryParts {
  ec2(signal: AbortSignal): Promise<Ec2Api>;
  quotas(signal: AbortSignal): Promise<QuotaApi>;
  lifecycle(signal: AbortSignal): Promise<LifecycleApi>;
  readonly clock: Clock;
  readonly random: Random;
  /** Of all calls of the process that may be repeated; else of this object's own. */
  readonly pace?: Pace;
}

/** A filter takes 200 values (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html). */
const PART = 200;

/** Ids come from leases and events, which anybody may have written: in the value of a filter `*` would stand for all. */
const INSTANCE = /^i-[0-9a-f]{8,17}$/;
const INTERFACE = /^eni-[0-9a-f]{8,17}$/;

/** ValidationError it says of much; these are of an action, a machine or a group that is no more. */
const OVER = /no active lifecycle action|not found/i;

const STATES: readonly InstanceState[] = ['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'];

const UNKNOWN: CloudInstance = { state: 'unknown', network: undefined, tags: new Map() };

export class AwsInventory implements CloudInventory {
  readonly #parts: AwsInventoryParts & { readonly pace: Pace };
  readonly #quota: QuotaReader;

  constructor(parts: AwsInventoryParts) {
    this.#parts = { ...parts, pace: parts.pace ?? new Pace(parts) };
    this.#quota = new QuotaReader(this.#parts);
  }

  /** By a filter: named by id, one that is unknown makes the whole call fail. */
  async instances(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, CloudInstance>> {
    const ec2 = await this.#parts.ec2(signal);
    const instances = new Map<string, CloudInstance>(ids.map((id) => [id, UNKNOWN]));
    const found = await this.#all<Instance>(
      'read the states of instances',
      'instance-id',
      ids.filter((id) => INSTANCE.test(id)),
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
      targets.filter((target) => INTERFACE.test(target)),
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

  routeQuota(_table: string, signal: AbortSignal): Promise<RouteQuota> {
    return this.#quota.read(signal);
  }

  async completeLifecycle({ group, hook, instance, token }: LifecycleAction, signal: AbortSignal): Promise<void> {
    const api = await this.#parts.lifecycle(signal);
    const input = {
      AutoScalingGroupName: group,
      LifecycleHookName: hook,
      InstanceId: instance,
      LifecycleActionToken: token,
      LifecycleActionResult: 'CONTINUE',
    };
    const doing = `let ${instance} of the group ${group} go`;
    await repeating({ ...this.#parts, doing }, signal, async () => {
      try {
        await api.CompleteLifecycleAction(input, signal);
      } catch (error) {
        const { name, message } = readSdkError(error);
        if (name !== 'ValidationError' || !OVER.test(message)) throw error;
      }
    });
  }

  async #all<T>(
    doing: string,
    filter: string,
    values: readonly string[],
    signal: AbortSignal,
    call: (input: object) => Promise<{ readonly items: readonly T[] | undefined; readonly next: string | undefined }>,
  ): Promise<T[]> {
    const found: T[] = [];
    const asked = [...new Set(values)];
    for (let from = 0; from < asked.length; from += PART) {
      const input = { Filters: [{ Name: filter, Values: asked.slice(from, from + PART) }], MaxResults: 1000 };
      let page: string | undefined;
      do {
        const answer = await repeating({ doing, ...this.#parts }, signal, async () => {
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
