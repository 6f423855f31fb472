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
import { readLedger } from '../../src/core/ledger.ts';
import { parseNodeId, type NodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { CloudPasses, type CloudPassInput } from '../../src/reconcile/cloud-pass.ts';
import type { CloudReport } from '../../src/reconcile/cloud-report.ts';

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

export class CloudCluster {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly records = new MemoryRecords(this.network);
  readonly cloud = new FakeCloud(this.clock);
  readonly leases = new Map<string, Lease>();
  readonly #passes = new Map<string, CloudPasses>();

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
    wish: Partial<CloudPassInput> & { readonly config?: never } = {},
    config: JsonValue = CONFIG,
    cloud: CloudNetwork = this.cloud.open(),
  ): Promise<CloudReport> {
    const { records, clock } = this;
    const node: NodeId = parseNodeId(`node-${number}`);
    const passes =
      this.#passes.get(node) ?? new CloudPasses({ cloud, records, clock, random: new SeededRandom(number) });
    this.#passes.set(node, passes);
    const lease = wish.own?.lease ?? this.lease(number);
    const input: CloudPassInput = {
      network: 'vpc-1',
      view: { leases: new Map([...this.leases.values()].map((one) => [one.key, one])), expired: new Set() },
      ledger: readLedger((await records.list('ledger', never())).records.values()),
      generation: 0,
      own: { node, lease },
      mayWrite: async () => true,
      writes: true,
      ...wish,
      config: parseNetworkConfig(JSON.stringify(config)),
    };
    return clock.during(passes.pass(input, never()));
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
