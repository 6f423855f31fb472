import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { reconcileWith } from '../../src/commands/reconcile.ts';
import { exitOf, reportJson, reportText } from '../../src/commands/reconcile-text.ts';
import { parseAddress } from '../../src/core/address.ts';
import type { LedgerRow } from '../../src/core/cloud-route.ts';
import { ledgerKey } from '../../src/core/ledger.ts';
import { parseNodeId } from '../../src/core/node-id.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import type { RunReport } from '../../src/reconcile/reconciler-parts.ts';
import { RunLock } from '../../src/reconcile/run-lock.ts';
import { never } from '../contract/store-world.ts';
import { FakeCloud } from '../fakes/fake-cloud.ts';
import { ListLog } from '../fakes/list-log.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { Terminal, type Typed } from './typed.ts';

const VPC = '--vpc vpc-0123456789abcdef0';

describe('weftd reconcile', () => {
  let terminal: Terminal;
  let cloud: FakeCloud;

  beforeEach(() => {
    const open = () =>
      Promise.resolve({
        network: cloud.open('operator'),
        inventory: cloud.openInventory('operator'),
        networks: ['vpc-1'],
        close: () => undefined,
      });
    terminal = new Terminal(undefined, undefined, { reconcile: reconcileWith(open) });
    cloud = new FakeCloud(terminal.clock);
    for (const name of ['a', 'b']) cloud.addTable(`rtb-${name}`, { subnets: [`subnet-${name}`] });
    terminal.network.config = {
      text: JSON.stringify({ Network: '10.42.0.0/16', Weft: { RouteWriter: 'reconciler' } }),
      version: '1',
    };
  });

  const type = (line: string): Promise<Typed> => terminal.clock.during(terminal.type(line));

  async function join(number: number, subnet: 'a' | 'b', tags?: readonly (readonly [string, string])[]): Promise<void> {
    const node = parseNodeId(`i-${String(number).padStart(17, '0')}`);
    const target = `eni-${number}`;
    cloud.machines.start({
      instance: node,
      target,
      subnet: `subnet-${subnet}`,
      ...(tags === undefined ? {} : { tags }),
    });
    cloud.forwarding.add(target);
    const publicIP = parseAddress(`10.0.0.${number}`);
    const fabric = { provider: 'aws', network: 'vpc-1', subnet: `subnet-${subnet}`, target };
    const weft = { node, incarnation: 1, mtuBytes: 9001, fabric, table: `rtb-${subnet}` };
    const min = parseAddress(`10.42.${number}.0`);
    const range = { network: parseSubnet('10.42.0.0/16'), subnetLength: 24, min, max: min };
    const wish = { node, publicIP, range, within: [], mayRenumber: true, ttlMs: 3_600_000 };
    await terminal.store.claim({ ...wish, attributes: () => ({ publicIP, weft }) }, never());
  }

  it('makes one run, tells what it did, and ends with 0 when all is as it should be', async () => {
    await join(1, 'a');
    await join(2, 'b');
    const { out, exit } = await type('reconcile');
    assert.equal(exit, 0, out);
    assert.deepEqual(cloud.text, ['rtb-a 10.42.2.0/24 eni-2', 'rtb-b 10.42.1.0/24 eni-1']);
    assert.match(
      out,
      /^2 calls made that could change something\. 2 tables, 2 routes\. Routes are written by the reconciler/,
    );
    assert.match(out, /^Done:$/m);
    assert.match(out, /^ {2}created 10\.42\.1\.0\/24 in rtb-b to eni-1 \(i-0*1\): /m);
    const again = JSON.parse((await type('reconcile --json')).out) as {
      readonly calls: number;
      readonly audit: unknown[];
    };
    assert.deepEqual([again.calls, again.audit], [0, []]);
  });

  it('in a dry run shows the plan, with what would wait, and writes nothing', async () => {
    await join(1, 'a');
    await join(2, 'b');
    const before = terminal.network.seq;
    const { out, exit } = await type('reconcile --dry-run');
    assert.equal(exit, 0);
    assert.match(out, /^\+ cloud route 10\.42\.1\.0\/24 to eni-1 in rtb-b$/m);
    assert.deepEqual([cloud.text, cloud.mutations, terminal.network.seq], [[], [], before]);
    await type('reconcile');
    assert.match((await type('reconcile --dry-run')).out, /^Nothing to change\.$/m);
  });

  it('believes the lease of an instance with the tag that is named, or of any', async () => {
    await join(1, 'a', [['role', 'node']]);
    await join(2, 'b', [['role', 'node']]);
    const doubting = await type('reconcile');
    assert.match(doubting.out, /^ {2}10\.42\.1\.0\/24 of node i-0*1: .*weft:node/m);
    assert.deepEqual(cloud.text, []);
    await type('reconcile --node-tag role=node');
    assert.equal(cloud.text.length, 2);
    const wrong = await type('reconcile --node-tag =x');
    assert.match(wrong.err, /^weftd: BAD_OPTION: --node-tag "=x": expected a tag as KEY or KEY=VALUE, or none/);
  });

  it('writes nothing for a network config that lies outside the range that it was given', async () => {
    await join(1, 'a');
    await join(2, 'b');
    for (const range of ['10.43.0.0/16', '10.42.0.0/17']) {
      const { err, exit } = await type(`reconcile --within ${range}`);
      assert.equal(exit, 2);
      assert.ok(err.startsWith('weftd: CONFIG_INVALID: Network 10.42.0.0/16 of the network config lies outside'), err);
      assert.match(err, /--within/);
    }
    assert.deepEqual([cloud.text, cloud.mutations], [[], []]);
    assert.equal((await type('reconcile --within 10.0.0.0/8')).exit, 0);
    assert.equal(cloud.text.length, 2);
  });

  it('says that another run is at work, and ends with 1', async () => {
    const { clock, records } = terminal;
    const random = new SeededRandom(5);
    const lock = new RunLock({ records, clock, random, log: new ListLog() }, { owner: 'lambda' });
    const held = await lock.acquire(0, never());
    const { out, exit } = await type('reconcile');
    assert.deepEqual([exit, out.split('.')[0]], [1, 'Busy: another reconciler is making a run']);
    await held?.release(never());
  });

  for (const [line, words] of [
    ['--every 60s --once', '--every and --once do not go together'],
    ['--every 60s --dry-run', '--every and --dry-run do not go together'],
    ['--every 60s --adopt', '--every and --adopt do not go together'],
    ['--every 60s --json', '--every and --json do not go together'],
    ['--every 1s', '--every "1s": expected a duration of at least 10s'],
    ['--status-listen 127.0.0.1:1', '--status-listen is given without --every'],
    ['--vpc subnet-1', '--vpc "subnet-1": expected an id like vpc-0123456789abcdef0'],
    ['--within fd00::/64', '--within "fd00::/64": expected a range like 10.42.0.0/16'],
    ['--region mars', '--region "mars": expected a region like eu-central-1'],
    ['--calls-per-second 0', '--calls-per-second "0": expected a whole number from 1 to 1000'],
  ] as const) {
    it(`refuses ${line}`, async () => {
      const { err, exit } = await type(`reconcile ${VPC} ${line}`);
      assert.equal(exit, 2);
      assert.ok(err.startsWith(`weftd: BAD_OPTION: ${words}`), err);
    });
  }

  it('refuses a network that has no route table', async () => {
    cloud.tables.clear();
    const { err, exit } = await type('reconcile');
    assert.deepEqual(
      [exit, err.split('\n')[0]],
      [1, 'weftd: CLOUD_NOT_FOUND: there is no VPC vpc-1, or it has no route table'],
    );
  });
});

