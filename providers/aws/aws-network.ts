/** A VPC's route tables. */
import type { NetworkInterface, RouteTable } from '@aws-sdk/client-ec2';
import type { CloudInterface } from '../../src/contracts/cloud-inventory.ts';
import type { CloudNetwork, CloudSelf, TablesWish } from '../../src/contracts/cloud-network.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Random } from '../../src/contracts/random.ts';
import type { Address } from '../../src/core/address.ts';
import type { CloudRoute, CloudTable } from '../../src/core/cloud-route.ts';
import { WeftError } from '../../src/core/errors.ts';
import type { Subnet } from '../../src/core/subnet.ts';
import { repeating } from './attempts.ts';
import { cloudError, mayHaveHappened, readSdkError } from './aws-errors.ts';
import type { Ec2Api } from './client.ts';
import type { Imds } from './imds.ts';
import { Looks } from './looks.ts';
import { Pace } from './pace.ts';
import { readTables } from './read-tables.ts';

export interface AwsNetworkParts {
  /** Loaded, and its region asked for, when it is first needed. */
  ec2(signal: AbortSignal): Promise<Ec2Api>;
  readonly imds: Pick<Imds, 'identify'>;
  readonly clock: Clock;
  readonly random: Random;
  /** Of all reads of the process; else of this object's own. */
  readonly pace?: Pace;
  /** How old a look at a table may be on which a replacement or a removal rests: 0, when not given, reads before each. */
  readonly lookMs?: number;
}

/** The most that DescribeRouteTables gives in one answer. */
const PAGE = 100;

export class AwsNetwork implements CloudNetwork {
  readonly #parts: AwsNetworkParts & { readonly pace: Pace };
  readonly #looks: Looks;

  constructor(parts: AwsNetworkParts) {
    this.#parts = { ...parts, pace: parts.pace ?? new Pace(parts) };
    this.#looks = new Looks(parts.clock, parts.lookMs ?? 0);
  }

  identify(address: Address, signal: AbortSignal): Promise<CloudSelf> {
    return this.#parts.imds.identify(address, signal);
  }

