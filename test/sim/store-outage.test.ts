/**
 * The store is away, by injected time, under whole agents: what stands on the hosts goes on standing, no lease changes hands, and afterwards
 * everybody watches and renews again. WEFT_SEED=n repeats one; WEFT_SEEDS=n runs that many.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { away, Cluster, HOUR_MS, type Member } from '../agent/cluster.ts';

const MINUTE_MS = 60_000;
const HOSTS = 5;

/** Renewed each hour. */
const TTL = '3h';

interface Outage {
  readonly what: string;
  readonly ttl: string;
  /** When it begins, after the hosts have claimed. */
  readonly afterMs: number;
  readonly ms: number;
  /** Its answers are lost, though what was asked is done: a server that is killed in the middle of its work, and keeps its data. */
  readonly killed?: true;
}

const OUTAGES: readonly Outage[] = [
  { what: '10 minutes', ttl: TTL, afterMs: 10 * MINUTE_MS, ms: 10 * MINUTE_MS },
  {
    what: '10 minutes, in which it is killed and all have to renew',
    ttl: TTL,
    afterMs: 55 * MINUTE_MS,
    ms: 10 * MINUTE_MS,
    killed: true,
  },
  {
    what: 'longer than the time to renew, and shorter than the TTL',
    ttl: TTL,
    afterMs: 10 * MINUTE_MS,
    ms: 2 * HOUR_MS,
  },
  { what: 'longer than the TTL', ttl: '3m', afterMs: MINUTE_MS, ms: 10 * MINUTE_MS },
];

class World {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  readonly hosts: readonly Member[];

  constructor(seed: number, ttl: string) {
    this.random = new SeededRandom(seed);
    const weft = { Probe: { IdleBudget: 2 }, LeaseTTL: ttl };
    this.cluster = new Cluster(
      { Network: '10.42.0.0/20', Backend: { Type: 'vxlan', DirectRouting: true }, Weft: weft },
      seed,
    );
    this.hosts = Array.from({ length: HOSTS }, (_, at) =>
      this.cluster.member(`node-${at + 1}`, `192.168.${this.random.below(3)}.${at + 1}`).start(),
    );
  }

  /** Connections end, whoever waits for news too. */
  leave({ killed }: Outage): void {
    if (killed) this.cluster.network.after = away;
    else this.cluster.network.before = away;
    this.cluster.network.changed();
  }

  comeBack(): void {
    this.cluster.network.before = () => undefined;
    this.cluster.network.after = () => undefined;
  }

  /** What carries traffic and what stands under it. */
  get standing(): readonly (readonly string[])[] {
    return this.hosts.map((host) => host.host.text.split('\n').filter((line) => !line.startsWith('file ')));
  }

  get owners(): string {
    return this.cluster.leases.replaceAll(/"incarnation":\d+/g, '');
  }

  get renewals(): readonly number[] {
    return this.hosts.map((host) => host.calls.filter((call) => call === 'renew').length);
  }
}

async function through(outage: Outage, seed: number): Promise<void> {
  const world = new World(seed, outage.ttl);
  const { cluster, hosts, random } = world;
  try {
    await cluster.pass(1000);
    await cluster.prove();
    await cluster.pass(outage.afterMs);
    const { standing, owners } = world;
    assert.ok(standing.every((lines) => lines.filter((line) => line.startsWith('route ')).length >= HOSTS - 1));
    const writes = hosts.map(({ host }) => host.kernel.writes);

    world.leave(outage);
    const pieces = 10;
    for (let piece = 0; piece < pieces; piece++) {
      await cluster.pass(outage.ms / pieces);
      assert.deepEqual(world.standing, standing, `in piece ${piece}`);
    }
    assert.deepEqual(
      hosts.map(({ host }) => host.kernel.writes),
      writes,
      'nobody touched a kernel',
    );
    for (const host of hosts) assert.ok(host.findings.includes('STORE_UNREACHABLE'), `${host.name} says what is wrong`);

    // What another hand breaks meanwhile is put right by the last view.
    const victim = hosts[random.below(HOSTS)] ?? assert.fail();
    victim.host.remove(...[...victim.host.kernel.standing.keys()].filter((key) => /^(route|fdb|neighbour) /.test(key)));
    await cluster.pass(MINUTE_MS);
    assert.deepEqual(world.standing, standing, 'put right without the store');

    world.comeBack();
    const before = world.renewals;
    const joined = cluster.member('node-new', '192.168.1.77').start();
    await cluster.pass(3 * MINUTE_MS);
    const { subnet } = joined;
    assert.equal(typeof subnet, 'string');
    for (const host of hosts) {
      assert.ok(
        host.routes.some((line) => line.includes(String(subnet))),
        `${host.name} carries ${String(subnet)}`,
      );
      assert.deepEqual([host.end, host.unready, host.findings], [undefined, '', []], host.name);
    }
    assert.ok(world.owners.split('\n').filter((line) => owners.includes(line)).length === HOSTS, world.owners);
    await cluster.pass(62 * MINUTE_MS);
    world.renewals.forEach((made, at) => assert.ok(made > (before[at] ?? 0), `node-${at + 1} renews again`));
    for (const [at, lines] of standing.entries())
      for (const line of lines) assert.ok(world.standing[at]?.includes(line), `${line} of node-${at + 1}`);
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error });
  } finally {
    await cluster.stop();
  }
}

const given = process.env['WEFT_SEED'];
const seeds = Array.from({ length: Number(process.env['WEFT_SEEDS'] ?? 1) }, (_, at) => at + 1);
for (const outage of OUTAGES)
  for (const seed of given === undefined ? seeds : [Number(given)])
    test(`a store is away for ${outage.what}: nothing on a host goes, no lease changes hands (seed ${seed})`, () =>
      through(outage, seed));