describe('the report of a run', () => {
  const row: LedgerRow = {
    table: 'rtb-a',
    destination: parseSubnet('10.42.7.0/24'),
    target: 'eni-7',
    epoch: 7,
    node: parseNodeId('i-7'),
    state: 'refused',
    generation: 1,
  };
  const outcome = (number: number, why: string) => {
    const destination = parseSubnet(`10.42.${number}.0/24`);
    const key = ledgerKey('rtb-a', destination);
    return [
      key,
      { key, row: { ...row, destination }, result: 'refused', code: 'ROUTE_TABLE_FULL', why } as const,
    ] as const;
  };
  const report: RunReport = {
    how: 'done',
    writer: { mode: 'reconciler', generation: 3 },
    tables: [{ table: 'rtb-a', network: 'vpc-1', quota: { limit: 50, source: 'default' }, occupied: 50, overflow: 60 }],
    outcomes: new Map(Array.from({ length: 60 }, (_, number) => outcome(number, 'no room'))),
    doubted: [],
    audit: [],
    findings: [{ code: 'ROUTE_TABLE_FULL', message: 'rtb-a has no room for 60 routes' }],
    calls: 0,
  };

  it('has each table with its quota and what found no room, and names the rest where there is much of it', () => {
    const text = reportText(report, { dryRun: false });
    assert.match(text, /^rtb-a +vpc-1 +50 +50 \(default\) +60$/m);
    assert.match(text, /^ {2}refused 10\.42\.0\.0\/24 in rtb-a to eni-7: ROUTE_TABLE_FULL: no room$/m);
    assert.match(text, /^ {2}and 10 more: --json lists them all$/m);
    assert.match(text, /^Findings:\n {2}ROUTE_TABLE_FULL: rtb-a has no room for 60 routes$/m);
    assert.equal(reportJson(report).routes.length, 60);
  });

  it('ends with 0 only when nothing is left for a person, or for the next run', () => {
    assert.equal(exitOf(report), 1);
    assert.equal(exitOf({ ...report, findings: [] }), 0);
    assert.equal(exitOf({ ...report, findings: [], how: 'cut' }), 1);
    assert.match(
      reportText({ ...report, how: 'cut' }, { dryRun: false }),
      /^Cut: its time, or the budget of calls, was used up/,
    );
  });
});
