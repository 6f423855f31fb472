/** A cloud in memory: `CloudNetwork` for any number of hosts, with the faults that a test asks for. */
import type { CloudNetwork, CloudSelf, TablesWish } from '../../src/contracts/cloud-network.ts';
import type { Clock } from '../../src/contracts/clock.ts';
import type { Address } from '../../src/core/address.ts';
import type { CloudRoute, CloudTable } from '../../src/core/cloud-route.ts';
import { asWeftError, WeftError } from '../../src/core/errors.ts';
import { contains, type Subnet } from '../../src/core/subnet.ts';

export type FakeCall = 'identify' | 'look' | 'prepare' | 'create' | 'replace' | 'remove';

export interface FakeTable {
  readonly subnets: string[];
  main: boolean;
  quota: number;
  readonly tags: Map<string, string>;
  readonly routes: Map<Subnet, CloudRoute>;
}

export const MUTATING: ReadonlySet<FakeCall> = new Set<FakeCall>(['prepare', 'create', 'replace', 'remove']);

export class FakeCloud {
  readonly clock: Clock;
  readonly network = 'vpc-1';
  readonly tables = new Map<string, FakeTable>();
  readonly selves = new Map<Address, CloudSelf>();
  /** Interfaces that forward. */
  readonly forwarding = new Set<string>();
  /** "create rtb-a 10.42.1.0/24 eni-1", in order; what was refused too. */
  readonly journal: string[] = [];
  /** How long readers see what was before. */
  lagMs = 0;
  /** Called before a call takes effect; throw to refuse it. */
  before: (call: FakeCall, what: string) => void | Promise<void> = () => undefined;
  /** Called after it took effect; throw to lose the answer. */
  after: (call: FakeCall, what: string) => void = () => undefined;
  #past: { readonly untilMs: number; readonly tables: readonly CloudTable[] }[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  addTable(id: string, wish: Partial<FakeTable> = {}): FakeTable {
    const table: FakeTable = { subnets: [], main: false, quota: 500, tags: new Map(), routes: new Map(), ...wish };
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

  open(): CloudNetwork {
    return {
      identify: (address, signal) =>
        this.#call('identify', address, signal, () => {
          const self = this.selves.get(address);
          if (self === undefined) throw new WeftError('CLOUD_NOT_FOUND', `no interface has the address ${address}`);
          return self;
        }),
      prepare: async (target, signal) => {
        if (!this.forwarding.has(target))
          await this.#call('prepare', target, signal, () => void this.forwarding.add(target));
      },
      tables: (wish, signal) => this.#call('look', wish.network, signal, () => this.#look(wish)),
      putRoute: (table, route, expected, signal) => this.#put(table, route, expected, signal),
      removeRoute: (table, destination, expected, signal) => this.#remove(table, destination, expected, signal),
    };
  }

  async #put(
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
      if (expected === undefined && table.routes.size >= table.quota)
        throw new WeftError('ROUTE_TABLE_FULL', `${id} holds no more routes`);
      this.#remember();
      table.routes.set(destination, { destination, target, live: true });
    };
    if (expected === undefined && live()?.target === target) return;
    if (expected !== undefined && live()?.target !== expected) throw conflict();
    try {
      await this.#call(expected === undefined ? 'create' : 'replace', what, signal, write);
    } catch (error) {
      if (asWeftError(error).code !== 'CLOUD_UNREACHABLE' || live()?.target !== target) throw error;
    }
  }

  async #remove(id: string, destination: Subnet, expected: string, signal: AbortSignal): Promise<void> {
    const live = this.#table(id).routes.get(destination);
    if (live === undefined) return;
    if (live.target !== expected)
      throw new WeftError('CLOUD_CONFLICT', `${destination} leads to ${live.target} in ${id}`);
    await this.#call('remove', `${id} ${destination} ${expected}`, signal, () => {
      this.#remember();
      this.#table(id).routes.delete(destination);
    });
  }

  async #call<T>(call: FakeCall, what: string, signal: AbortSignal, work: () => T): Promise<T> {
    if (signal.aborted) throw new WeftError('ABORTED', `gave up: ${call} ${what}`);
    this.journal.push(`${call} ${what}`);
    const held = this.before(call, what);
    if (held !== undefined) await Promise.race([held, aborted(signal)]);
    const result = work();
    this.after(call, what);
    return result;
  }

  #look({ network, within }: TablesWish): readonly CloudTable[] {
    if (network !== this.network) return [];
    const now = this.clock.now();
    this.#past = this.#past.filter(({ untilMs }) => untilMs > now);
    const seen = this.#past[0]?.tables ?? this.#now();
    return seen.map((table) => ({
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
      routes: [...routes.values()],
      occupied: routes.size,
    }));
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
