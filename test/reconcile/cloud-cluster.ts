/** Hosts of one cloud network with their passes, on one clock and over one store in memory. */
import { never } from '../contract/store-world.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { lease } from '../datapath/cluster.ts';
import type { CloudNetwork } from '../../src/contracts/cloud-network.ts';
import type { Lease } from '../../src/core/lease.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { readLedger, type Ledger } from '../../src/core/ledger.ts';
import { parseNodeId, type NodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { CloudPasses } from '../../src/reconcile/cloud-pass.ts';
import type { CloudReport } from '../../src/reconcile/cloud-report.ts';
import { OwnRoutes, type OwnInput } from '../../src/reconcile/own-scope.ts';

export const CONFIG = { Network: '10.42.0.0/16', Backend: { Type: 'auto' } };

export interface HostPlan {
  /** Third number of its subnet, fourth of its address. */
  readonly number: number;
  readonly subnet: string;
  readonly table: string;
  readonly epoch?: number;
  readonly network?: string;
  /** eni-NUMBER when absent. */
  readonly target?: string;
}

export function hostLease({
  number,
  subnet,
  table,
  epoch = number,
  network = 'vpc-1',
  target = `eni-${number}`,
}: HostPlan): Lease {
  const fabric = { provider: 'aws', network, subnet, target };
  return lease(`10.42.${number}.0/24`, `10.0.1.${number}`, {
    epoch,
    weft: { node: parseNodeId(`node-${number}`), fabric, table },
  });
}

export type OwnWish = Partial<Omit<OwnInput, 'config'>> & { readonly ledger?: Ledger; readonly writes?: boolean };

export class CloudCluster {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly records = new MemoryRecords(this.network);
  readonly cloud = new FakeCloud(this.clock);
  readonly leases = new Map<string, Lease>();
  readonly #hosts = new Map<string, { readonly passes: CloudPasses; readonly own: OwnRoutes }>();

  constructor() {
    this.cloud.addTable('rtb-a', { subnets: ['subnet-a'] });
    this.cloud.addTable('rtb-b', { subnets: ['subnet-b'] });
    this.cloud.addTable('rtb-main', { main: true });
  }

  /** Two hosts in subnet a, one in b. */
  static three(): CloudCluster {
    const cluster = new CloudCluster();
    cluster.join({ number: 1, subnet: 'subnet-a', table: 'rtb-a' });
    cluster.join({ number: 2, subnet: 'subnet-a', table: 'rtb-a' });
    cluster.join({ number: 3, subnet: 'subnet-b', table: 'rtb-b' });
    return cluster;
  }

  join(plan: HostPlan): Lease {
    const made = hostLease(plan);
    this.leases.set(made.key, made);
    return made;
  }

  lease(number: number): Lease {
    for (const found of this.leases.values()) if (found.subnet.v4 === `10.42.${number}.0/24`) return found;
    throw new Error(`no host ${number}`);
  }

  /** One pass of a host, while time goes on for it. */
  async pass(
    number: number,
    wish: OwnWish = {},
    config: JsonValue = CONFIG,
    cloud: CloudNetwork = this.cloud.open(),
  ): Promise<CloudReport> {
    const { records, clock } = this;
    const node: NodeId = parseNodeId(`node-${number}`);
    const random = new SeededRandom(number);
    const host = this.#hosts.get(node) ?? {
      passes: new CloudPasses({ cloud, records, clock, random }),
      own: new OwnRoutes(clock),
    };
    this.#hosts.set(node, host);
    const parsed = parseNetworkConfig(JSON.stringify(config));
    const { ledger, writes = true, ...own } = wish;
    const scope = host.own.scope({
      network: 'vpc-1',
      view: { leases: new Map([...this.leases.values()].map((one) => [one.key, one])), expired: new Set() },
      generation: 0,
      node,
      lease: own.lease ?? this.lease(number),
      mayWrite: async () => true,
      ...own,
      config: parsed,
    });
    const known = ledger ?? readLedger((await records.list('ledger', never())).records.values());
    return clock.during(host.passes.pass({ config: parsed, ledger: known, scope, writes }, never()));
  }

  async passAll(): Promise<void> {
    for (const { attributes } of this.leases.values())
      await this.pass(Number(attributes.weft?.node.slice('node-'.length)));
  }

  /** "rtb-a 10.42.1.0/24 eni-1 committed epoch 1", sorted. */
  async ledger(): Promise<string[]> {
    const ledger = readLedger((await this.records.list('ledger', never())).records.values());
    return [...ledger.values()]
      .map(({ key, row }) =>
        row === undefined
          ? `${key} unreadable`
          : `${row.table} ${row.destination} ${row.target} ${row.state} epoch ${row.epoch}${row.why === undefined ? '' : ` (${row.why})`}`,
      )
      .toSorted();
  }
}

export const results = ({ outcomes }: CloudReport): string[] =>
  [...outcomes.values()]
    .map(({ key, result, code }) => `${key} ${result}${code === undefined ? '' : ` ${code}`}`)
    .toSorted();
