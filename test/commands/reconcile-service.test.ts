import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ReconcileService } from '../../src/commands/reconcile-service.ts';
import type { Supervisor, Told } from '../../src/contracts/supervisor.ts';
import { WeftError } from '../../src/core/errors.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseAddress } from '../../src/core/address.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { RunReport, RunRequest } from '../../src/reconcile/reconciler-parts.ts';
import { never } from '../contract/store-world.ts';
import { ListLog } from '../fakes/list-log.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { MemoryNetwork, unreachable } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';

const SECOND = 1000;
const MINUTE = 60_000;

const REPORT: RunReport = {
  how: 'done',
  writer: { mode: 'reconciler', generation: 1 },
  tables: [{ table: 'rtb-a', network: 'vpc-1', quota: { limit: 500, source: 'live' }, occupied: 420, overflow: 3 }],
  outcomes: new Map(),
  doubted: [],
  audit: [],
  findings: [],
  calls: 2,
};

/** One process: a service with runs that only note that they were made. */
class Process {
  readonly made: { readonly atMs: number; readonly why: RunRequest['why'] }[] = [];
  readonly log = new ListLog();
  readonly told: Told[] = [];
  readonly service: ReconcileService;
  answer: () => Promise<RunReport> | RunReport = () => REPORT;
  /** SIGSTOP: none of its calls ends, and none of its timers wakes it. */
  readonly #stop = new AbortController();
  ended: unknown;
  #running: Promise<void> = Promise.resolve();

  constructor({ clock, network }: World, name: string, number: number) {
    const random = new SeededRandom(number);
    const supervisor: Supervisor = { watchdogMs: undefined, tell: (what) => this.told.push(what) > 0 };
    this.service = new ReconcileService({
      store: new MemoryStore(network, clock, random),
      records: new MemoryRecords(network),
      clock,
      random,
      log: this.log,
      supervisor,
      reconciler: {
        run: async ({ why }) => {
          this.made.push({ atMs: clock.now(), why });
          return this.answer();
        },
      },
      settings: { name, networks: ['vpc-1'], nodeTag: undefined, rate: { perSecond: 4, burst: 20 } },
      everyMs: MINUTE,
      version: '1.2.3',
      listen: undefined,
    });
  }

  start(): this {
    this.#running = this.service.run(this.#stop.signal).catch((error: unknown) => void (this.ended = error));
    return this;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  get status(): string {
    return this.told.flatMap(({ status }) => status ?? []).at(-1) ?? '';
  }

  whys(): string[] {
    return this.made.splice(0).map(({ why }) => why);
  }
}

class World {
  readonly clock = new ManualClock(1_000_000);
  readonly network = new MemoryNetwork(this.clock);
  readonly processes: Process[] = [];

  process(name: string): Process {
    const made = new Process(this, name, this.processes.length + 1);
    this.processes.push(made);
    return made;
  }

  async pass(ms: number): Promise<void> {
    await settle();
    for (let left = ms; left > 0; left -= SECOND) {
      await this.clock.advance(Math.min(SECOND, left));
      await settle();
    }
  }

  async claim(): Promise<void> {
    const store = new MemoryStore(this.network, this.clock, new SeededRandom(9));
    const network = parseSubnet('10.42.0.0/16');
    await store.claim(
      {
        node: parseNodeId(`i-${this.network.leases.size}`),
        publicIP: parseAddress('192.0.2.1'),
        range: { network, subnetLength: 24, min: parseAddress('10.42.1.0'), max: parseAddress('10.42.255.0') },
        within: [],
        mayRenumber: true,
        attributes: () => ({ publicIP: parseAddress('192.0.2.1') }),
        ttlMs: 60 * MINUTE,
      },
      never(),
    );
  }
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 30; turns++) await new Promise((resolve) => setImmediate(resolve));
}

