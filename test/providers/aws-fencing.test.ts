/** The owner of a lease who is paused (DESIGN.md 6), against signature ages as the emulated EC2 judges them; and what is foreign. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { Lease } from '../../src/core/lease.ts';
import { readLedger } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { advance, mayWriteRoutes, NEW_OWNER } from '../../src/core/owner.ts';
import { parseNetworkConfig } from '../../src/core/parse-network-config.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { CloudPasses } from '../../src/reconcile/cloud-pass.ts';
import type { CloudReport } from '../../src/reconcile/cloud-report.ts';
import { OwnRoutes } from '../../src/reconcile/own-scope.ts';
import { never } from '../contract/store-world.ts';
import { lease } from '../datapath/cluster.ts';
import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { results } from '../reconcile/cloud-cluster.ts';
import { AwsAccount, type AwsHost } from './aws-account.ts';

const MINUTE = 60_000;
const TTL = 30_000;
const signal = never();
const subnet = parseSubnet('10.42.1.0/24');
const KEY = `${ids.tableB}/10.42.1.0/24`;
const config = parseNetworkConfig(JSON.stringify({ Network: '10.42.0.0/16', Backend: { Type: 'auto' } }));

const leaseOf = (number: number, name: string, target: string, table: string, zone: string, epoch: number): Lease => {
  const fabric = { provider: 'aws', network: planned.vpc('lab'), subnet: planned.subnet(zone), target };
  return lease(`10.42.${number}.0/24`, `10.0.1.${number}`, { epoch, weft: { node: parseNodeId(name), fabric, table } });
};
const OLD = leaseOf(1, 'node-old', ids.a1, ids.tableA, 'a', 1);
const NEW = leaseOf(1, 'node-new', ids.a2, ids.tableA, 'a', 2);
const SENDER = leaseOf(3, 'node-3', ids.b1, ids.tableB, 'b', 1);

describe('owners and the routes of a VPC', () => {
  let account: AwsAccount;
  let network: MemoryNetwork;
  beforeEach(async () => {
    account = await AwsAccount.start();
    network = new MemoryNetwork(account.clock);
  });
  afterEach(() => account.close());

  interface Owner {
    readonly host: AwsHost;
    /** One pass; with `ledger` as it was seen before. */
    pass(): Promise<CloudReport>;
  }

  function ownerOf(own: Lease, peers: readonly Lease[] = [SENDER], records = new MemoryRecords(network)): Owner {
    const { clock } = account;
    const node = own.attributes.weft?.node ?? parseNodeId('nobody');
    const host = account.host(node);
    const passes = new CloudPasses({ cloud: host.network, records, clock, random: new SeededRandom(1) });
    const owner = advance(NEW_OWNER, {
      kind: 'claimed',
      sentAt: clock.now(),
      subnet: own.subnet.v4,
      epoch: own.epoch,
      ttlMs: TTL,
    });
    const view = { leases: new Map([own, ...peers].map((one) => [one.key, one])), expired: new Set<never>() };
    const scope = new OwnRoutes(clock).scope({
      network: planned.vpc('lab'),
      config,
      view,
      generation: 0,
      node,
      lease: own,
      mayWrite: async (deadlineMs) => mayWriteRoutes(owner, clock.now(), deadlineMs),
    });
    const pass = async (): Promise<CloudReport> => {
      const ledger = readLedger((await records.list('ledger', signal)).records.values());
      return clock.during(passes.pass({ config, ledger, scope, writes: true }, signal));
    };
    return { host, pass };
  }

  /** Something happens in the middle of the first call of a command: before it is signed, or on its way after that. */
  function inTheMiddle(
    { host }: Owner,
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

  const calls = (who: string): string[] =>
    account.cloud.journal.entries
      .filter((entry) => entry.mutating && entry.who === who)
      .map(({ action, outcome, effect }) => `${action} ${outcome}${effect ? ' with effect' : ''}`);

  it('paused before the check: no call is made', async () => {
    const old = ownerOf(OLD);
    await account.clock.advance(TTL);
    assert.deepEqual(results(await old.pass()), [`${KEY} held`]);
    const other = ownerOf(OLD);
    // Between the intent in the ledger and the call.
    network.after = (call) => {
      if (call === 'put') void account.clock.advance(TTL);
    };
    assert.deepEqual(results(await other.pass()), [`${KEY} held`]);
    assert.deepEqual([calls('node-old'), account.text()], [[], []]);
  });

  it('paused after signing: the request has expired when it arrives, and no second is made', async () => {
    const old = ownerOf(OLD);
    inTheMiddle(old, 'CreateRoute', 'after signing', () => account.clock.advance(6 * MINUTE));
    assert.deepEqual(results(await old.pass()), [`${KEY} refused CLOUD_DENIED`]);
    await old.pass();
    assert.deepEqual([account.mutations(), account.text()], [['CreateRoute RequestExpired'], []]);
  });

  it("paused in between, and the subnet another's when it goes on: his route stands, or is put back by his next pass", async () => {
    account.standing(ids.tableB, subnet, 'eni-00000000000000000');
    const fresh = {
      table: ids.tableB,
      destination: subnet,
      target: 'eni-00000000000000000',
      epoch: 0,
      node: parseNodeId('node-first'),
      state: 'committed',
      generation: 0,
    } as const;
    await new MemoryRecords(network).put('ledger', KEY, { v: 1, ...fresh }, undefined, signal);
    const old = ownerOf(OLD);
    let rightful: Owner | undefined;
    inTheMiddle(old, 'ReplaceRoute', 'before signing', async () => {
      await account.clock.advance(20 * MINUTE);
      rightful = ownerOf(NEW);
      assert.deepEqual(results(await rightful.pass()), [`${KEY} replaced`]);
    });
    // The old owner had the right when it looked; its replacement wins over the new owner's route.
    assert.deepEqual(results(await old.pass()), [`${KEY} left`]);
    assert.deepEqual(account.text(), [`${ids.tableB} 10.42.1.0/24 ${ids.a1}`]);
    assert.deepEqual(results((await rightful?.pass()) ?? (await old.pass())), [`${KEY} replaced`]);
    assert.deepEqual(account.text(), [`${ids.tableB} 10.42.1.0/24 ${ids.a2}`]);
    assert.deepEqual(results(await old.pass()), [`${KEY} left`]);
    assert.deepEqual(calls('node-old'), ['ReplaceRoute ok with effect']);
  });

  it('paused in between at a creation: the call fails at the route of the new owner', async () => {
    const old = ownerOf(OLD);
    inTheMiddle(old, 'CreateRoute', 'before signing', async () => {
      await account.clock.advance(20 * MINUTE);
      assert.deepEqual(results(await ownerOf(NEW).pass()), [`${KEY} created`]);
    });
    assert.deepEqual(results(await old.pass()), [`${KEY} left`]);
    assert.deepEqual(
      [calls('node-old'), account.text()],
      [['CreateRoute RouteAlreadyExists'], [`${ids.tableB} 10.42.1.0/24 ${ids.a2}`]],
    );
  });

  it('whatever goes wrong, no call that could change something names a foreign route', async () => {
    const foreign = [1, 3, 9].map((number) => parseSubnet(`10.42.${number}.0/24`));
    for (const table of [ids.tableA, ids.tableB, ids.main])
      for (const destination of foreign) account.foreign(table, destination, 'igw-0000000000000001');
    const before = account.text();
    const kinds = ['reset-before', 'reset-after', 'cut', 'garbage'] as const;
    for (const kind of kinds) {
      account.cloud.faults.add({ kind, times: 1 });
      for (const own of [OLD, SENDER])
        await ownerOf(
          own,
          [OLD, SENDER].filter((one) => one !== own),
        ).pass();
    }
    for (const code of [
      'RouteLimitExceeded',
      'UnauthorizedOperation',
      'RequestLimitExceeded',
      'InternalError',
      'IncorrectState',
    ]) {
      account.cloud.faults.add({ kind: 'error', code, times: 1 });
      await ownerOf(OLD)
        .pass()
        .catch(() => undefined);
    }
    network.records.clear();
    await ownerOf(OLD).pass();
    assert.deepEqual(account.text(), before);
    assert.deepEqual(account.mutations(), []);
  });

  it('joining costs at most five calls and one a table, a restart none that changes anything', async () => {
    const join = async (): Promise<void> => {
      const owner = ownerOf(OLD);
      await owner.host.network.prepare(ids.a1, signal);
      await owner.pass();
    };
    await join();
    const actions = account.cloud.journal.entries.map(({ action }) => action);
    assert.equal(actions.length, 5, actions.join());
    account.cloud.journal.clear();
    await join();
    assert.deepEqual([account.mutations(), account.cloud.journal.entries.length], [[], 2]);
  });

  it('six hosts and a quota of two: those without a slot say why, and get one when there are more', async () => {
    await account.account.control('POST', 'do', { op: 'quota', table: 'table-b', routes: 3 });
    const hosts = [1, 2, 4, 5, 6, 7].map((number) =>
      leaseOf(number, `node-${number}`, ids.a1, ids.tableA, 'a', number),
    );
    for (const own of hosts) await ownerOf(own).pass();
    const states = async (): Promise<string[]> =>
      [...readLedger((await new MemoryRecords(network).list('ledger', signal)).records.values()).values()]
        .map(({ row }) => `${row?.state}`)
        .toSorted();
    assert.deepEqual(await states(), ['committed', 'committed', 'refused', 'refused', 'refused', 'refused']);
    await account.account.control('POST', 'do', { op: 'quota', table: 'table-b' });
    for (const own of hosts) await ownerOf(own).pass();
    assert.deepEqual(
      await states(),
      Array.from({ length: 6 }, () => 'committed'),
    );
  });
});
