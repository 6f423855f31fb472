import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { parseSubnet } from '../../src/core/subnet.ts';
import { eventually } from '../../src/lab/eventually.ts';
import { never } from '../contract/store-world.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { whyNoDynamoDB } from './emulator.ts';
import { ReconcileWorld, VPC } from './reconcile-world.ts';

const CONFIG = { Network: '10.42.0.0/16', Backend: { Type: 'auto' }, Weft: { RouteWriter: 'reconciler' } };

describe('weftd reconcile as a process', { skip: whyNoDynamoDB() ?? false }, () => {
  let world: ReconcileWorld;
  let routes: string[];
  before(async () => {
    world = await ReconcileWorld.start(CONFIG);
    const a1 = await world.claim('a1', 'a', 'table-a');
    const b1 = await world.claim('b1', 'b', 'table-b');
    routes = [`${ids.tableA} ${b1.subnet.v4} ${ids.b1}`, `${ids.tableB} ${a1.subnet.v4} ${ids.a1}`].toSorted();
  });
  after(() => world.stop());
  afterEach(() => assert.deepEqual(world.foreigners.touched, []));

  const vpc = `--vpc ${VPC}`;
  const until = (what: string, is: () => boolean): Promise<true> =>
    eventually(what, 120_000, () => (is() ? { found: true } : { missing: 'not yet' }), never());

  /** A run that is cut off keeps its lock for a while, and others wait for it. */
  const betweenRuns = async (): Promise<void> => {
    const isHeld = async () => (await world.records('lock')).some(({ key }) => key === 'reconciler');
    await eventually(
      'no run is under way',
      120_000,
      async () => ((await isHeld()) ? { missing: 'one is' } : { found: true }),
      never(),
    );
  };

  it('shows in a dry run what it would do, and writes nothing anywhere', async () => {
    const { out, err, exit } = await world.reconcile(`${vpc} --dry-run`);
    assert.equal(exit, 0, out + err);
    assert.match(out, /^Dry run: nothing was written\./);
    for (const route of routes) {
      const [table, destination, target] = route.split(' ');
      assert.match(out, new RegExp(`\\+ cloud route ${destination} to ${target} in ${table}`));
    }
    assert.deepEqual([world.routes, world.mutations()], [[], []]);
    for (const kind of ['ledger', 'writer', 'lock', 'run', 'audit', 'budget', 'waiting'] as const)
      assert.deepEqual(await world.records(kind), [], kind);
  });

  it('makes all routes in one run, and finds nothing to do in the next', async () => {
    const first = await world.reconcile(vpc);
    assert.equal(first.exit, 0, first.out + first.err);
    assert.deepEqual(world.routes, routes);
    assert.match(first.out, /^Done:\n(  .*\n)*  created 10\.42\.[0-9]+\.0\/24 in rtb-/m);
    assert.ok(world.mutations().includes('operator CreateRoute ok'));
    const second = await world.reconcile(`${vpc} --json`);
    const report = JSON.parse(second.out) as {
      readonly how: string;
      readonly calls: number;
      readonly routes: unknown[];
    };
    assert.deepEqual([second.exit, report.how, report.calls, report.routes.length], [0, 'done', 0, 2]);
    assert.deepEqual(world.mutations(), []);
    assert.equal((await world.records('audit')).length > 0, true);
  });

  it('takes the VPC and the region of its own machine, where it is told to be one', async () => {
    const { out, err, exit } = await world.reconcile('--cloud aws --dry-run', 'a1', { AWS_REGION: '' });
    assert.equal(exit, 0, err);
    assert.match(out, new RegExp(`${ids.tableA} +${VPC} `));
  });

  it('leaves an old black hole alone until a person says that it is to be taken over', async () => {
    const hole = parseSubnet('10.42.200.0/24');
    world.cloud.timeline.change((state) => {
      const table = state.tables.get(ids.tableA);
      assert.ok(table !== undefined);
      const target = { kind: 'interface', id: 'eni-0dead000000000000' } as const;
      const held = new Map(table.routes).set(hole, { destination: hole, origin: 'CreateRoute', target });
      return { ...state, tables: new Map(state.tables).set(ids.tableA, { ...table, routes: held }) };
    });
    const old = `${ids.tableA} ${hole} eni-0dead000000000000`;
    const left = await world.reconcile(vpc);
    assert.equal(left.exit, 0, left.out + left.err);
    assert.ok(world.routes.includes(old));
    const shown = await world.reconcile(`${vpc} --adopt --dry-run`);
    assert.match(shown.out, /10\.42\.200\.0\/24/);
    assert.ok(world.routes.includes(old));
    world.foreigners.vouch(ids.tableA, hole, 'eni-0dead000000000000');
    const taken = await world.reconcile(`${vpc} --adopt`);
    assert.equal(taken.exit, 0, taken.out + taken.err);
    assert.match(taken.out, /^ {2}removed 10\.42\.200\.0\/24 in rtb-/m);
    assert.deepEqual([world.routes, world.mutations()], [routes, ['operator DeleteRoute ok']]);
  });

  it('says what is missing, or contradicts itself, before it does anything', async () => {
    const none = await world.reconcile('', 'operator', { AWS_REGION: '' });
    assert.deepEqual(
      [none.exit, none.err.split('\n')[0]],
      [2, 'weftd: BAD_OPTION: no region is known: this is no machine of AWS, or is not told to be one'],
    );
    const elsewhere = await world.reconcile('--cloud aws --region eu-west-1', 'a1');
    assert.match(elsewhere.err, /the region is eu-west-1, and this machine's own VPC is in eu-central-1/);
    const unknown = await world.reconcile('--vpc vpc-0123456789abcdef0');
    assert.equal(unknown.exit, 1, unknown.out + unknown.err);
    assert.match(unknown.out + unknown.err, /vpc-0123456789abcdef0/);
    world.cloud.authorizer = ({ action }) => action !== 'DescribeRouteTables';
    const denied = await world.reconcile(vpc);
    world.cloud.authorizer = () => true;
    assert.deepEqual([denied.exit, /^weftd: CLOUD_DENIED: .*route tables/.test(denied.err)], [1, true], denied.err);
    assert.deepEqual(world.mutations(), []);
  });

  it('as a service leads alone, hands over when it is stopped or killed, and writes nothing when it goes on after that', async () => {
    const [one, two] = [world.service('one'), world.service('two')];
    await until('one of two leads', () => one.leads || two.leads);
    const [first, second] = one.leads ? [one, two] : [two, one];
    assert.equal(second.leads, false);

    await until('it makes a run', () => world.cloud.journal.entries.some(({ who }) => who === first.name));
    await betweenRuns();
    // Paused, as a machine that swaps, or a laptop whose lid is shut.
    first.child.kill('SIGSTOP');
    await until('the other takes over', () => second.leads);
    world.mutations();
    const late = await world.claim('a2', 'a', 'table-a');
    const route = `${ids.tableB} ${late.subnet.v4} ${ids.a2}`;
    await until('the other writes', () => world.routes.includes(route));
    first.child.kill('SIGCONT');
    await until('the first has seen that it leads no more', () => /leads no more/.test(first.said));
    const made = world.mutations();
    assert.ok(made.includes(`${second.name} CreateRoute ok`));
    assert.deepEqual(
      made.filter((call) => call.startsWith(`${first.name} `)),
      [],
    );

    await betweenRuns();
    second.child.kill('SIGKILL');
    const before = first.said.length;
    await until('the first takes over again', () => /this reconciler leads"/.test(first.said.slice(before)));
    world.cloud.timeline.change((state) => {
      const table = state.tables.get(ids.tableB);
      assert.ok(table !== undefined);
      const held = new Map(table.routes);
      held.delete(late.subnet.v4);
      return { ...state, tables: new Map(state.tables).set(ids.tableB, { ...table, routes: held }) };
    });
    first.child.kill('SIGHUP');
    await until('what another hand removed is put back', () => world.routes.includes(route));

    first.child.kill('SIGTERM');
    assert.equal(await first.ended, 0, first.said);
    assert.deepEqual(
      (await world.records('lock')).filter(({ key }) => key === 'service'),
      [],
      'whoever comes next need not wait',
    );
  });
});
