/** What a reconciler of a thousand nodes asks of AWS: how many calls it takes, and that nothing is missing. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { CloudInterface } from '../../src/contracts/cloud-inventory.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planned, type VpcPlan } from '../../src/lab/aws/account.ts';
import { fleetName } from '../../src/lab/aws/fleet.ts';
import { never, rejectsWith } from '../contract/store-world.ts';
import { ids, PLAN } from '../lab/aws/account-fixture.ts';
import { AwsAccount, NETWORK } from './aws-account.ts';

const signal = never();
const NODES = 1000;
const WIDE: VpcPlan = {
  name: 'wide',
  ranges: ['10.16.0.0/12'],
  tables: [{ name: 'wide-main' }, ...Array.from({ length: 119 }, (_, index) => ({ name: `wide-${index}` }))],
  subnets: [{ name: 'w', range: '10.16.0.0/20', zone: 'eu-central-1a', table: 'wide-0' }],
  groups: [],
  instances: [],
};
const names = Array.from({ length: NODES }, (_, index) => fleetName('n', index));

describe('bulk reads', () => {
  let account: AwsAccount;
  beforeEach(async () => {
    account = await AwsAccount.start({}, [PLAN, WIDE]);
    await account.account.control('POST', 'do', {
      op: 'add-instances',
      prefix: 'n',
      count: NODES,
      subnets: 'w',
      tag: 'weft:node=true',
      check: false,
    });
  });
  afterEach(() => account.close());
  const during = <T>(work: Promise<T>): Promise<T> => account.clock.during(work);
  /** "DescribeInstances ok" and how often. */
  const calls = (): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (const { action, outcome } of account.cloud.journal.entries) {
      counts[`${action} ${outcome}`] = (counts[`${action} ${outcome}`] ?? 0) + 1;
    }
    return counts;
  };

  it('a thousand instances and interfaces take five calls each, two hundred ids at a time, and each id is asked for once', async () => {
    const { inventory } = account.host();
    const wanted = [...names, ...names].map(planned.instance);
    const instances = await inventory.instances(wanted, signal);
    assert.equal(instances.size, NODES);
    for (const { state, network, tags } of instances.values())
      assert.deepEqual([state, network, tags.get('weft:node')], ['running', planned.vpc('wide'), 'true']);
    const interfaces = await inventory.interfaces(names.map(planned.interface), signal);
    assert.equal(interfaces.size, NODES);
    assert.deepEqual(calls(), { 'DescribeInstances ok': 5, 'DescribeNetworkInterfaces ok': 5 });
  });

  it('ids of another form are not asked for: in a filter they might stand for all', async () => {
    const { inventory } = account.host();
    const instances = await inventory.instances(['*', 'i-0*', planned.instance('a1')], signal);
    assert.deepEqual(
      [...instances].map(([id, { state }]) => [id, state]),
      [
        ['*', 'unknown'],
        ['i-0*', 'unknown'],
        [planned.instance('a1'), 'running'],
      ],
    );
    assert.equal((await inventory.interfaces(['eni-*', '*'], signal)).size, 0);
    assert.deepEqual(calls(), { 'DescribeInstances ok': 1 });
  });

  it('a hundred and twenty tables take two calls', async () => {
    const { network } = account.host();
    const tables = await network.tables({ network: planned.vpc('wide'), within: NETWORK }, signal);
    assert.equal(new Set(tables.map(({ id }) => id)).size, 120);
    assert.deepEqual(calls(), { 'DescribeRouteTables ok': 2 });
  });

  it('reads that others throttle are repeated until they pass, further apart each time', async () => {
    const { inventory } = account.host();
    account.cloud.faults.add({ kind: 'error', code: 'RequestLimitExceeded', action: 'DescribeInstances', times: 4 });
    const started = account.clock.now();
    const instances = await during(inventory.instances(names.map(planned.instance), signal));
    assert.equal([...instances.values()].filter(({ state }) => state === 'running').length, NODES);
    assert.deepEqual(calls(), { 'DescribeInstances RequestLimitExceeded': 4, 'DescribeInstances ok': 5 });
    assert.ok(account.clock.now() > started);
    account.cloud.faults.add({ kind: 'error', code: 'RequestLimitExceeded', action: 'DescribeInstances' });
    await rejectsWith('CLOUD_THROTTLED', during(inventory.instances([planned.instance('a1')], signal)));
  });

  it('an interface that was just read is let forward in one call, and one that does already in none', async () => {
    const { network } = account.host();
    const it: CloudInterface = {
      target: ids.a1,
      instance: planned.instance('a1'),
      network: planned.vpc('lab'),
      subnet: planned.subnet('a'),
      forwards: false,
    };
    await network.prepare(it, signal);
    assert.equal(account.cloud.state.interfaces.get(ids.a1)?.sourceDestCheck, false);
    await network.prepare({ ...it, forwards: true }, signal);
    assert.deepEqual(calls(), { 'ModifyNetworkInterfaceAttribute ok': 1 });
  });
});

describe('a look at a table that may be trusted', () => {
  let account: AwsAccount;
  beforeEach(async () => {
    account = await AwsAccount.start();
  });
  afterEach(() => account.close());
  const routes = Array.from({ length: 40 }, (_, index) => parseSubnet(`10.42.${index}.0/24`));
  const reads = (): number =>
    account.cloud.journal.entries.filter(({ action }) => action === 'DescribeRouteTables').length;

  it('forty routes are replaced and removed after one look, and what this process wrote is known', async () => {
    const { network } = account.host('a1', { lookMs: 5000 });
    for (const destination of routes) account.standing(ids.tableA, destination, ids.a1);
    await network.tables({ network: planned.vpc('lab'), within: NETWORK }, signal);
    for (const destination of routes.slice(0, 20)) {
      await network.putRoute(ids.tableA, { destination, target: ids.b1, live: true }, ids.a1, signal);
      await network.removeRoute(ids.tableA, destination, ids.b1, signal);
    }
    for (const destination of routes.slice(20)) await network.removeRoute(ids.tableA, destination, ids.a1, signal);
    assert.deepEqual([account.text(), reads()], [[], 1]);
  });

  it('an older one is not trusted: what another hand has put there meanwhile stays', async () => {
    const { network } = account.host('a1', { lookMs: 5000 });
    const [destination = parseSubnet('10.42.0.0/24')] = routes;
    account.standing(ids.tableA, destination, ids.a1);
    await network.tables({ network: planned.vpc('lab'), within: NETWORK }, signal);
    account.foreign(ids.tableA, destination, ids.b1);
    await account.clock.advance(5000);
    await rejectsWith('CLOUD_CONFLICT', network.removeRoute(ids.tableA, destination, ids.a1, signal));
    assert.deepEqual(account.text(), [`${ids.tableA} ${destination} ${ids.b1}`]);
  });

  it('is forgotten when a call went otherwise than it said', async () => {
    const { network } = account.host('a1', { lookMs: 5000 });
    const [destination = parseSubnet('10.42.0.0/24')] = routes;
    account.standing(ids.tableA, destination, ids.a1);
    await network.tables({ network: planned.vpc('lab'), within: NETWORK }, signal);
    await account.account.control('POST', 'do', { op: 'remove-route', table: 'table-a', destination });
    const to = { destination, target: ids.b1, live: true };
    await rejectsWith('CLOUD_CONFLICT', network.putRoute(ids.tableA, to, ids.a1, signal));
    await network.putRoute(ids.tableA, to, undefined, signal);
    assert.deepEqual(account.text(), [`${ids.tableA} ${destination} ${ids.b1}`]);
  });
});
