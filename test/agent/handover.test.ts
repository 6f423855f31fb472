/** Whole agents and a reconciler, while who writes routes is handed over and back under traffic. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { WeftError } from '../../src/core/errors.ts';
import { readLedgerRow } from '../../src/core/ledger.ts';
import { ROUTE_WRITER_KEY, routeWriter, type RouteWriter } from '../../src/core/route-writer.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import type { Leaving, RunReport } from '../../src/reconcile/reconciler-parts.ts';
import { never } from '../contract/store-world.ts';
import { FakeCloud, MUTATING } from '../fakes/fake-cloud.ts';
import { ListLog } from '../fakes/list-log.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { Cluster, type Member } from './cluster.ts';

const SECOND = 1000;
const MINUTE = 60_000;

const config = (RouteWriter: RouteWriter['mode']) => ({ Network: '10.50.0.0/16', Weft: { RouteWriter } });

class CloudCluster {
  readonly cluster = new Cluster(config('node'));
  readonly cloud = new FakeCloud(this.cluster.clock);
  readonly records = new MemoryRecords(this.cluster.network);
  readonly nodes: Member[] = [];
  /** Moments at which a route that stood was missing, and probes by the cloud that were lost. */
  readonly missing: string[] = [];
  lost = 0;
  /** Routes that must stand from now on. */
  #expected: ReadonlySet<string> = new Set();
  readonly #reconciler: Reconciler;

  constructor() {
    const { clock, network } = this.cluster;
    for (const name of ['a', 'b']) this.cloud.addTable(`rtb-${name}`, { subnets: [`subnet-${name}`] });
    this.cloud.after = (call, what) => this.#look(`${call} ${what}`);
    // A packet by the cloud arrives where the sender's table has a route for it.
    const carries = this.cluster.probes.carries.bind(this.cluster.probes);
    this.cluster.probes.carries = (from, path) => {
      if (path !== 'fabric') return carries(from, path);
      const stands = this.#missing().length === 0;
      if (!stands && this.#expected.size > 0) this.lost += 1;
      return stands;
    };
    const random = new SeededRandom(77);
    this.#reconciler = new Reconciler(
      {
        store: new MemoryStore(network, clock, random),
        records: this.records,
        cloud: this.cloud.open('lambda'),
        inventory: this.cloud.openInventory('lambda'),
        clock,
        random,
        log: new ListLog(),
      },
      { name: 'lambda', networks: ['vpc-1'], nodeTag: 'weft:node', rate: { perSecond: 5, burst: 50 } },
    );
  }

  node(number: number, subnet: 'a' | 'b', tags: readonly (readonly [string, string])[] = [['weft:node', '']]): Member {
    const address = `192.168.${subnet === 'a' ? 1 : 2}.${number}`;
    const instance = `i-${String(number).padStart(17, '0')}`;
    const target = `eni-${number}`;
    const identity = { provider: 'aws', network: 'vpc-1', subnet: `subnet-${subnet}`, target };
    this.cloud.machines.start({ instance, target, subnet: identity.subnet, tags });
    this.cloud.selves.set(parseAddress(address), {
      instance,
      region: 'r',
      identity,
      networkRanges: [parseSubnet('192.168.0.0/16')],
    });
    const member = this.cluster.member(instance, address);
    member.cloud = { network: this.cloud.open(instance), inventory: this.cloud.openInventory(instance) };
    this.nodes.push(member);
    return member.start();
  }

  /** From now on every route that stands must go on standing. */
  hold(): void {
    this.#expected = new Set(this.cloud.text);
  }

  release(): void {
    this.#expected = new Set();
  }

  async run(leaving: readonly Leaving[] = []): Promise<RunReport> {
    const { clock } = this.cluster;
    const request = { why: leaving.length === 0 ? 'schedule' : 'event', leaving, adopt: false, dryRun: false } as const;
    let report: RunReport | undefined;
    const running = this.#reconciler
      .run({ ...request, untilMs: clock.now() + 10 * MINUTE }, never())
      .then((made) => (report = made));
    for (let seconds = 0; report === undefined && seconds < 300; seconds++) await this.pass(SECOND);
    return running;
  }

  async pass(ms: number): Promise<void> {
    const stepMs = ms > 2 * MINUTE ? 10 * SECOND : SECOND;
    for (let left = ms; left > 0; left -= stepMs) {
      await this.cluster.pass(Math.min(stepMs, left));
      this.#look('time');
    }
  }

  async writer(): Promise<RouteWriter> {
    const { records } = await this.records.list('writer', never());
    return routeWriter(records.get(ROUTE_WRITER_KEY)?.value, 'node');
  }

  async generations(): Promise<number[]> {
    const { records } = await this.records.list('ledger', never());
    const rows = [...records.values()].map(({ key, value }) => readLedgerRow(key, value)?.generation ?? -1);
    return [...new Set(rows)].toSorted((a, b) => a - b);
  }

  /** Calls that change the cloud, of nodes or of the reconciler, since the last question. */
  mutations(by: 'nodes' | 'lambda'): string[] {
    const found = this.cloud.made.filter(
      ({ by: who, call }) => MUTATING.has(call) && (who === 'lambda') === (by === 'lambda'),
    );
    const told = found.map(({ call, what }) => `${call} ${what}`);
    for (const one of found) this.cloud.made.splice(this.cloud.made.indexOf(one), 1);
    return told;
  }

  #missing(): string[] {
    const standing = new Set(this.cloud.text);
    return [...this.#expected].filter((route) => !standing.has(route));
  }

  #look(when: string): void {
    this.missing.push(...this.#missing().map((route) => `${route} after ${when}`));
  }
}

