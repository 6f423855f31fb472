/** A reconciler that is paused (DESIGN.md 6: before the check, after signing, in between) while another takes over, against signature ages as the emulated EC2 judges them. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { CloudInventory } from '../../src/contracts/cloud-inventory.ts';
import type { Lease } from '../../src/core/lease.ts';
import { ledgerKey, ledgerRowToJson } from '../../src/core/ledger.ts';
import { parseAddress } from '../../src/core/address.ts';
import { parseNodeId, type NodeId } from '../../src/core/node-id.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { Reconciler } from '../../src/reconcile/reconciler.ts';
import type { RunReport } from '../../src/reconcile/reconciler-parts.ts';
import { never } from '../contract/store-world.ts';
import { Freezer } from '../fakes/freezer.ts';
import { ListLog } from '../fakes/list-log.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { tapped, type Tap } from '../fakes/tapped.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { AwsAccount, type AwsHost } from './aws-account.ts';

const MINUTE = 60_000;
const signal = never();
const CONFIG = JSON.stringify({
  Network: '10.42.0.0/16',
  Backend: { Type: 'auto' },
  Weft: { RouteWriter: 'reconciler' },
});
const subnet = parseSubnet('10.42.1.0/24');
const STANDING = 'eni-00000000000000000';

describe('a reconciler that is paused, and another that takes over', () => {
  let account: AwsAccount;
  let network: MemoryNetwork;
  let store: MemoryStore;
  let processes: Freezer[];
  beforeEach(async () => {
    account = await AwsAccount.start();
    processes = [];
    network = new MemoryNetwork(account.clock);
    network.config = { text: CONFIG, version: '1' };
    store = new MemoryStore(network, account.clock, new SeededRandom(1));
    // Node a1 has the subnet, and b1, in the other cloud subnet, sends to it.
    await claim('a1', 1);
    await claim('b1', 3);
  });
  afterEach(() => account.close());

  async function claim(name: 'a1' | 'a2' | 'b1', number: number): Promise<Lease> {
    const node: NodeId = parseNodeId(planned.instance(name));
    const zone = name.slice(0, 1);
    const fabric = { provider: 'aws', network: planned.vpc('lab'), subnet: planned.subnet(zone), target: ids[name] };
    const publicIP = parseAddress(`10.0.1.${number}`);
    const { lease } = await store.claim(
      {
        node,
        publicIP,
        range: parseNetworkConfig(CONFIG).v4,
        within: [],
        previous: parseSubnet(`10.42.${number}.0/24`),
        mayRenumber: false,
        ttlMs: 24 * 60 * MINUTE,
        attributes: () => ({
          publicIP,
          weft: { node, incarnation: 1, mtuBytes: 9001, fabric, table: planned.table(`table-${zone}`) },
        }),
      },
      signal,
    );
    return lease;
  }

  /** The subnet goes to node a2, after its quarantine. */
  async function handOver(): Promise<void> {
    for (const { lease } of network.leases.values()) if (lease.subnet.v4 === subnet) await store.release(lease, signal);
    await account.clock.advance(20 * MINUTE);
    await claim('a2', 1);
  }

  interface Process {
    readonly host: AwsHost;
    readonly freezer: Freezer;
    run(): Promise<RunReport>;
  }

  function processOf(name: string, around: Tap = (_what, work) => work()): Process {
    const host = account.host(name);
    const freezer = new Freezer();
    processes.push(freezer);
    const { tap } = freezer;
    const clock = freezer.clock(account.clock);
    const inventory: CloudInventory = {
      instances: (of, within) => host.inventory.instances(of, within),
      interfaces: (of, within) => host.inventory.interfaces(of, within),
      routeQuota: async () => ({ limit: 500, source: 'default' }),
      completeLifecycle: async () => undefined,
    };
    const reconciler = new Reconciler(
      {
        store: tapped(new MemoryStore(network, clock, new SeededRandom(2)), tap),
        records: tapped(tapped(new MemoryRecords(network), around), tap),
        cloud: tapped(host.network, tap),
        inventory: tapped(inventory, tap),
        clock,
        random: new SeededRandom(3),
        log: new ListLog(),
      },
      { name, networks: [planned.vpc('lab')], nodeTag: undefined, rate: { perSecond: 5, burst: 20 } },
    );
    const request = { why: 'schedule', leaving: [], adopt: false, dryRun: false, untilMs: Infinity } as const;
    return { host, freezer, run: () => reconciler.run(request, signal) };
  }

  /** Time goes on while everybody sleeps who is not paused, and stands still while somebody waits for an answer. */
  async function during<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const end = (): void => void (isOver = true);
    work.then(end, end);
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      const waits = processes.some(({ isFrozen, pending }) => !isFrozen && pending > 0);
      if (!waits && account.clock.asleep > 0 && !isOver) await account.clock.advance(250);
    }
    return work;
  }

  /** Something happens in the middle of the first call of a command: before it is signed, or on its way after that. */
  function inTheMiddle(
    { host }: Process,
    command: string,
    when: 'before signing' | 'after signing',
    happen: (send: () => Promise<unknown>) => Promise<unknown>,
  ): void {
    let once = true;
    const { middlewareStack } = host.connection.client;
    type Add = Parameters<typeof middlewareStack.add>[0];
    const middleware: Add = (next, context) => async (args) => {
      if (!once || context.commandName !== `${command}Command`) return next(args);
      once = false;
      let sent: ReturnType<typeof next> | undefined;
      await happen(() => (sent = next(args))).catch(() => undefined);
      return sent ?? next(args);
    };
    if (when === 'before signing') middlewareStack.add(middleware as never, { step: 'build' });
    else
      middlewareStack.addRelativeTo(middleware as never, { relation: 'after', toMiddleware: 'httpSigningMiddleware' });
  }

  /** "CreateRoute ok with effect" of routes, in order. */
  const calls = (who: string): string[] =>
    account.cloud.journal.entries
      .filter((entry) => entry.mutating && entry.who === who && entry.action.endsWith('Route'))
      .map(({ action, outcome, effect }) => `${action} ${outcome}${effect ? ' with effect' : ''}`);

  const routeOf = (): string | undefined =>
    account
      .text()
      .find((line) => line.startsWith(`${ids.tableB} ${subnet} `))
      ?.split(' ')[2];

  /** Ours, by the ledger, and leading where an earlier owner was. */
  async function standing(): Promise<void> {
    account.standing(ids.tableB, subnet, STANDING);
    const row = {
      table: ids.tableB,
      destination: subnet,
      target: STANDING,
      epoch: 0,
      node: parseNodeId('node-first'),
      state: 'committed',
      generation: 0,
    } as const;
    await new MemoryRecords(network).put(
      'ledger',
      ledgerKey(ids.tableB, subnet),
      ledgerRowToJson(row),
      undefined,
      signal,
    );
  }

  it('paused before the check: no call is made', async () => {
    let paused = false;
    const first = processOf('first', async (what, work) => {
      const result = await work();
      if (paused || !what.startsWith('put ledger')) return result;
      paused = true;
      first.freezer.freeze();
      await handOver();
      await processOf('second').run();
      first.freezer.thaw();
      return result;
    });
    await during(first.run().catch(() => undefined));
    assert.ok(paused);
    assert.deepEqual(calls('first'), []);
    assert.equal(routeOf(), ids.a2);
  });

  it('paused after signing: the request has expired when it arrives, and no second is made', async () => {
    const first = processOf('first');
    let late: Promise<unknown> | undefined;
    inTheMiddle(first, 'CreateRoute', 'after signing', async (send) => {
      first.freezer.freeze();
      await account.clock.advance(6 * MINUTE);
      await processOf('second').run();
      // What was on its way is, before anything else of it wakes.
      late = send();
      await late.catch(() => undefined);
      first.freezer.thaw();
      return late;
    });
    await during(first.run().catch(() => undefined));
    assert.ok(late !== undefined);
    // Whose it was the cloud does not say of what it does not let in. The other route of the run was made in time.
    assert.deepEqual(
      account.mutations().filter((line) => !line.startsWith('Modify')),
      ['CreateRoute ok', 'CreateRoute ok', 'CreateRoute RequestExpired'],
    );
    assert.deepEqual([calls('first').length, calls('second').length], [1, 1]);
    assert.equal(routeOf(), ids.a1);
  });

  it("paused in between, and the subnet another's when it goes on: the next run puts it right, and no second call is made", async () => {
    await standing();
    const first = processOf('first');
    inTheMiddle(first, 'ReplaceRoute', 'before signing', async (send) => {
      first.freezer.freeze();
      await handOver();
      await processOf('second').run();
      assert.equal(routeOf(), ids.a2);
      const late = send();
      await late.catch(() => undefined);
      first.freezer.thaw();
      return late;
    });
    await during(first.run().catch(() => undefined));
    // It had the right when it looked; its replacement wins, for as long as until somebody looks again.
    assert.equal(routeOf(), ids.a1);
    assert.equal(calls('first').at(-1), 'ReplaceRoute ok with effect');
    const made = calls('first').length;
    await during(processOf('third').run());
    assert.equal(routeOf(), ids.a2);
    assert.equal(calls('first').length, made);
  });

  it('paused in between at a removal: the route that stands by then is put back, and no second call is made', async () => {
    // The owner left; its route is black, and goes at once.
    await standing();
    for (const { lease } of network.leases.values()) if (lease.subnet.v4 === subnet) await store.release(lease, signal);
    await claim('a2', 7);
    const first = processOf('first');
    let paused = false;
    inTheMiddle(first, 'DeleteRoute', 'before signing', async (send) => {
      paused = true;
      first.freezer.freeze();
      await account.clock.advance(20 * MINUTE);
      await claim('a1', 1);
      await processOf('second').run();
      assert.equal(routeOf(), ids.a1);
      const late = send();
      await late.catch(() => undefined);
      first.freezer.thaw();
      return late;
    });
    await during(first.run().catch(() => undefined));
    assert.ok(paused);
    const made = calls('first').length;
    await during(processOf('third').run());
    assert.equal(routeOf(), ids.a1);
    assert.deepEqual([calls('first').length, calls('first').at(-1)?.split(' ')[0]], [made, 'DeleteRoute']);
  });
});
