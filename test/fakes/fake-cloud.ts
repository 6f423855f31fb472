/** A cloud in memory: `CloudNetwork` for any number of hosts and `CloudInventory`, with the faults that a test asks for. */
import type { CloudInterface, CloudInventory, LifecycleAction } from '../../src/contracts/cloud-inventory.ts';
import type { CloudNetwork, CloudSelf, TablesWish } from '../../src/contracts/cloud-network.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Address } from '../../src/core/address.ts';
import type { CloudRoute, CloudTable } from '../../src/core/cloud-route.ts';
import { asWeftError, WeftError } from '../../src/core/errors.ts';
import { contains, type Subnet } from '../../src/core/subnet.ts';
import { FakeMachines } from './fake-machines.ts';

export type FakeCall =
  | 'identify'
  | 'look'
  | 'prepare'
  | 'create'
  | 'replace'
  | 'remove'
  | 'instances'
  | 'interfaces'
  | 'quota'
  | 'complete';

export interface FakeTable {
  readonly network: string;
  readonly subnets: string[];
  main: boolean;
  quota: number;
  readonly tags: Map<string, string>;
  readonly routes: Map<Subnet, CloudRoute>;
}

/** A call that reached the cloud, and whose it was. */
export interface MadeCall {
  readonly by: string;
  readonly call: FakeCall;
  readonly what: string;
  readonly atMs: number;
  /** False until it took effect. */
  took: boolean;
}

export const MUTATING: ReadonlySet<FakeCall> = new Set<FakeCall>(['prepare', 'create', 'replace', 'remove']);
/** What EC2 grants unless asked for more. */
const DEFAULT_QUOTA = 500;