  async prepare(wanted: string | CloudInterface, signal: AbortSignal): Promise<void> {
    const target = typeof wanted === 'string' ? wanted : wanted.target;
    const doing = `switch off the source/destination check of ${target}`;
    const ec2 = await this.#parts.ec2(signal);
    if (typeof wanted === 'string' ? !(await this.#checks(target, signal)) : wanted.forwards) return;
    try {
      await ec2.ModifyNetworkInterfaceAttribute(
        { NetworkInterfaceId: target, SourceDestCheck: { Value: false } },
        signal,
      );
    } catch (error) {
      throw cloudError(error, doing, signal);
    }
    // What was written may show late (CLOUD.md 1.3): whether it holds is seen when it is asked for again.
  }

  async tables({ network, within }: TablesWish, signal: AbortSignal): Promise<readonly CloudTable[]> {
    return readTables(await this.#describe('vpc-id', network, `read the route tables of ${network}`, signal), within);
  }

  async putRoute(
    table: string,
    { destination, target }: CloudRoute,
    expected: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const doing = `write the route ${destination} to ${target} into ${table}`;
    const ec2 = await this.#parts.ec2(signal);
    if (expected !== undefined) {
      const live = await this.#known(table, destination, signal);
      if (live?.target === target) return;
      if (live?.target !== expected) throw conflict(doing, live, expected);
    }
    const input = { RouteTableId: table, DestinationCidrBlock: destination, NetworkInterfaceId: target };
    try {
      if (expected !== undefined) await ec2.ReplaceRoute(input, signal);
      // An answer that does not say so is no answer: another server's page is read as an empty one.
      else if ((await ec2.CreateRoute(input, signal)).Return !== true)
        throw new Error('the answer does not say that it was done');
      this.#looks.wrote(table, destination, target);
    } catch (error) {
      this.#looks.forget(table);
      const { name } = readSdkError(error);
      // ReplaceRoute of what is gone says either of the last two (CLOUD.md 1.3).
      const standsElsewise =
        name === 'RouteAlreadyExists' ||
        (expected !== undefined && (name === 'InvalidParameterValue' || name === 'InvalidRoute.NotFound'));
      if (signal.aborted || !(standsElsewise || mayHaveHappened(error))) throw cloudError(error, doing, signal);
      const live = await this.#route(table, destination, signal);
      if (live?.target === target) return;
      if (!standsElsewise) throw cloudError(error, doing, signal);
      // It was made a moment ago, by an answer that was lost perhaps, or by this node before it was killed: another call would be told the same.
      if (name === 'RouteAlreadyExists' && live === undefined) return;
      if (live?.target === expected) throw cloudError(error, doing, signal);
      throw conflict(doing, live, expected);
    }
  }

  async removeRoute(table: string, destination: Subnet, expected: string, signal: AbortSignal): Promise<void> {
    const doing = `remove the route ${destination} from ${table}`;
    const ec2 = await this.#parts.ec2(signal);
    const live = await this.#known(table, destination, signal);
    if (live === undefined) return;
    if (live.target !== expected) throw conflict(doing, live, expected);
    try {
      await ec2.DeleteRoute({ RouteTableId: table, DestinationCidrBlock: destination }, signal);
      this.#looks.wrote(table, destination, undefined);
    } catch (error) {
      this.#looks.forget(table);
      if (readSdkError(error).name === 'InvalidRoute.NotFound') return;
      if (signal.aborted || !mayHaveHappened(error)) throw cloudError(error, doing, signal);
      if ((await this.#route(table, destination, signal)) !== undefined) throw cloudError(error, doing, signal);
    }
  }

  /** As it was seen a moment ago, where that may be trusted; else as it is. */
  async #known(table: string, destination: Subnet, signal: AbortSignal): Promise<CloudRoute | undefined> {
    const routes = this.#looks.find(table);
    return routes === undefined ? this.#route(table, destination, signal) : routes.get(destination);
  }

  async #route(table: string, destination: Subnet, signal: AbortSignal): Promise<CloudRoute | undefined> {
    const answers = await this.#describe('route-table-id', table, `read route table ${table}`, signal);
    // By its id once more: the value of a filter may hold wild cards.
    const found = readTables(answers, destination).find(({ id }) => id === table);
    if (found === undefined)
      throw new WeftError('CLOUD_NOT_FOUND', `there is no route table ${table} that may hold routes to interfaces`);
    return found.routes.find((route) => route.destination === destination);
  }

  async #describe(filter: string, value: string, doing: string, signal: AbortSignal): Promise<RouteTable[]> {
    const ec2 = await this.#parts.ec2(signal);
    const found: RouteTable[] = [];
    const at = this.#parts.clock.now();
    let page: string | undefined;
    do {
      const input = {
        Filters: [{ Name: filter, Values: [value] }],
        MaxResults: PAGE,
        ...(page === undefined ? {} : { NextToken: page }),
      };
      const answer = await repeating({ doing, ...this.#parts }, signal, async () => {
        const { RouteTables, NextToken } = await ec2.DescribeRouteTables(input, signal);
        if (RouteTables === undefined) throw new Error('the answer holds no list of route tables');
        return { RouteTables, NextToken };
      });
      found.push(...answer.RouteTables);
      page = answer.NextToken;
    } while (page !== undefined && page !== '');
    this.#looks.keep(found, at);
    return found;
  }

  /** Does the interface drop packets of other addresses? */
  async #checks(target: string, signal: AbortSignal): Promise<boolean> {
    const ec2 = await this.#parts.ec2(signal);
    const [found] = await repeating(
      { doing: `read interface ${target}`, ...this.#parts },
      signal,
      async (): Promise<NetworkInterface[]> => {
        const { NetworkInterfaces } = await ec2.DescribeNetworkInterfaces(
          { Filters: [{ Name: 'network-interface-id', Values: [target] }] },
          signal,
        );
        if (NetworkInterfaces === undefined) throw new Error('the answer holds no list of interfaces');
        return NetworkInterfaces;
      },
    );
    if (found === undefined) throw new WeftError('CLOUD_NOT_FOUND', `there is no network interface ${target}`);
    return found.SourceDestCheck !== false;
  }
}

const conflict = (doing: string, live: CloudRoute | undefined, expected: string | undefined): WeftError =>
  new WeftError(
    'CLOUD_CONFLICT',
    `cannot ${doing}: ${live === undefined ? 'the route before it is gone' : `it leads to ${live.target}`}${expected === undefined ? '' : `, expected ${expected}`}`,
    { hint: 'It is looked at again; a route that is not ours is not touched.' },
  );
