/** A cloud in memory: route tables with a quota, machines, interfaces, and refusals when the test asks for them. */
import type { CloudInventory, CloudInterface, InstanceState } from '../../src/contracts/cloud-inventory.ts';
import type { CloudNetwork, CloudSelf, CloudTable } from '../../src/contracts/cloud-network.ts';
import type { CloudRoute } from '../../src/core/cloud-route.ts';
import { WeftError } from '../../src/core/errors.ts';
import { contains, type Subnet } from '../../src/core/subnet.ts';

/** AWS's: routes of a table before anybody asks for more. */
const PUBLISHED_QUOTA = 500;

export interface FakeTable {
  readonly subnets: readonly string[];
  /** How many routes it may hold. */
  quota: number;
  /** Destination to target. */
  readonly routes: Map<Subnet, string>;
}

export class FakeCloud {
  readonly tables = new Map<string, FakeTable>();
  readonly instances = new Map<string, InstanceState>();
  readonly interfaces = new Map<string, CloudInterface>();
  /** "instance token" of each machine that was told that it may go. */
  readonly completed: string[] = [];
  /** Calls that changed something, in order. */
  readonly mutations: string[] = [];
  /** Called before each call; throw to make it fail. */
  before: (call: string) => void = () => undefined;

  addTable(id: string, subnets: readonly string[], quota = 50): void {
    this.tables.set(id, { subnets, quota, routes: new Map() });
  }

  addHost(instance: string, target: string, network: string, subnet: string): void {
    this.instances.set(instance, 'running');
    this.interfaces.set(target, { target, instance, network, subnet, forwards: false });
  }

  /** A route is live while the machine behind its target runs. */
  live(target: string): boolean {
    const instance = this.interfaces.get(target)?.instance;
    return instance !== undefined && this.instances.get(instance) === 'running';
  }

  /** As the host of this interface sees it. */
  network(target: string, networkRanges: readonly Subnet[] = []): CloudNetwork {
    return new FakeCloudNetwork(this, target, networkRanges);
  }

  inventory(): CloudInventory {
    return new FakeInventory(this);
  }

  async call<T>(call: string, signal: AbortSignal, work: () => T): Promise<T> {
    await Promise.resolve();
    if (signal.aborted) throw new WeftError('ABORTED', `gave up: ${call}`, { cause: signal.reason });
    this.before(call);
    return work();
  }
}

class FakeCloudNetwork implements CloudNetwork {
  readonly #cloud: FakeCloud;
  readonly #target: string;
  readonly #ranges: readonly Subnet[];

  constructor(cloud: FakeCloud, target: string, ranges: readonly Subnet[]) {
    this.#cloud = cloud;
    this.#target = target;
    this.#ranges = ranges;
  }

  identify(signal: AbortSignal): Promise<CloudSelf> {
    return this.#cloud.call('identify', signal, () => {
      const { instance, network, subnet, target } = this.#interface(this.#target);
      const table = [...this.#cloud.tables].find(([, { subnets }]) => subnets.includes(subnet))?.[0];
      if (instance === undefined || table === undefined)
        throw new WeftError('CLOUD_NOT_FOUND', `no table serves subnet ${subnet}`);
      return { instance, identity: { provider: 'fake', network, subnet, target }, networkRanges: this.#ranges, table };
    });
  }

  prepare(target: string, signal: AbortSignal): Promise<void> {
    return this.#cloud.call('prepare', signal, () => {
      const found = this.#interface(target);
      if (found.forwards) return;
      this.#cloud.mutations.push(`prepare ${target}`);
      this.#cloud.interfaces.set(target, { ...found, forwards: true });
    });
  }

  tables(signal: AbortSignal): Promise<readonly CloudTable[]> {
    return this.#cloud.call('tables', signal, () =>
      [...this.#cloud.tables].map(([id, { subnets }]) => ({ id, subnets })),
    );
  }

  routes(table: string, within: Subnet, signal: AbortSignal): Promise<readonly CloudRoute[]> {
    return this.#cloud.call('routes', signal, () =>
      [...this.#table(table).routes]
        .filter(([destination]) => contains(within, destination))
        .map(([destination, target]) => ({ destination, target, live: this.#cloud.live(target) })),
    );
  }

  putRoute(table: string, route: CloudRoute, expected: string | undefined, signal: AbortSignal): Promise<void> {
    return this.#cloud.call('putRoute', signal, () => {
      const { routes, quota } = this.#table(table);
      const { destination, target } = route;
      const standing = routes.get(destination);
      if (standing === target) return;
      if (standing !== expected)
        throw new WeftError(
          'CLOUD_CONFLICT',
          `route ${destination} in table ${table} points at ${standing ?? 'nothing'}, not at ${expected ?? 'nothing'}`,
        );
      this.#interface(target);
      if (standing === undefined && routes.size >= quota)
        throw new WeftError('ROUTE_TABLE_FULL', `table ${table} holds ${routes.size} routes already`);
      this.#cloud.mutations.push(`${standing === undefined ? 'create' : 'replace'} ${table} ${destination} ${target}`);
      routes.set(destination, target);
    });
  }

  removeRoute(table: string, destination: Subnet, expected: string, signal: AbortSignal): Promise<void> {
    return this.#cloud.call('removeRoute', signal, () => {
      const { routes } = this.#table(table);
      const standing = routes.get(destination);
      if (standing === undefined) return;
      if (standing !== expected)
        throw new WeftError(
          'CLOUD_CONFLICT',
          `route ${destination} in table ${table} points at ${standing}, not at ${expected}`,
        );
      this.#cloud.mutations.push(`delete ${table} ${destination} ${standing}`);
      routes.delete(destination);
    });
  }

  #table(id: string): FakeTable {
    const table = this.#cloud.tables.get(id);
    if (table === undefined) throw new WeftError('CLOUD_NOT_FOUND', `there is no route table ${id}`);
    return table;
  }

  #interface(target: string): CloudInterface {
    const found = this.#cloud.interfaces.get(target);
    if (found === undefined) throw new WeftError('CLOUD_NOT_FOUND', `there is no interface ${target}`);
    return found;
  }
}

class FakeInventory implements CloudInventory {
  readonly #cloud: FakeCloud;

  constructor(cloud: FakeCloud) {
    this.#cloud = cloud;
  }

  instances(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, InstanceState>> {
    return this.#cloud.call(
      'instances',
      signal,
      () => new Map(ids.map((id) => [id, this.#cloud.instances.get(id) ?? 'unknown'])),
    );
  }

  interfaces(targets: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, CloudInterface>> {
    return this.#cloud.call(
      'interfaces',
      signal,
      () => new Map([...this.#cloud.interfaces].filter(([target]) => targets.includes(target))),
    );
  }

  async routeQuota(
    table: string,
    signal: AbortSignal,
  ): Promise<{ readonly limit: number; readonly source: 'live' | 'default' }> {
    try {
      const limit = await this.#cloud.call('routeQuota', signal, () => this.#cloud.tables.get(table)?.quota);
      if (limit === undefined) throw new WeftError('CLOUD_NOT_FOUND', `there is no route table ${table}`);
      return { limit, source: 'live' };
    } catch (error) {
      if (error instanceof WeftError && error.code === 'CLOUD_DENIED')
        return { limit: PUBLISHED_QUOTA, source: 'default' };
      throw error;
    }
  }

  completeLifecycle(instance: string, token: string, signal: AbortSignal): Promise<void> {
    return this.#cloud.call('completeLifecycle', signal, () => {
      this.#cloud.completed.push(`${instance} ${token}`);
    });
  }
}