describe('weftd reconcile as a service', () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(async () => {
    for (const one of world.processes) await one.stop();
  });

  it('makes a run when it begins, and then one each interval', async () => {
    const one = world.process('one').start();
    await world.pass(SECOND);
    assert.deepEqual(one.whys(), ['schedule']);
    await world.pass(10 * MINUTE);
    const runs = one.whys();
    assert.ok(runs.length >= 9 && runs.length <= 11, `${runs.length} runs`);
    assert.ok(runs.every((why) => why === 'schedule'));
  });

  it('makes one soon after leases have changed, for many changes one, and none for a renewal', async () => {
    const one = world.process('one').start();
    await world.pass(SECOND);
    one.whys();
    await world.claim();
    await world.pass(2 * SECOND);
    await world.claim();
    await world.pass(2 * SECOND);
    assert.deepEqual(one.whys(), []);
    await world.pass(2 * SECOND);
    assert.deepEqual(one.whys(), ['change']);
    const [held] = world.network.leases.values();
    assert.ok(held !== undefined);
    await new MemoryStore(world.network, world.clock, new SeededRandom(3)).renew(
      held.lease,
      held.lease.attributes,
      MINUTE,
      never(),
    );
    await world.pass(20 * SECOND);
    assert.deepEqual(one.whys(), []);
  });

  it('goes by the clock although changes never end', async () => {
    const one = world.process('one').start();
    for (let changes = 0; changes < 20; changes++) {
      await world.claim();
      await world.pass(15 * SECOND);
    }
    const scheduled = one.whys().filter((why) => why === 'schedule');
    assert.ok(scheduled.length >= 4, `${scheduled.length} of 5`);
  });

  it('makes one at once when a person asks', async () => {
    const one = world.process('one').start();
    await world.pass(10 * SECOND);
    one.whys();
    one.service.wake();
    await world.pass(0);
    assert.deepEqual(one.whys(), ['person']);
  });

  it('goes on at once with what was cut, and looks again soon where another run is under way', async () => {
    const one = world.process('one');
    const answers: RunReport[] = [
      { ...REPORT, how: 'cut' },
      { ...REPORT, how: 'busy' },
    ];
    one.answer = () => answers.shift() ?? REPORT;
    one.start();
    await world.pass(15 * SECOND);
    assert.deepEqual(one.whys(), ['schedule', 'change', 'change']);
    assert.deepEqual(one.service.facts.runs.totals, { done: 1, cut: 1, busy: 1, failed: 0, calls: 6 });
  });

  it('tries again after a failure, says so as long as it lasts, and is ready for no run meanwhile', async () => {
    const one = world.process('one');
    one.answer = () => {
      throw new WeftError('CLOUD_DENIED', 'may not look');
    };
    one.start();
    await world.pass(3 * MINUTE);
    assert.ok(one.made.length >= 3 && one.made.length < 20, `${one.made.length} runs`);
    assert.equal(one.status, 'leading, and the last run failed: may not look');
    assert.deepEqual(
      one.log.text.filter((line) => line.startsWith('warn')),
      ['warn something needs attention {code why}'],
    );
    one.answer = () => REPORT;
    await world.pass(2 * MINUTE);
    assert.equal(one.status, 'leading: 1 table, 0 routes');
    assert.ok(one.log.text.includes('info no longer so {code why}'));
  });

  it('of two one leads, the other stands by and takes over as soon as the first ends', async () => {
    const [one, two] = [world.process('one').start(), world.process('two').start()];
    await world.pass(5 * MINUTE);
    const [first, second] = one.made.length > 0 ? [one, two] : [two, one];
    assert.deepEqual([first.made.length > 0, second.made.length], [true, 0]);
    assert.match(second.status, /^standing by: (one|two) leads$/);
    assert.equal(second.told[0]?.ready, true, 'its start is over: it is there to take over');
    await first.stop();
    assert.equal((first.ended as WeftError).code, 'ABORTED');
    await world.pass(10 * SECOND);
    assert.equal(second.made.length, 1);
  });

  it('a leader that hears nothing from the store makes no more runs, and another leads', async () => {
    const one = world.process('one').start();
    await world.pass(10 * SECOND);
    one.whys();
    world.network.before = () => {
      throw unreachable();
    };
    await world.pass(MINUTE);
    one.whys();
    await world.pass(3 * MINUTE);
    assert.deepEqual(one.whys(), [], 'it leads no more');
    assert.match(one.status, /^standing by: /);
    world.network.before = () => undefined;
    await world.pass(2 * MINUTE);
    assert.ok(one.made.length > 0);
  });
});
