/** A network in memory with machines, leases, tables and whoever reconciles them, on one clock that the test moves. */
import { never } from '../contract/store-world.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { tapped, type Tap } from '../fakes/tapped.ts';
import type { InstanceState } from '../../src/contracts/cloud-inventory.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { ledgerKey, ledgerRowToJson } from '../../src/core/ledger.ts';
import { encodeLeaseValue } from '../../src/core/lease-value.ts';
import type { FabricIdentity, Lease, LeaseAttributes } from '../../src/core/lease.ts';
import { parseNodeId, type NodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { parseSubnet, type Subnet } from '../../src/core/subnet.ts';
import type { ReconcilerSettings, RunReport, RunRequest } from '../../src/reconcile/reconciler-parts.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import { ShiftedClock } from './shifted-clock.ts';

export const MINUTE = 60_000;
/** Longest span that a run's virtual clock takes over from the one before. */
export const BETWEEN_RUNS = 4 * MINUTE;
const DAY = 24 * 60 * MINUTE;

/** The n-th subnet of the Network, 10.32.0.0/12. */
export const destination = (number: number): Subnet =>
  parseSubnet(`10.${32 + Math.floor(number / 256)}.${number % 256}.0/24`);
export const instanceOf = (number: number): NodeId => parseNodeId(`i-${number.toString(16).padStart(17, '0')}`);
export const targetOf = (number: number): string => `eni-${number}`;
const addressOf = (number: number) => parseAddress(`172.16.${Math.floor(number / 250)}.${1 + (number % 250)}`);

export const config = (writer: 'node' | 'reconciler' = 'reconciler', more: JsonObject = {}): JsonValue => ({
  Network: '10.32.0.0/12',
  Backend: { Type: 'auto' },
  Weft: { RouteWriter: writer, ...more },
});

export interface NodePlan {
  /** Cloud subnet; its table is the one that names it. */
  readonly subnet: string;
  readonly network?: string;
  readonly target?: string;
  readonly tags?: readonly (readonly [string, string])[];
  /** What the lease says where it lies. */
  readonly says?: Partial<FabricIdentity>;
  readonly table?: string;
  readonly forwards?: boolean;
}

/** What a process is cut off from the world by. */
export interface ProcessPlan {
  readonly name?: string;
  readonly settings?: Partial<ReconcilerSettings>;
  /** What its wall clock is off by. */
  readonly wallMs?: number;
  readonly tap?: (seam: 'cloud' | 'inventory' | 'store' | 'records') => Tap;
}

const through: Tap = (_what, work) => work();

export interface Process {
  readonly name: string;
  readonly reconciler: Reconciler;
  readonly clock: ShiftedClock;
}

export class ReconcilerWorld {
  readonly clock = new ManualClock(1_000_000);
  readonly network = new MemoryNetwork(this.clock);
  readonly store = new MemoryStore(this.network, this.clock, new SeededRandom(1));
  readonly records = new MemoryRecords(this.network);
  readonly cloud = new FakeCloud(this.clock);
  readonly log = new ListLog();
  readonly settings: ReconcilerSettings;
  /** Whose lease is renewed when time passes. */
  readonly alive = new Map<number, Lease>();
  #processes = 0;

  constructor(settings: Partial<ReconcilerSettings> = {}) {
    this.settings = {
      name: 'lambda',
      networks: ['vpc-1'],
      nodeTag: 'weft:node',
      rate: { perSecond: 5, burst: 20 },
      ...settings,
    };
    this.configure(config());
  }

  /** Subnets a and b with a table each, and a main table that nobody uses. */
  static small(settings: Partial<ReconcilerSettings> = {}): ReconcilerWorld {
    const world = new ReconcilerWorld(settings);
    world.cloud.addTable('rtb-a', { subnets: ['subnet-a'] });
    world.cloud.addTable('rtb-b', { subnets: ['subnet-b'] });
    world.cloud.addTable('rtb-main', { main: true });
    return world;
  }

  configure(text: JsonValue): void {
    this.network.config = { text: JSON.stringify(text), version: String(this.network.draw()) };
    this.network.changed();
  }

  /** A machine that runs, with its lease. */
  async join(number: number, plan: NodePlan): Promise<Lease> {
    const { subnet, network = 'vpc-1', target = targetOf(number), tags, forwards = true } = plan;
    this.cloud.machines.start({
      instance: instanceOf(number),
      target,
      subnet,
      network,
      ...(tags === undefined ? {} : { tags }),
    });
    if (forwards) this.cloud.forwarding.add(target);
    return this.claim(number, plan);
  }

  /** The lease alone. */
  async claim(number: number, plan: NodePlan, mayRenumber = false, previous = number): Promise<Lease> {
    const attributes = this.attributes(number, plan);
    const { lease } = await this.store.claim(
      {
        node: instanceOf(number),
        publicIP: attributes.publicIP,
        range: parseNetworkConfig(this.network.config?.text ?? '').v4,
        within: [],
        previous: destination(previous),
        mayRenumber,
        attributes: () => attributes,
        ttlMs: DAY,
      },
      never(),
    );
    this.alive.set(number, lease);
    return lease;
  }

  attributes(
    number: number,
    { subnet, network = 'vpc-1', target = targetOf(number), says, table }: NodePlan,
  ): LeaseAttributes {
    const own = table ?? [...this.cloud.tables].find(([, { subnets }]) => subnets.includes(subnet))?.[0];
    const fabric = { provider: 'aws', network, subnet, target, ...says };
    const weft = { node: instanceOf(number), incarnation: 1, mtuBytes: 9001, fabric };
    return { publicIP: addressOf(number), weft: own === undefined ? weft : { ...weft, table: own } };
  }

  /** As whoever may write the store can write it. */
  lie(key: string, attributes: LeaseAttributes): void {
    this.store.writeForeign(key, encodeLeaseValue(attributes));
  }

  /** The machine is gone from one moment to the next; its lease stays. */
  terminate(number: number, state: InstanceState = 'terminated'): void {
    this.alive.delete(number);
    this.cloud.machines.turn(instanceOf(number), state);
  }

  async release(number: number): Promise<void> {
    const held = [...this.network.leases.values()].find(({ node }) => node === instanceOf(number));
    this.alive.delete(number);
    if (held !== undefined) await this.store.release(held.lease, never());
  }

  /** A row as an earlier run, or the owner, left it, and its route. */
  async stands(table: string, number: number, row: Partial<LedgerRow> = {}, target = targetOf(number)): Promise<void> {
    this.cloud.foreign(table, destination(number), target);
    await this.row(table, number, { target, ...row });
  }

  async row(table: string, number: number, more: Partial<LedgerRow> = {}): Promise<void> {
    const epoch = this.alive.get(number)?.epoch ?? 1;
    const row: LedgerRow = {
      table,
      destination: destination(number),
      target: targetOf(number),
      epoch,
      node: instanceOf(number),
      state: 'committed',
      generation: 0,
      ...more,
    };
    await this.records.put('ledger', ledgerKey(table, row.destination), ledgerRowToJson(row), undefined, never());
  }

  /** A process of its own, as each cold start is one; it has seen nothing. */
  process({ name = this.settings.name, settings = {}, wallMs = 0, tap = () => through }: ProcessPlan = {}): Process {
    const clock = new ShiftedClock(this.clock, wallMs);
    const reconciler = new Reconciler(
      {
        store: tapped(new MemoryStore(this.network, clock, new SeededRandom(7)), tap('store')),
        records: tapped(this.records, tap('records')),
        cloud: tapped(this.cloud.open(name), tap('cloud')),
        inventory: tapped(this.cloud.openInventory(name), tap('inventory')),
        clock,
        random: new SeededRandom((this.#processes += 1)),
        log: this.log,
      },
      { ...this.settings, ...settings, name },
    );
    return { name, reconciler, clock };
  }

  /** One run of a process, while time goes on for it. */
  run(
    { reconciler }: Process = this.process(),
    request: Partial<RunRequest> = {},
    signal: AbortSignal = never(),
  ): Promise<RunReport> {
    return this.clock.during(
      reconciler.run(
        { why: 'schedule', leaving: [], adopt: false, dryRun: false, untilMs: Infinity, ...request },
        signal,
      ),
    );
  }

  /** Runs of processes of their own, one each four minutes. */
  async runs(count: number, request: Partial<RunRequest> = {}): Promise<RunReport[]> {
    const reports: RunReport[] = [];
    for (let n = 0; n < count; n++) {
      reports.push(await this.run(this.process(), request));
      await this.pass(BETWEEN_RUNS);
    }
    return reports;
  }

  /** Time goes on; whoever lives renews what is his. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    for (const [number, lease] of this.alive) {
      const held = this.network.leases.get(lease.key);
      if (held?.node !== instanceOf(number) || held.lease.epoch !== lease.epoch) continue;
      this.alive.set(number, await this.store.renew(lease, lease.attributes, DAY, never()));
    }
  }
}
