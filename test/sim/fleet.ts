/**
 * Two reconcilers and up to ten agents at once, in an order that the seed decides, while hosts join, drain, are killed and terminated, reconcilers die
 * in the middle of a run, and the right to write routes goes back and forth. WEFT_SEED=n repeats one; WEFT_SEEDS=n runs that many.
 */
import assert from 'node:assert/strict';
import type { MadeCall } from '../fakes/fake-cloud.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import type { Tap } from '../fakes/tapped.ts';
import type { Leaving } from '../../src/reconcile/reconciler-parts.ts';
import { never } from '../contract/store-world.ts';
import {
  config,
  destination,
  instanceOf,
  MINUTE,
  ReconcilerWorld,
  type Process,
} from '../reconcile/reconciler-world.ts';
import { changing, expectedRoutes, ledgerText } from '../reconcile/world-state.ts';
import { FleetAgent } from './fleet-agent.ts';

const MOST = 10;
const SUBNETS = ['subnet-a', 'subnet-b'] as const;
const FOREIGN = [`rtb-a ${destination(3)} igw-1`, `rtb-b ${destination(200)} igw-1`];
/** What a decision may be behind: a view of 30 s, a pause, and the call itself. */
const BEHIND_MS = 90_000;
/** More subnets than hosts, and so few that they come back. */
const range = { SubnetMin: '10.32.1.0', SubnetMax: '10.32.18.0' };