export class FakeCloud {
  readonly clock: Clock;
  readonly network = 'vpc-1';
  readonly machines: FakeMachines;
  readonly tables = new Map<string, FakeTable>();
  readonly selves = new Map<Address, CloudSelf>();
  /** Interfaces that forward. */
  readonly forwarding = new Set<string>();
  /** "create rtb-a 10.42.1.0/24 eni-1", in order; what was refused too. */
  readonly journal: string[] = [];
  /** The same, with who made it. */
  readonly made: MadeCall[] = [];
  /** Machines that were told that they may go. */
  readonly completed: LifecycleAction[] = [];
  /** How long readers see what was before. */
  lagMs = 0;
  /** Called before a call takes effect; throw to refuse it. */
  before: (call: FakeCall, what: string, by: string) => void | Promise<void> = () => undefined;
  /** Called after it took effect; throw to lose the answer. */
  after: (call: FakeCall, what: string, by: string) => void | Promise<void> = () => undefined;
  #past: { readonly untilMs: number; readonly tables: readonly CloudTable[] }[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
    this.machines = new FakeMachines(clock);
  }

  addTable(id: string, wish: Partial<FakeTable> = {}): FakeTable {
    const table: FakeTable = {
      network: this.network,
      subnets: [],
      main: false,
      quota: DEFAULT_QUOTA,
      tags: new Map(),
      routes: new Map(),
      ...wish,
    };
    this.tables.set(id, table);
    return table;
  }

  /** A route of somebody who is not us. */
  foreign(table: string, destination: Subnet, target: string, live = true): void {
    this.#table(table).routes.set(destination, { destination, target, live });
  }

  /** "rtb-a 10.42.1.0/24 eni-1", sorted. */
  get text(): string[] {
    return [...this.tables]
      .flatMap(([id, { routes }]) =>
        [...routes.values()].map(({ destination, target }) => `${id} ${destination} ${target}`),
      )
      .toSorted();
  }

  get mutations(): string[] {
    return this.journal.filter((line) => [...MUTATING].some((call) => line.startsWith(`${call} `)));
  }

  open(by = ''): CloudNetwork {
    return {
      identify: (address, signal) =>
        this.#call(by, 'identify', address, signal, () => {
          const self = this.selves.get(address);
          if (self === undefined) throw new WeftError('CLOUD_NOT_FOUND', `no interface has the address ${address}`);
          return self;
        }),
      prepare: async (wanted, signal) => {
        const target = typeof wanted === 'string' ? wanted : wanted.target;
        if (!this.forwarding.has(target))
          await this.#call(by, 'prepare', target, signal, () => {
            this.#interface(target);
            this.forwarding.add(target);
          });
      },
      tables: (wish, signal) => this.#call(by, 'look', wish.network, signal, () => this.#look(wish)),
      putRoute: (table, route, expected, signal) => this.#put(by, table, route, expected, signal),
      removeRoute: (table, destination, expected, signal) => this.#remove(by, table, destination, expected, signal),
    };
  }

  openInventory(by = ''): CloudInventory {
    const { machines } = this;
    return {
      instances: (ids, signal) =>
        this.#call(
          by,
          'instances',
          `${ids.length}`,
          signal,
          () => new Map(ids.map((id) => [id, machines.instance(id)])),
        ),
      interfaces: (targets, signal) =>
        this.#call(by, 'interfaces', `${targets.length}`, signal, () => {
          const found = new Map<string, CloudInterface>();
          for (const target of targets) {
            const shown = machines.interface(target);
            if (shown !== undefined) found.set(target, { ...shown, forwards: this.forwarding.has(target) });
          }
          return found;
        }),
      routeQuota: async (table, signal) => {
        try {
          return await this.#call(by, 'quota', table, signal, () => ({
            limit: this.#table(table).quota,
            source: 'live' as const,
          }));
        } catch (error) {
          if (asWeftError(error).code !== 'CLOUD_DENIED') throw error;
          return { limit: DEFAULT_QUOTA, source: 'default' };
        }
      },
      completeLifecycle: (action, signal) =>
        this.#call(by, 'complete', `${action.instance} ${action.token}`, signal, () => {
          if (this.completed.every(({ token }) => token !== action.token)) this.completed.push(action);
        }),
    };
  }

  async #put(
    by: string,
    id: string,
    { destination, target }: CloudRoute,
    expected: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const what = `${id} ${destination} ${target}`;
    const live = (): CloudRoute | undefined => this.#table(id).routes.get(destination);
    const conflict = (): WeftError =>
      new WeftError('CLOUD_CONFLICT', `${destination} leads to ${live()?.target ?? 'nothing'} in ${id}`);
    const write = (): void => {
      const table = this.#table(id);
      const standing = live();
      if (expected === undefined && standing !== undefined) {
        if (standing.target === target) return;
        throw conflict();
      }
      if (this.#interface(target)?.network !== table.network && this.machines.modelled)
        throw new WeftError('CLOUD_REFUSED', `${target} is in another network than ${id}`);
      if (expected === undefined && table.routes.size >= table.quota)
        throw new WeftError('ROUTE_TABLE_FULL', `${id} holds no more routes`);
      this.#remember();
      table.routes.set(destination, { destination, target, live: true });
    };
    if (expected === undefined && live()?.target === target) return;
    if (expected !== undefined && live()?.target !== expected) throw conflict();
    try {
      await this.#call(by, expected === undefined ? 'create' : 'replace', what, signal, write);
    } catch (error) {
      if (asWeftError(error).code !== 'CLOUD_UNREACHABLE' || live()?.target !== target) throw error;
    }
  }

  async #remove(by: string, id: string, destination: Subnet, expected: string, signal: AbortSignal): Promise<void> {
    const live = this.#table(id).routes.get(destination);
    if (live === undefined) return;
    if (live.target !== expected)
      throw new WeftError('CLOUD_CONFLICT', `${destination} leads to ${live.target} in ${id}`);
    await this.#call(by, 'remove', `${id} ${destination} ${expected}`, signal, () => {
      // By what stands when the call arrives: EC2 deletes by destination alone.
      this.#remember();
      this.#table(id).routes.delete(destination);
    });
  }

  async #call<T>(by: string, call: FakeCall, what: string, signal: AbortSignal, work: () => T): Promise<T> {
    if (signal.aborted) throw new WeftError('ABORTED', `gave up: ${call} ${what}`);
    this.journal.push(`${call} ${what}`);
    const made: MadeCall = { by, call, what, atMs: this.clock.now(), took: false };
    this.made.push(made);
    const held = this.before(call, what, by);
    if (held !== undefined) await Promise.race([held, aborted(signal)]);
    const result = work();
    made.took = true;
    const kept = this.after(call, what, by);
    if (kept !== undefined) await Promise.race([kept, aborted(signal)]);
    return result;
  }

  #look({ network, within }: TablesWish): readonly CloudTable[] {
    const now = this.clock.now();
    this.#past = this.#past.filter(({ untilMs }) => untilMs > now);
    const seen = this.#past[0]?.tables ?? this.#now();
    return seen
      .filter(({ id }) => this.#table(id).network === network)
      .map((table) => ({
        ...table,
        routes: table.routes.filter(({ destination }) => contains(within, destination)),
      }));
  }

  #now(): CloudTable[] {
    return [...this.tables].map(([id, { subnets, main, tags, routes }]) => ({
      id,
      subnets: [...subnets],
      main,
      tags,
      routes: [...routes.values()].map((route) => ({
        ...route,
        live: this.machines.isLive(route.target) ?? route.live,
      })),
      occupied: routes.size,
    }));
  }

  /** Undefined where nothing is known of machines. */
  #interface(target: string): { readonly network: string } | undefined {
    const found = this.machines.interfaces.get(target);
    if (found === undefined && this.machines.modelled)
      throw new WeftError('CLOUD_NOT_FOUND', `there is no interface ${target}`);
    return found;
  }

  #remember(): void {
    if (this.lagMs > 0) this.#past.push({ untilMs: this.clock.now() + this.lagMs, tables: this.#now() });
  }

  #table(id: string): FakeTable {
    const table = this.tables.get(id);
    if (table === undefined) throw new WeftError('CLOUD_NOT_FOUND', `there is no route table ${id}`);
    return table;
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new WeftError('ABORTED', 'the call was ended')), { once: true });
  });
