/** A node's own keeper of cloud routes, as its daemon runs it, over a store in memory and a cloud that takes its time. */
import { CloudKeeper } from '../../src/agent/cloud-keeper.ts';
import { Findings } from '../../src/agent/findings.ts';
import type { CloudSelf } from '../../src/contracts/cloud-network.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { Lease, LeaseView } from '../../src/core/lease.ts';
import type { NodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { ListLog } from '../fakes/list-log.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { tapped, type Tap } from '../fakes/tapped.ts';
import { instanceOf, targetOf, type ReconcilerWorld } from '../reconcile/reconciler-world.ts';

const DAY = 24 * 3_600_000;

export class FleetAgent {
  readonly number: number;
  readonly node: NodeId;
  readonly target: string;
  readonly subnet: string;
  lease: Lease;
  readonly #world: ReconcilerWorld;
  readonly #store: MemoryStore;
  readonly #keeper: CloudKeeper;
  readonly #stop = new AbortController();
  readonly #runs: Promise<unknown>[] = [];
  #view: LeaseView | undefined;

  constructor(world: ReconcilerWorld, number: number, subnet: string, lease: Lease, tap: Tap) {
    this.number = number;
    this.node = instanceOf(number);
    this.target = targetOf(number);
    this.subnet = subnet;
    this.lease = lease;
    this.#world = world;
    this.#store = new MemoryStore(world.network, world.clock, new SeededRandom(number));
    const address = parseAddress(`172.16.0.${number}`);
    const self: CloudSelf = {
      instance: this.node,
      region: 'r',
      identity: { provider: 'aws', network: 'vpc-1', subnet, target: this.target },
      networkRanges: [parseSubnet('172.16.0.0/16')],
    };
    world.cloud.selves.set(address, self);
    const log = new ListLog();
    this.#keeper = new CloudKeeper(
      {
        cloud: tapped(world.cloud.open(this.node), tap),
        records: tapped(world.records, tap),
        clock: world.clock,
        random: new SeededRandom(number),
        log,
        findings: new Findings(log),
        node: this.node,
        sources: () => ({
          config: parseNetworkConfig(this.#view?.config?.text ?? world.network.config?.text ?? ''),
          view: this.#view,
          lease: this.lease,
          address,
        }),
        mayWrite: (_deadlineMs, signal) => this.#renew(signal),
        onChange: () => undefined,
      },
      { self, table: lease.attributes.weft?.table },
    );
  }

  get holds(): boolean {
    const held = this.#world.network.leases.get(this.lease.key);
    return held?.node === this.node && held.lease.epoch === this.lease.epoch;
  }

  start(): void {
    const { signal } = this.#stop;
    const follow = async (): Promise<void> => {
      for await (const { view } of this.#store.watch(signal)) {
        this.#view = view;
        this.#keeper.see();
      }
    };
    for (const run of [follow(), this.#keeper.run(signal)]) this.#runs.push(run.catch(() => undefined));
  }

  /** As `kill -9` does. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#runs);
  }

  /** As `weftd drain` does: the lease goes first, then the routes. */
  async drain(signal: AbortSignal): Promise<void> {
    await this.stop();
    const held = this.#world.network.leases.get(this.lease.key);
    if (held !== undefined && this.holds) await this.#store.release(held.lease, signal);
    await this.#keeper.withdraw(signal);
  }

  async #renew(signal: AbortSignal): Promise<boolean> {
    try {
      this.lease = await this.#store.renew(this.lease, this.lease.attributes, DAY, signal);
      return true;
    } catch {
      return false;
    }
  }
}
