/**
 * Whole agents in one process, in an order that the seed decides, while the store goes away, daemons are killed, other hands are in the
 * kernels, addresses change, hosts join and leave. WEFT_SEED=n repeats one; WEFT_SEEDS=n runs that many, in two files so that both cores have some.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/core/address.ts';
import { unreachable } from '../fakes/memory-network.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { Cluster, type Member } from '../agent/cluster.ts';

const STEPS = 40;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const away = (): void => {
  throw unreachable();
};

class World {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  readonly live = new Set<Member>();
  readonly address = new Map<Member, string>();
  /** Subnets that a drain has freed: when, and whose they were. */
  readonly freed = new Map<string, { readonly atMs: number; readonly by: Member }>();
  readonly story: string[] = [];
  #named = 0;

  constructor(seed: number) {
    this.cluster = new Cluster(undefined, seed);
    this.cluster.network.config = {
      // So little to ask by that traffic is watched: days pass quickly then.
      text: JSON.stringify({
        Network: '10.42.0.0/20',
        Backend: { Type: 'vxlan', DirectRouting: true },
        Weft: { Probe: { IdleBudget: 3 } },
      }),
      version: '1',
    };
    this.random = new SeededRandom(seed);
  }

  pick<T>(from: Iterable<T>): T | undefined {
    const all = [...from];
    return all.length === 0 ? undefined : all[this.random.below(all.length)];
  }

  #freshAddress(): string {
    const taken = new Set(this.address.values());
    for (;;) {
      const address = `192.168.${this.random.below(3)}.${1 + this.random.below(200)}`;
      if (!taken.has(address)) return address;
    }
  }

  join(): void {
    const address = this.#freshAddress();
    const member = this.cluster.member(`node-${(this.#named += 1)}`, address);
    this.address.set(member, address);
    this.live.add(member.start());
    this.story.push(`${member.name} joins at ${address}`);
  }

  async restart(member: Member): Promise<void> {
    this.story.push(`${member.name} restarts`);
    await member.stop();
    member.start();
  }

  drain(member: Member): void {
    this.story.push(`${member.name} drains`);
    const { subnet } = member;
    this.live.delete(member);
    this.address.delete(member);
    void member.agent?.drain().then(() => {
      if (typeof subnet === 'string') this.freed.set(subnet, { atMs: this.cluster.clock.now(), by: member });
    });
  }

  disturb(member: Member): void {
    const keys = [...member.host.kernel.standing.keys()].filter((key) => !key.startsWith('file '));
    const gone = keys.filter(() => this.random.below(4) === 0);
    this.story.push(`another hand removes ${gone.length} entries of ${member.name}`);
    member.host.remove(...gone);
  }

  readdress(member: Member): void {
    const address = this.#freshAddress();
    this.address.set(member, address);
    this.story.push(`${member.name} gets the address ${address}`);
    const own = parseAddress(address);
    member.host.addDevice({
      name: 'eth0',
      addresses: [{ address: own, prefixLength: 24 }],
      mtuBytes: 1500,
      gateway: parseAddress(address.replace(/\d+$/, '254')),
    });
    member.host.hint('addresses');
  }

  async step(): Promise<void> {
    const member = this.pick(this.live);
    const dice = this.random.below(12);
    if (member === undefined || (dice === 0 && this.live.size < 8)) this.join();
    else if (dice === 1 && this.live.size > 3) this.drain(member);
    else if (dice <= 3) await this.restart(member);
    else if (dice <= 5) this.disturb(member);
    else if (dice === 6) this.readdress(member);
    else if (dice === 7) member.storeFails = member.storeFails === undefined ? away : undefined;
    else if (dice === 8) this.cluster.network.before = this.random.below(2) === 0 ? away : () => undefined;
    else if (dice === 9) {
      this.story.push('the store loses an answer');
      let lost = false;
      this.cluster.network.after = () => {
        if (lost) return;
        lost = true;
        away();
      };
    }
    await this.cluster.pass([0, 1000, 20_000, 10 * MINUTE_MS, HOUR_MS][this.random.below(5)] ?? 0);
    this.checkAlways();
  }

  /** No two daemons that hold have one subnet; what was freed is left alone for 15 minutes. */
  checkAlways(): void {
    const owners = new Map<string, Member>();
    for (const member of this.live) {
      const { state, subnet } = member.agent?.status() ?? {};
      if (state !== 'held' || typeof subnet !== 'string') continue;
      assert.equal(owners.get(subnet)?.name, undefined, `${subnet} of ${member.name}`);
      owners.set(subnet, member);
      const freed = this.freed.get(subnet);
      if (freed !== undefined && freed.by !== member)
        assert.ok(this.cluster.clock.now() - freed.atMs >= 15 * MINUTE_MS, `${subnet} came too soon to ${member.name}`);
    }
    for (const member of this.live) assert.equal(member.end, undefined, `${member.name} ended`);
  }

  /** All faults over: after a while every pair is connected the way it should be, and nothing else stands. */
  async checkHealed(): Promise<void> {
    this.cluster.network.before = () => undefined;
    this.cluster.network.after = () => undefined;
    for (const member of this.cluster.members) member.storeFails = undefined;
    await this.cluster.pass(3 * MINUTE_MS);
    this.checkAlways();
    for (const member of this.live) {
      const status = member.agent?.status();
      assert.deepEqual([status?.ready, status?.unready, status?.findings], [true, [], []], member.name);
      const routes = member.host.text
        .split('\n')
        .filter((line) => line.startsWith('route ') && !line.includes(' metric '))
        .map((line) => line.replace(/ (src|mtu) .*$/, ''));
      assert.deepEqual(routes, this.wantedRoutes(member), member.name);
    }
  }

  wantedRoutes(member: Member): string[] {
    const mine = this.address.get(member) ?? '';
    const segment = mine.replace(/\.\d+$/, '.');
    return [...this.live]
      .filter((peer) => peer !== member)
      .map((peer) => {
        const address = this.address.get(peer) ?? '';
        const subnet = String(peer.subnet);
        return address.startsWith(segment)
          ? `route ${subnet} via ${address} dev eth0`
          : `route ${subnet} via ${subnet.replace('/24', '')} dev flannel.1`;
      })
      .toSorted();
  }

  /** Nothing changes: then nobody does anything but renew, however often everything is looked at again (each hour, +-20 %). */
  async checkQuiet(): Promise<void> {
    const count = (): unknown =>
      [...this.live].map(({ name, host, log, state }) => [name, host.kernel.writes, log.lines.length, state.writes]);
    const before = count();
    for (const member of this.live) member.calls.length = 0;
    await this.cluster.clock.advance(3 * HOUR_MS);
    assert.deepEqual(count(), before);
    const calls = new Set([...this.live].flatMap((member) => member.calls));
    assert.ok(
      [...calls].every((call) => call === 'renew' || call === 'watch'),
      [...calls].join(),
    );
  }
}

async function live(seed: number): Promise<void> {
  const world = new World(seed);
  try {
    for (let n = 0; n < 4; n++) world.join();
    await world.cluster.pass(1000);
    await world.checkHealed();
    for (let round = 0; round < 2; round++) {
      for (let step = 0; step < STEPS; step++) await world.step();
      await world.checkHealed();
      await world.checkQuiet();
    }
  } catch (error) {
    throw new Error(`seed ${seed}:\n${world.story.slice(-12).join('\n')}`, { cause: error });
  } finally {
    await world.cluster.stop();
  }
}

/** Every second seed, from 1 or from 2. */
export function liveThrough(first: 1 | 2): void {
  const given = process.env['WEFT_SEED'];
  const all = Array.from({ length: Number(process.env['WEFT_SEEDS'] ?? 3) }, (_, at) => at + 1);
  for (const seed of given === undefined ? all : [Number(given)])
    if (seed % 2 === first % 2)
      test(`a cluster heals and is quiet afterwards, whatever happened (seed ${seed})`, () => live(seed));
}
