/** One host with its keeper of cloud routes, on a clock of the test's. */
import assert from 'node:assert/strict';
import { CloudKeeper } from '../../src/agent/cloud-keeper.ts';
import type { CloudKeeperParts, CloudStart } from '../../src/agent/cloud-keeper-parts.ts';
import { Findings } from '../../src/agent/findings.ts';
import type { CloudSelf } from '../../src/contracts/cloud-network.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { Lease, LeaseView } from '../../src/core/lease.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { hostLease, type HostPlan } from '../reconcile/cloud-cluster.ts';
import './loaded.ts';

const ADDRESS = parseAddress('10.0.1.1');

export class World {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork(this.clock);
  readonly records = new MemoryRecords(this.network);
  readonly cloud = new FakeCloud(this.clock);
  readonly log = new ListLog();
  readonly findings = new Findings(this.log);
  changes = 0;
  readonly stop = new AbortController();
  mayWrite = true;
  config: JsonValue = { Network: '10.42.0.0/16', Backend: { Type: 'auto' } };
  leases: Lease[];
  keeper: CloudKeeper;
  readonly runs: Promise<unknown>[] = [];

  constructor() {
    this.cloud.addTable('rtb-a', { subnets: ['subnet-a'] });
    this.cloud.addTable('rtb-b', { subnets: ['subnet-b'] });
    this.cloud.addTable('rtb-main', { main: true });
    this.self('eni-1');
    this.leases = [
      hostLease({ number: 1, subnet: 'subnet-a', table: 'rtb-a' }),
      hostLease({ number: 3, subnet: 'subnet-b', table: 'rtb-b' }),
    ];
    this.keeper = this.make();
  }

  self(target: string, ranges = ['10.0.0.0/16']): CloudSelf {
    const self = {
      instance: 'i-1',
      region: 'r',
      identity: { provider: 'aws', network: 'vpc-1', subnet: 'subnet-a', target },
      networkRanges: ranges.map(parseSubnet),
    };
    this.cloud.selves.set(ADDRESS, self);
    return self;
  }

  get view(): LeaseView {
    const leases = new Map(this.leases.map((one) => [one.key, one]));
    return { revision: '1', config: undefined, leases, expired: new Set(), skipped: [], findings: [] };
  }

  make(start: Partial<CloudStart> = {}): CloudKeeper {
    const [own] = this.leases;
    assert.ok(own !== undefined);
    const parts: CloudKeeperParts = {
      records: this.records,
      clock: this.clock,
      log: this.log,
      findings: this.findings,
      cloud: this.cloud.open(),
      random: new SeededRandom(1),
      node: parseNodeId('node-1'),
      sources: () => ({
        config: parseNetworkConfig(JSON.stringify(this.config)),
        view: this.view,
        lease: this.leases[0] ?? own,
        address: ADDRESS,
      }),
      mayWrite: async () => this.mayWrite,
      onChange: () => void (this.changes += 1),
    };
    return new CloudKeeper(parts, { self: this.cloud.selves.get(ADDRESS), table: undefined, ...start });
  }

  start(): void {
    this.runs.push(this.keeper.run(this.stop.signal).catch(() => undefined));
  }

  /** Time goes on; whoever wakes does all it can. */
  async pass(ms = 0): Promise<void> {
    await settle();
    const step = Math.max(1000, ms / 200);
    for (let left = ms; left > 0; left -= step) {
      await this.clock.advance(Math.min(step, left));
      await settle();
    }
  }

  join(plan: HostPlan): void {
    this.leases = [...this.leases, hostLease(plan)];
    this.keeper.see();
  }

  calls(): string[] {
    return this.cloud.journal.splice(0);
  }

  async end(): Promise<void> {
    this.stop.abort();
    await Promise.all(this.runs);
  }
}

/** Everything that waits for nothing but a turn has had it. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 60; turns++) await new Promise((resolve) => setImmediate(resolve));
}
