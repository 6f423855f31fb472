import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
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

const CONFIG = { Network: '10.42.0.0/16', Weft: { Paths: ['direct', 'vxlan'] } };

/** Two nodes on one wire; `near` probes, and makes passes when it is woken. */
class World {
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

  constructor(farLease = leaseOf('far', '10.42.2.0/24', '192.168.7.2', KEY('f')), farIsUp = true) {
    this.#farIsUp = farIsUp;
    const own = leaseOf('near', '10.42.1.0/24', '192.168.7.1', KEY('n'));
    this.findings = new Findings(this.log);
    this.self = selfAt(CONFIG, own, uplinkAt('192.168.7.1'));
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
    if (this.#farIsUp) await this.far.listen(probeSelf(farSelf, parseNodeId('far'), 7), this.#stop.signal);
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
        previousNetwork: undefined,
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

const KEY = (letter: string): string => `${letter.repeat(42)}A`;
const FAR = baseOf('10.42.2.0/24' as Subnet);
const NEAR = baseOf('10.42.1.0/24' as Subnet);
const PEER = {
  node: parseNodeId('near'),
  subnet: '10.42.1.0/24' as Subnet,
  base: NEAR,
  port: 8286,
  incarnation: 7,
  paths: ['direct', 'vxlan'] as const,
};

function leaseOf(node: string, subnet: string, address: string, key: string | undefined): Lease {
  const probe = key === undefined ? {} : { probe: { key, port: 8286 } };
  return lease(subnet, address, { weft: { node: parseNodeId(node), incarnation: 7, ...vxlanAt(node), ...probe } });
}

function viewOf(...leases: readonly Lease[]): LeaseView {
  const byKey = new Map<LeaseKey, Lease>(leases.map((each) => [each.key, each]));
  return { revision: '1', config: undefined, leases: byKey, expired: new Set(), skipped: [], findings: [] };
}

async function within(body: (world: World) => Promise<void>, world = new World()): Promise<void> {
  await world.start();
  try {
    await body(world);
  } finally {
    world.stop();
  }
}

describe('the prober', () => {
  it('takes a new peer from the tunnel to the better path once that has proven itself', () =>
    within(async (world) => {
      assert.deepEqual(world.paths, ['vxlan']);
      await world.seconds(5);
      assert.deepEqual(world.paths, ['vxlan', 'direct']);
    }));

  it('moves a peer with traffic within five seconds of the fault, and back after the hold', () =>
    within(async (world) => {
      await world.seconds(5);
      world.near.traffic?.add('10.42.2.0/24' as Subnet);
      await world.seconds(2);
      world.network.cut(NEAR, 'direct');
      await world.seconds(5);
      assert.deepEqual(world.paths, ['vxlan', 'direct', 'vxlan']);
      assert.equal(world.doubts, 1);
      world.network.mend(NEAR, 'direct');
      await world.seconds(29);
      assert.equal(world.paths.at(-1), 'vxlan');
      await world.seconds(5);
      assert.equal(world.paths.at(-1), 'direct');
    }));

  it('doubts no cloud when a tunnel is down', () =>
    within(async (world) => {
      await world.seconds(5);
      world.near.traffic?.add('10.42.2.0/24' as Subnet);
      world.network.cut(NEAR, 'vxlan');
      await world.seconds(60);
      assert.deepEqual([world.paths, world.doubts], [['vxlan', 'direct'], 0]);
    }));

  it('leaves the path alone when only the way back is cut', () =>
    within(async (world) => {
      await world.seconds(5);
      world.near.traffic?.add('10.42.2.0/24' as Subnet);
      world.network.cut(FAR, 'direct');
      await world.seconds(60);
      assert.deepEqual(world.paths, ['vxlan', 'direct']);
    }));

  it('leaves the path alone when the peer’s daemon is away, and asks its kernel meanwhile', () =>
    within(async (world) => {
      await world.seconds(5);
      world.far.die();
      await world.seconds(120);
      assert.deepEqual(world.paths, ['vxlan', 'direct']);
      assert.ok(world.near.askedBy.echo > 0);
      assert.equal(world.prober.choices.answering.size, 0);
    }));

  it('changes no path by being started anew, in either state', () =>
    within(async (world) => {
      await world.seconds(5);
      await world.restart();
      await world.seconds(20);
      assert.deepEqual(world.paths, ['vxlan', 'direct']);
      world.network.cut(NEAR, 'direct');
      await world.seconds(60);
      assert.equal(world.paths.at(-1), 'vxlan');
      await world.restart();
      await world.seconds(60);
      assert.deepEqual(world.paths, ['vxlan', 'direct', 'vxlan']);
    }));

  it('says so when no path works, keeps a tunnel, and goes on asking', () =>
    within(async (world) => {
      await world.seconds(5);
      world.near.traffic?.add('10.42.2.0/24' as Subnet);
      for (const path of ['direct', 'vxlan'] as const) world.network.cut(NEAR, path);
      await world.seconds(15);
      assert.equal(world.paths.at(-1), 'vxlan');
      assert.deepEqual(
        world.findings.of('peers').map(({ message }) => message),
        ['no path works to far'],
      );
      for (const path of ['direct', 'vxlan'] as const) world.network.mend(NEAR, path);
      await world.seconds(10);
      assert.equal(world.paths.at(-1), 'direct');
      assert.deepEqual(world.findings.of('peers'), []);
    }));

  it('probes all peers as the budget allows where traffic cannot be seen, with a word about it', () =>
    within(async (world) => {
      world.near.cannotSeeTraffic();
      await world.seconds(5);
      assert.equal(world.findings.of('traffic')[0]?.code, 'ACTIVITY_UNKNOWN');
      const before = world.near.asked;
      await world.seconds(20);
      assert.ok(world.near.asked - before >= 36, `${world.near.asked - before} requests in 20 s`);
    }));

  it('holds the way to a peer that still answers although its lease is gone, until it does no more', () =>
    within(async (world) => {
      await world.seconds(5);
      const own = world.view.leases.values().next().value;
      assert.ok(own !== undefined);
      world.view = viewOf(own);
      await world.pass();
      assert.ok(world.held > 0);
      await world.seconds(10);
      assert.equal(world.paths.at(-1), 'direct');
      world.far.die();
      await world.seconds(5);
      assert.equal(world.paths.at(-1), '');
    }));

  it('asks a peer without Weft by echo, and takes silence for nothing', () =>
    within(
      async (world) => {
        world.far.die();
        await world.seconds(5);
        assert.equal(world.paths.at(-1), 'direct');
        world.network.kernels.clear();
        await world.seconds(60);
        assert.equal(world.paths.at(-1), 'direct');
        assert.equal(world.near.askedBy.probe, 0);
      },
      new World(leaseOf('far', '10.42.2.0/24', '192.168.7.2', undefined)),
    ));

  it('uses a peer without Weft that never answered, and never calls it lost', () =>
    within(
      async (world) => {
        await world.seconds(300);
        assert.deepEqual(world.paths, ['vxlan']);
        assert.deepEqual(world.findings.of('peers'), []);
      },
      new World(leaseOf('far', '10.42.2.0/24', '192.168.7.2', undefined), false),
    ));

  it('goes on with the key it knows when a lease shows another without a newer start', () =>
    within(async (world) => {
      await world.seconds(5);
      const own = world.view.leases.values().next().value;
      assert.ok(own !== undefined);
      world.view = viewOf(own, leaseOf('far', '10.42.2.0/24', '192.168.7.2', KEY('x')));
      await world.pass();
      assert.equal(world.findings.of('keys')[0]?.code, 'PROBE_KEY_REFUSED');
      await world.seconds(30);
      assert.equal(world.prober.choices.answering.size, 1);
    }));
});
