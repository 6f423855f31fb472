/** One host with its keeper of cloud routes, against the emulated EC2 and metadata server by the real SDK, on the account's clock. */
import assert from 'node:assert/strict';
import { CloudKeeper } from '../../src/agent/cloud-keeper.ts';
import { Findings } from '../../src/agent/findings.ts';
import type { CloudNetwork } from '../../src/contracts/cloud-network.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { Lease, LeaseView } from '../../src/core/lease.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { lease } from '../datapath/cluster.ts';
import { ListLog } from '../fakes/list-log.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { AwsAccount, type AwsHost, type HostLimits } from '../providers/aws-account.ts';
import './loaded.ts';

const ADDRESS = parseAddress('10.0.1.11');
const STEP_MS = 30_000;

export function cloudLease(number: number, target: string, subnet: string, table: string): Lease {
  const fabric = { provider: 'aws', network: planned.vpc('lab'), subnet: planned.subnet(subnet), target };
  const weft = { node: parseNodeId(`node-${number}`), fabric, table };
  return lease(`10.42.${number}.0/24`, `10.0.1.${number}`, { epoch: number, weft });
}

export class AwsKeeperWorld {
  readonly account: AwsAccount;
  readonly network: MemoryNetwork;
  readonly records: MemoryRecords;
  readonly log = new ListLog();
  readonly findings = new Findings(this.log);
  readonly host: AwsHost;
  config: JsonObject = { Network: '10.42.0.0/16', Backend: { Type: 'auto' } };
  /** This host's first. */
  leases: Lease[] = [cloudLease(1, ids.a1, 'a', ids.tableA), cloudLease(3, ids.b1, 'b', ids.tableB)];
  keeper: CloudKeeper;
  #stop = new AbortController();
  readonly #runs: Promise<unknown>[] = [];
  readonly #underWay = new Set<Promise<unknown>>();

  private constructor(account: AwsAccount, limits: HostLimits) {
    this.account = account;
    this.network = new MemoryNetwork(account.clock);
    this.records = new MemoryRecords(this.network);
    this.host = account.host('a1', limits);
    this.keeper = this.#make();
  }

  static async start(limits: HostLimits = {}): Promise<AwsKeeperWorld> {
    return new AwsKeeperWorld(await AwsAccount.start(), limits);
  }

  get view(): LeaseView {
    const leases = new Map(this.leases.map((one) => [one.key, one]));
    return { revision: '1', config: undefined, leases, expired: new Set(), skipped: [], findings: [] };
  }

  get messages(): string[] {
    return this.findings.of('cloud').map(({ code, message }) => `${code} ${message}`);
  }

  /** All calls of EC2 since the last question: "CreateRoute ok". */
  calls(): string[] {
    const { journal } = this.account.cloud;
    const made = journal.entries.map(({ action, outcome }) => `${action} ${outcome}`);
    journal.clear();
    return made;
  }

  run(): void {
    this.#runs.push(this.keeper.run(this.#stop.signal).catch(() => undefined));
  }

  /** The process ends and starts anew: of all that it knew its lease is left. */
  async restart(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs.splice(0));
    this.#stop = new AbortController();
    this.keeper = this.#make();
    this.run();
  }

  /** Lets time go on, and at each moment everybody do what there is to do. */
  async pass(ms = 0): Promise<void> {
    const { clock } = this.account;
    const end = clock.now() + ms;
    await this.#settle();
    while (clock.now() < end) {
      await clock.advance(Math.min(STEP_MS, end - clock.now()));
      await this.#settle();
    }
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs);
    await this.account.close();
  }

  #make(): CloudKeeper {
    const [own] = this.leases;
    assert.ok(own !== undefined);
    const { clock } = this.account;
    return new CloudKeeper(
      {
        cloud: this.#watched(this.host.network),
        records: this.records,
        clock,
        log: this.log,
        findings: this.findings,
        random: new SeededRandom(1),
        node: parseNodeId('node-1'),
        sources: () => ({
          config: parseNetworkConfig(JSON.stringify(this.config)),
          view: this.view,
          lease: this.leases[0] ?? own,
          address: ADDRESS,
        }),
        mayWrite: async () => true,
        onChange: () => undefined,
      },
      { self: undefined, table: undefined },
    );
  }

  /** Sockets take their time: whoever waits for one is known. */
  #watched(cloud: CloudNetwork): CloudNetwork {
    const watch = async <T>(call: Promise<T>): Promise<T> => {
      const ended = Promise.allSettled([call]);
      this.#underWay.add(ended);
      try {
        return await call;
      } finally {
        this.#underWay.delete(ended);
      }
    };
    return {
      identify: (...args) => watch(cloud.identify(...args)),
      prepare: (...args) => watch(cloud.prepare(...args)),
      tables: (...args) => watch(cloud.tables(...args)),
      putRoute: (...args) => watch(cloud.putRoute(...args)),
      removeRoute: (...args) => watch(cloud.removeRoute(...args)),
    };
  }

  /** Nobody waits for a socket, and whoever waits for nothing but a turn has had it. */
  async #settle(): Promise<void> {
    for (;;) {
      for (let turns = 0; turns < 40; turns++) await new Promise((resolve) => setImmediate(resolve));
      if (this.#underWay.size === 0) return;
      await this.account.clock.during(Promise.all(this.#underWay));
    }
  }
}
