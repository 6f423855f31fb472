/** A reconciler that is paused (DESIGN.md 6: before the check, after signing, in between) while another takes over, against signature ages as the emulated EC2 judges them. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
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
  beforeEach(async () => {
    account = await AwsAccount.start();
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
    readonly name: string;
    readonly host: AwsHost;
    run(): Promise<RunReport>;
  }

  function processOf(name: string, tap: Tap = (_what, work) => work()): Process {
    const { clock } = account;
    const host = account.host(name);
    const reconciler = new Reconciler(
      {
        store: tapped(new MemoryStore(network, clock, new SeededRandom(2)), tap),
        records: tapped(new MemoryRecords(network), tap),
        cloud: host.network,
        inventory: {
          instances: (of, within) => host.inventory.instances(of, within),
          interfaces: (of, within) => host.inventory.interfaces(of, within),
          routeQuota: async () => ({ limit: 500, source: 'default' }),
          completeLifecycle: async () => undefined,
        },
        clock,
        random: new SeededRandom(3),
        log: new ListLog(),
      },
      { name, networks: [planned.vpc('lab')], nodeTag: undefined, rate: { perSecond: 5, burst: 20 } },
    );
    const request = { why: 'schedule', leaving: [], adopt: false, dryRun: false, untilMs: Infinity } as const;
    return { name, host, run: () => clock.during(reconciler.run(request, signal)) };
  }

  /** Something happens in the middle of the first call of a command: before it is signed, or on its way after that. */
  function inTheMiddle(
    { host }: Process,
    command: string,
    when: 'before signing' | 'after signing',
    happen: () => Promise<void>,
  ): void {
    let once = true;
    const { middlewareStack } = host.connection.client;
    type Add = Parameters<typeof middlewareStack.add>[0];
    const middleware: Add = (next, context) => async (args) => {
      if (once && context.commandName === `${command}Command`) {
        once = false;
        await happen();
      }
      return next(args);
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
    const frozen = new Freezer();
    let paused = false;
    const tap: Tap = (what, work) =>
      frozen.tap(what, async () => {
        const result = await work();
        if (!paused && what.startsWith('put ledger')) {
          paused = true;
          frozen.freeze();
          await handOver();
          await processOf('second').run();
          frozen.thaw();
        }
        return result;
      });
    const first = processOf('first', tap);
    await first.run().catch(() => undefined);
    assert.ok(paused);
    assert.deepEqual(calls('first'), []);
    assert.equal(routeOf(), ids.a2);
  });

  it('paused after signing: the request has expired when it arrives, and no second is made', async () => {
    const frozen = new Freezer();
    const first = processOf('first', frozen.tap);
    inTheMiddle(first, 'CreateRoute', 'after signing', async () => {
      frozen.freeze();
      await account.clock.advance(6 * MINUTE);
      await processOf('second').run();
      frozen.thaw();
    });
    await first.run().catch(() => undefined);
    assert.deepEqual(calls('first'), ['CreateRoute RequestExpired']);
    assert.equal(routeOf(), ids.a1);
    assert.ok(calls('second').length > 0);
  });

  it("paused in between, and the subnet another's when it goes on: the next run puts it right, and no second call is made", async () => {
    await standing();
    const frozen = new Freezer();
    const first = processOf('first', frozen.tap);
    inTheMiddle(first, 'ReplaceRoute', 'before signing', async () => {
      frozen.freeze();
      await handOver();
      await processOf('second').run();
      assert.equal(routeOf(), ids.a2);
      frozen.thaw();
    });
    await first.run().catch(() => undefined);
    // It had the right when it looked; its replacement wins, for as long as until somebody looks again.
    assert.equal(routeOf(), ids.a1);
    await processOf('second').run();
    assert.equal(routeOf(), ids.a2);
    assert.deepEqual(
      calls('first').filter((line) => line.startsWith('ReplaceRoute')),
      ['ReplaceRoute ok with effect'],
    );
    assert.deepEqual(calls('first').at(-1), 'ReplaceRoute ok with effect');
  });

  it('paused in between at a removal: the route that stands by then is put back, and no second call is made', async () => {
    // The owner left; its route is black, and goes at once.
    account.standing(ids.tableB, subnet, STANDING);
    await standing();
    for (const { lease } of network.leases.values()) if (lease.subnet.v4 === subnet) await store.release(lease, signal);
    const frozen = new Freezer();
    const first = processOf('first', frozen.tap);
    let paused = false;
    inTheMiddle(first, 'DeleteRoute', 'before signing', async () => {
      paused = true;
      frozen.freeze();
      await account.clock.advance(20 * MINUTE);
      await claim('a2', 1);
      await processOf('second').run();
      assert.equal(routeOf(), ids.a2);
      frozen.thaw();
    });
    await first.run().catch(() => undefined);
    assert.ok(paused);
    await processOf('second').run();
    assert.equal(routeOf(), ids.a2);
    assert.equal(calls('first').filter((line) => line.startsWith('DeleteRoute')).length, 1);
  });
});