describe('who writes cloud routes', () => {
  let world: CloudCluster;
  beforeEach(() => {
    world = new CloudCluster();
  });
  afterEach(() => world.cluster.stop());

  const paths = (): string[] =>
    world.nodes.flatMap(({ paths: lines }) => lines.split('\n').map((line) => line.split(' ')[1] ?? ''));
  const findings = (): string[] => world.nodes.flatMap(({ findings: codes }) => codes);

  it('is handed to the reconciler and back while traffic flows: no route is ever missing, no probe is lost', async () => {
    for (const [number, subnet] of [
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, 'b'],
    ] as const)
      world.node(number, subnet);
    await world.pass(MINUTE);
    assert.equal(world.cloud.text.length, 4);
    assert.equal(paths().filter((path) => path === 'fabric').length, 8);
    world.hold();
    world.mutations('nodes');

    await world.cluster.writeConfig(config('reconciler'));
    await world.pass(5 * MINUTE);
    assert.equal((await world.writer()).mode, 'node', 'no reconciler is there yet');
    assert.deepEqual(findings(), []);

    assert.equal((await world.run()).how, 'done');
    assert.equal((await world.writer()).mode, 'reconciler');
    // The role of nodes has no right to write any more.
    world.cloud.before = (call, _what, by) => {
      if (by !== 'lambda' && MUTATING.has(call)) throw new WeftError('CLOUD_DENIED', `${by} may not ${call}`);
    };
    for (let minutes = 0; minutes < 5; minutes++) {
      await world.pass(MINUTE);
      await world.run();
    }
    assert.deepEqual(world.mutations('nodes'), []);
    assert.deepEqual(world.mutations('lambda'), [], 'what stands is taken over without a call');
    assert.equal(new Set(await world.generations()).size, 1);

    const late = world.node(5, 'b');
    world.cloud.forwarding.delete('eni-5');
    await world.pass(MINUTE);
    await world.run();
    await world.pass(MINUTE);
    assert.ok(world.cloud.text.includes(`rtb-a ${late.subnet} eni-5`));
    assert.ok(world.cloud.forwarding.has('eni-5'), 'the reconciler has switched its check off');
    assert.equal(paths().filter((path) => path === 'fabric').length, 12);
    assert.deepEqual(findings(), []);

    await world.cluster.writeConfig(config('node'));
    world.cloud.before = () => undefined;
    world.mutations('nodes');
    await world.pass(10 * SECOND);
    assert.equal((await world.writer()).mode, 'node');
    await world.pass(20 * MINUTE);
    assert.deepEqual(world.mutations('nodes'), []);
    assert.deepEqual(await world.generations(), [(await world.writer()).generation]);
    assert.deepEqual([world.missing, world.lost], [[], 0]);
  });

  it('a lease that is not believed gets no route; its owner and its senders are told why', async () => {
    await world.cluster.writeConfig(config('reconciler'));
    const untagged = world.node(1, 'a', []);
    const sender = world.node(2, 'b');
    const believed = world.node(3, 'a');
    await world.pass(MINUTE);
    await world.run();
    await world.pass(5 * SECOND);
    assert.deepEqual(world.cloud.text, [`rtb-a ${sender.subnet} eni-2`, `rtb-b ${believed.subnet} eni-3`]);
    const [finding] = untagged.agent?.status().findings ?? [];
    assert.equal(finding?.code, 'CLOUD_REFUSED');
    assert.match(finding.message, /^no cloud route .* in rtb-b: .*weft:node/);
    assert.equal(untagged.agent?.status().cloud?.writer, 'reconciler');
    const metrics = (await untagged.agent?.metrics())?.body ?? '';
    for (const line of [
      /^weft_cloud_routes_asked 1$/m,
      /^weft_cloud_routes_standing 0$/m,
      /^weft_cloud_routes_refused\{reason="CLOUD_REFUSED"\} 1$/m,
      /^weft_cloud_routes_by_reconciler 1$/m,
    ])
      assert.match(metrics, line);
    const refused = sender.agent?.status().peers.flatMap((peer) => peer.refused);
    assert.match(refused?.find(({ path }) => path === 'fabric')?.why ?? '', /weft:node/);
  });

  it('a machine that is said to end is left by its peers, and its daemon ends as drained and does not claim again', async () => {
    await world.cluster.writeConfig(config('reconciler'));
    const [a, b] = [world.node(1, 'a'), world.node(2, 'b')];
    await world.pass(MINUTE);
    await world.run();
    await world.pass(MINUTE);
    assert.equal(world.cloud.text.length, 2);
    const instance = a.state.remembered.node;
    await world.run([{ instance, why: 'Spot interruption' }]);
    await world.pass(2 * MINUTE);
    assert.deepEqual(world.cloud.text, [`rtb-a ${b.subnet} eni-2`], 'nobody sends by it; it goes in its time');
    assert.deepEqual(a.end, { how: 'drained' });
    assert.match(
      String(a.log.lines.find(({ message }) => message === 'sent away')?.fields['why']),
      /Spot interruption/,
    );
    assert.equal(world.cluster.network.leases.size, 1);
    assert.equal(b.agent?.status().peers.length, 0);
  });

  it('routes of a node that drains are taken away by the reconciler, once nobody sends by them', async () => {
    await world.cluster.writeConfig(config('reconciler'));
    const [a] = [world.node(1, 'a'), world.node(2, 'b')];
    await world.pass(MINUTE);
    await world.run();
    await world.pass(MINUTE);
    const drained = a.agent?.drain();
    await world.pass(MINUTE);
    await drained;
    assert.deepEqual(a.end, { how: 'drained' });
    assert.ok(a.log.text.includes('info cloud routes are left to the reconciler {count}'), a.log.text.join('\n'));
    for (let minutes = 0; minutes < 20; minutes++) {
      await world.run();
      await world.pass(MINUTE);
    }
    assert.deepEqual(world.cloud.text, []);
  });
});
