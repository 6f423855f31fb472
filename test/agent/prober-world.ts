import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/core/json.ts';
import type { WeftError } from '../../src/core/errors.ts';
import type { Lease, LeaseKey, LeaseView } from '../../src/core/lease.ts';
import { baseOf, type Subnet } from '../../src/core/subnet.ts';
import { Findings } from '../../src/agent/findings.ts';
import { Prober } from '../../src/agent/prober.ts';
import { probeSelf } from '../../src/agent/probe-peers.ts';
import type { Self } from '../../src/datapath/datapath.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { HostPasses } from '../../src/reconcile/host-pass.ts';
import { lease, selfAt, uplinkAt, vxlanAt } from '../datapath/cluster.ts';
import { FakeHost } from '../fakes/fake-host.ts';
import { FakeProbe, FakeProbeNetwork } from '../fakes/fake-probe.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

export const PATHS = ['direct', 'vxlan'];
/** Too little to ask by for doing without a look at traffic. */
export const CONFIG = { Network: '10.42.0.0/16', Weft: { Paths: PATHS, Probe: { IdleBudget: 2 } } };

/** Two nodes on one wire; `near` probes, and makes passes when it is woken. */
export class World {
  readonly clock = new ManualClock(1_000_000);
  readonly network = new FakeProbeNetwork();
  readonly near = new FakeProbe(this.network, KEY('n'));
  readonly far = new FakeProbe(this.network, KEY('f'));
  readonly host = new FakeHost();
  readonly findings: Findings;
  readonly log = new ListLog();
  readonly self: Self;
  view: LeaseView;
  prober: Prober;
  passes: HostPasses;
  readonly paths: string[] = [];
  #stop = new AbortController();
  #woken = false;

  readonly #farIsUp: boolean;

  constructor(
    farLease = leaseOf('far', '10.42.2.0/24', '192.168.7.2', KEY('f')),
    farIsUp = true,
    config: JsonObject = CONFIG,
  ) {
    this.#farIsUp = farIsUp;
    const own = leaseOf('near', '10.42.1.0/24', '192.168.7.1', KEY('n'));
    this.findings = new Findings(this.log);
    this.self = selfAt(config, own, uplinkAt('192.168.7.1'));
    this.view = viewOf(own, farLease);
    this.host.addDevice({
      name: 'eth0',
      addresses: [{ address: this.self.uplink.address, prefixLength: 24 }],
      mtuBytes: 1500,
    });
    [this.prober, this.passes] = this.#daemon();
  }

  /** As after kill -9 and a start: the kernel is as it was. */
  restart(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    [this.prober, this.passes] = this.#daemon();
    return this.start();
  }

  #daemon(): [Prober, HostPasses] {
    const { clock, findings, log, host } = this;
    const parts = { clock, findings, log, random: new SeededRandom(3), node: parseNodeId('near'), incarnation: 7 };
    const prober = new Prober({
      ...parts,
      probe: this.near,
      self: () => this.self,
      view: () => this.view,
      wake: () => (this.#woken = true),
      doubt: () => (this.doubts += 1),
    });
    return [prober, new HostPasses({ host, clock })];
  }

  async start(): Promise<void> {
    const farSelf = selfAt(CONFIG, leaseOf('far', '10.42.2.0/24', '192.168.7.2', KEY('f')), uplinkAt('192.168.7.2'));
    if (this.#farIsUp) await this.far.listen(probeSelf(farSelf, parseNodeId('far'), 7, true), this.#stop.signal);
    this.far.serve([{ ...PEER, key: KEY('n') }]);
    this.prober.run(this.#stop.signal).catch((error: unknown) => assert.equal((error as WeftError).code, 'ABORTED'));
    await this.pass();
  }

  async pass(): Promise<void> {
    const report = await this.passes.pass(
      {
        self: this.self,
        view: this.view,
        changed: 'all',
        files: [],
        previousNetworks: [],
        answering: this.prober.choices.answering,
        choose: this.prober.choices.choose,
        dryRun: false,
      },
      this.#stop.signal,
    );
    this.prober.settle(report);
    this.held = report.held.length;
    const path = [...report.peers.values()].map((peer) => peer.path).join();
    if (this.paths.at(-1) !== path) this.paths.push(path);
  }

  held = 0;
  /** How often the cloud was doubted. */
  doubts = 0;

  /** Lets so many seconds pass, making the passes that are asked for. */
  async seconds(count: number): Promise<void> {
    for (let tenth = 0; tenth < count * 10; tenth++) {
      await this.clock.advance(100);
      if (!this.#woken) continue;
      this.#woken = false;
      await this.pass();
    }
  }

  stop(): void {
    this.#stop.abort();
  }
}

export const KEY = (letter: string): string => `${letter.repeat(42)}A`;
export const FAR = baseOf('10.42.2.0/24' as Subnet);
export const NEAR = baseOf('10.42.1.0/24' as Subnet);
export const PEER = {
  node: parseNodeId('near'),
  subnet: '10.42.1.0/24' as Subnet,
  base: NEAR,
  port: 8286,
  incarnation: 7,
  paths: ['direct', 'vxlan'] as const,
};

export function leaseOf(node: string, subnet: string, address: string, key: string | undefined): Lease {
  const probe = key === undefined ? {} : { probe: { key, port: 8286 } };
  return lease(subnet, address, { weft: { node: parseNodeId(node), incarnation: 7, ...vxlanAt(node), ...probe } });
}

export function viewOf(...leases: readonly Lease[]): LeaseView {
  const byKey = new Map<LeaseKey, Lease>(leases.map((each) => [each.key, each]));
  return { revision: '1', config: undefined, leases: byKey, expired: new Set(), skipped: [], findings: [] };
}

export async function within(body: (world: World) => Promise<void>, world = new World()): Promise<void> {
  await world.start();
  try {
    await body(world);
  } finally {
    world.stop();
  }
}