export class Fleet {
  readonly world = ReconcilerWorld.small({ rate: { perSecond: 5, burst: 20 } });
  readonly random: SeededRandom;
  readonly agents = new Set<FleetAgent>();
  readonly story: string[] = [];
  readonly #told: Leaving[] = [];
  /** Since when a route "rtb-a 10.32.1.0/24 eni-1" ought to stand, and when a lease asked for it last. */
  readonly #wantedSince = new Map<string, number>();
  readonly #askedFor = new Map<string, number>();
  readonly #broken: string[] = [];
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  /** How often something happened that routes may follow from. */
  causes = 0;
  #numbers = 0;
  #crash: (() => void) | undefined;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.configure('node');
    for (const line of FOREIGN) {
      const [table = '', , target = ''] = line.split(' ');
      this.world.cloud.foreign(table, destination(line.includes(destination(3)) ? 3 : 200), target);
    }
    this.world.cloud.after = () => this.#judge();
  }

  configure(writer: 'node' | 'reconciler'): void {
    this.causes += 1;
    this.world.configure({ ...Object(config(writer)), ...range });
    this.story.push(`routes are to be written by ${writer}`);
  }

  /** A service that lives on, and a function that starts anew each time. */
  startReconcilers(): void {
    const service = this.world.process({ name: 'host-1', tap: () => this.#slow });
    this.#loops.push(
      this.#loop(() => service),
      this.#loop(() => this.#mortal()),
    );
  }

  async join(): Promise<void> {
    const number = (this.#numbers += 1);
    const subnet = SUBNETS[this.random.below(2)] ?? 'subnet-a';
    const { machines, forwarding } = this.world.cloud;
    machines.start({ instance: instanceOf(number), target: `eni-${number}`, subnet });
    if (this.random.below(2) === 0) forwarding.add(`eni-${number}`);
    const lease = await this.world.claim(number, { subnet }, true).catch(() => undefined);
    if (lease === undefined) return;
    const agent = new FleetAgent(this.world, number, subnet, lease, this.#slow);
    agent.start();
    this.agents.add(agent);
    this.#tell(`node ${number} joins in ${subnet} with ${lease.subnet.v4}`);
  }

  async drain(agent: FleetAgent): Promise<void> {
    this.agents.delete(agent);
    this.#tell(`node ${agent.number} drains`);
    this.#loops.push(agent.drain(never()).catch(() => undefined));
  }

  /** With or without a word to the reconcilers, at once or by and by. */
  async terminate(agent: FleetAgent): Promise<void> {
    this.agents.delete(agent);
    const state = this.random.below(2) === 0 ? 'shutting-down' : 'terminated';
    this.#tell(`node ${agent.number} is ${state}`);
    await this.world.clock.during(agent.stop());
    this.world.cloud.machines.turn(agent.node, state);
    if (this.random.below(2) === 0) this.#told.push({ instance: agent.node, why: state });
    if (state === 'shutting-down')
      this.#loops.push(
        this.world.clock.sleep(MINUTE, this.#stop.signal).then(
          () => this.world.cloud.machines.turn(agent.node, 'terminated'),
          () => undefined,
        ),
      );
  }

  async step(): Promise<void> {
    const all = [...this.agents];
    const agent = all[this.random.below(all.length)];
    const dice = this.random.below(10);
    if (agent === undefined || (dice < 3 && this.agents.size < MOST)) await this.join();
    else if (dice === 3 && this.agents.size > 3) await this.drain(agent);
    else if (dice === 4 && this.agents.size > 3) await this.terminate(agent);
    else if (dice === 5) this.configure(this.random.below(2) === 0 ? 'node' : 'reconciler');
    else if (dice === 6) {
      this.story.push('a reconciler dies');
      this.#crash?.();
    }
    this.#judge();
    await this.world.clock.advance([0, 2000, 20_000, MINUTE, 4 * MINUTE][this.random.below(5)] ?? 0);
    this.check();
  }

  /** Nothing happens any more: what ought to stand does, and nobody does anything about it. */
  async rest(): Promise<void> {
    await this.#pass(45);
    this.check();
    const expected = expectedRoutes(this.#nodes(), this.#tables()).routes;
    assert.deepEqual(this.world.cloud.text, expected);
    const ours = ledgerText(this.world).filter((line) => line.includes(' committed '));
    assert.deepEqual(
      ours.map((line) => line.split(' ').slice(0, 3).join(' ')),
      expected.filter((line) => !FOREIGN.includes(line)),
    );
    assert.deepEqual(
      [...this.world.network.leases.values()].map(({ node }) => String(node)).toSorted(),
      [...this.agents].map(({ node }) => String(node)).toSorted(),
    );
    const before = changing(this.world).length;
    await this.#pass(30);
    assert.deepEqual(changing(this.world).slice(before), []);
  }

  check(): void {
    assert.deepEqual(this.#broken, []);
    for (const line of FOREIGN) assert.ok(this.world.cloud.text.includes(line), line);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    const { clock } = this.world;
    await clock.during(Promise.all([...this.agents].map((agent) => agent.stop())));
    await clock.during(Promise.all(this.#loops));
  }

  #tell(what: string): void {
    this.causes += 1;
    this.story.push(`${Math.round(this.world.clock.now() / 1000)} s: ${what}`);
  }

  async #pass(minutes: number): Promise<void> {
    for (let n = 0; n < minutes; n++) await this.world.clock.advance(MINUTE);
  }

  /** Each call takes its time, before it takes effect and after it. */
  readonly #slow: Tap = async (_what, work) => {
    await this.#pause();
    const result = await work();
    await this.#pause();
    return result;
  };

  async #pause(): Promise<void> {
    const dice = this.random.below(20);
    if (dice > 10) await this.world.clock.sleep(dice === 20 ? 5000 : this.random.below(300), never());
  }

  /** A process that may die in the middle. */
  #mortal(): Process {
    let dead = false;
    const tap: Tap = (what, work) => (dead ? new Promise(() => undefined) : this.#slow(what, work));
    this.#crash = () => void (dead = true);
    return this.world.process({ name: 'lambda', tap: () => tap });
  }

  async #loop(next: () => Process): Promise<void> {
    const { clock } = this.world;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const leaving = this.#told.splice(0);
      // Whoever is cut off for good is forgotten after the longest time that a function has.
      const limit = new AbortController();
      const end = (): void => limit.abort();
      signal.addEventListener('abort', end, { once: true });
      const { reconciler } = next();
      const run = reconciler
        .run(
          { why: leaving.length > 0 ? 'event' : 'schedule', leaving, adopt: false, dryRun: false, untilMs: Infinity },
          limit.signal,
        )
        .then(
          ({ how }) => how !== 'busy',
          () => false,
        );
      const late = clock.sleep(15 * MINUTE, limit.signal).then(
        () => false,
        () => false,
      );
      if (!(await Promise.race([run, late]))) this.#told.push(...leaving);
      limit.abort();
      signal.removeEventListener('abort', end);
      await clock.sleep(2 * MINUTE, signal).catch(() => undefined);
    }
  }

  /** Of everybody whose lease stands: who is dead is not known at once. */
  #leased() {
    return [...this.world.network.leases.values()].flatMap(({ lease }) => {
      const { fabric, table } = lease.attributes.weft ?? {};
      if (fabric === undefined || table === undefined) return [];
      return [{ destination: lease.subnet.v4, target: fabric.target, subnet: fabric.subnet, table }];
    });
  }

  #nodes() {
    return [...this.agents]
      .filter((agent) => agent.holds)
      .map(({ lease, target, subnet }) => ({
        destination: lease.subnet.v4,
        target,
        subnet,
        table: subnet.replace('subnet', 'rtb'),
      }));
  }

  #tables() {
    return ['rtb-a', 'rtb-b'].map((id) => ({
      id,
      limit: 500,
      foreign: FOREIGN.filter((line) => line.startsWith(id)).map((line) => line.slice(id.length + 1)),
      standing: new Set<string>(),
    }));
  }

  /** What ought to stand now; and whether the call that was made last follows from it. */
  #judge(): void {
    const now = this.world.clock.now();
    const wanted = new Set(expectedRoutes(this.#nodes(), this.#tables()).routes);
    for (const route of expectedRoutes(this.#leased(), this.#tables()).routes) this.#askedFor.set(route, now);
    for (const route of this.#wantedSince.keys()) if (!wanted.has(route)) this.#wantedSince.delete(route);
    for (const route of wanted) if (!this.#wantedSince.has(route)) this.#wantedSince.set(route, now);
    const last = this.world.cloud.made.at(-1);
    if (last !== undefined && last.took) this.#judgeCall(last, now);
  }

  #judgeCall({ call, what, by }: MadeCall, now: number): void {
    const said = `${Math.round(now / 1000)} s: ${by}: ${call} ${what}`;
    const isForeign = FOREIGN.some((line) => what.startsWith(line.split(' ').slice(0, 2).join(' ')));
    if (call === 'remove' && (this.#wantedSince.get(what) ?? Infinity) < now - BEHIND_MS) this.#broken.push(said);
    const isRight = (this.#askedFor.get(what) ?? -Infinity) >= now - BEHIND_MS;
    if ((call === 'create' || call === 'replace') && !isRight) this.#broken.push(said);
    if (isForeign && (call === 'create' || call === 'replace' || call === 'remove')) this.#broken.push(said);
  }
}
