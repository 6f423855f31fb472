/** What EC2 and the metadata server can do to a running host, in their own words by the real SDK: each a code and a message, never an end. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ids } from '../lab/aws/account-fixture.ts';
import type { HostLimits } from '../providers/aws-account.ts';
import { AwsKeeperWorld } from './aws-keeper-world.ts';

const MINUTE = 60_000;

/** CLOUD.md 1.3, every code, and what becomes of it when CreateRoute is answered so. */
const CODES = {
  RouteLimitExceeded: 'ROUTE_TABLE_FULL',
  ResourceCountLimitExceeded: 'ROUTE_TABLE_FULL',
  RouteTableLimitExceeded: 'ROUTE_TABLE_FULL',
  'InvalidRoute.NotFound': 'CLOUD_NOT_FOUND',
  'InvalidRouteTableID.NotFound': 'CLOUD_NOT_FOUND',
  'InvalidRouteTableId.Malformed': 'CLOUD_NOT_FOUND',
  'InvalidNetworkInterfaceID.NotFound': 'CLOUD_NOT_FOUND',
  InvalidInstanceID: 'CLOUD_NOT_FOUND',
  'InvalidInstanceID.NotFound': 'CLOUD_NOT_FOUND',
  InvalidParameterValue: 'CLOUD_REFUSED',
  InvalidParameterCombination: 'CLOUD_REFUSED',
  IncorrectState: 'CLOUD_REFUSED',
  DependencyViolation: 'CLOUD_REFUSED',
  UnauthorizedOperation: 'CLOUD_DENIED',
  AuthFailure: 'CLOUD_DENIED',
  RequestExpired: 'CLOUD_DENIED',
  RequestLimitExceeded: 'CLOUD_THROTTLED',
  InternalError: 'CLOUD_UNREACHABLE',
  Unavailable: 'CLOUD_UNREACHABLE',
} as const;
const STATUS: Readonly<Record<string, number>> = { RequestLimitExceeded: 503, InternalError: 500, Unavailable: 503 };

describe('a host whose cloud is in trouble', () => {
  let world: AwsKeeperWorld;
  beforeEach(async () => {
    world = await AwsKeeperWorld.start();
  });
  afterEach(() => world.end());
  /** Where an answer never comes it is waited for less long. */
  const hasty = async (limits: HostLimits): Promise<void> => {
    await world.end();
    world = await AwsKeeperWorld.start(limits);
  };
  const operate = (op: string, order: object = {}): Promise<unknown> =>
    world.account.account.control('POST', 'do', { op, ...order });
  const mutations = (): string[] => world.calls().filter((call) => /^(Create|Replace|Delete|Modify)/.test(call));
  const STANDS = [`${ids.tableB} 10.42.1.0/24 ${ids.a1}`];

  for (const [name, code] of Object.entries(CODES)) {
    it(`${name} is ${code}: told with AWS's words, and over when it is over`, async () => {
      const status = STATUS[name] ?? 400;
      world.account.cloud.faults.add({ kind: 'error', action: 'CreateRoute', code: name, message: 'said AWS', status });
      world.run();
      await world.pass(5 * MINUTE);
      const [message = '', ...more] = world.messages;
      assert.deepEqual(more, []);
      assert.ok(message.startsWith(`${code} no cloud route 10.42.1.0/24 in ${ids.tableB}: cannot write`), message);
      assert.ok(message.includes(`: ${name}: said AWS`), message);
      assert.deepEqual(world.account.text(), []);
      world.account.cloud.faults.clear();
      await world.pass(20 * MINUTE);
      assert.deepEqual([world.messages, world.account.text()], [[], STANDS]);
    });
  }

  it('our own route, made by a call that nobody remembers, is adopted without a call', async () => {
    const [own] = world.leases;
    assert.ok(own !== undefined);
    world.account.standing(ids.tableB, own.subnet.v4, ids.a1);
    world.run();
    await world.pass(MINUTE);
    assert.deepEqual([world.messages, world.account.text()], [[], STANDS]);
    assert.deepEqual(mutations(), ['ModifyNetworkInterfaceAttribute ok']);
  });

  for (const kind of ['reset-after', 'cut', 'garbage', 'silence'] as const)
    it(`a creation that took effect and has no answer (${kind}) is adopted, and not repeated`, async () => {
      if (kind === 'silence') await hasty({ requestTimeoutMs: 3000 });
      world.account.cloud.faults.add({ kind, action: 'CreateRoute', times: 1 });
      world.run();
      await world.pass(MINUTE);
      assert.deepEqual([world.messages, world.account.text()], [[], STANDS]);
      assert.deepEqual(mutations(), ['ModifyNetworkInterfaceAttribute ok', 'CreateRoute ok']);
    });

  it('credentials that expire are told; with new ones all goes on, and what stood stands', async () => {
    world.run();
    await world.pass(MINUTE);
    const { config } = world.host.connection.client;
    const good = config.credentials;
    const { credential } = world.account.cloud.credentials.ofInstance('a1', 'weft-node', 60_000);
    config.credentials = async () => ({
      accessKeyId: credential.id,
      secretAccessKey: credential.secret,
      sessionToken: credential.token ?? '',
    });
    await world.pass(20 * MINUTE);
    assert.deepEqual(
      world.messages.map((message) => message.split(' ')[0]),
      ['CLOUD_DENIED', 'CLOUD_DENIED'],
    );
    assert.match(world.messages.join(), /RequestExpired|ExpiredToken|AuthFailure/);
    assert.deepEqual([world.keeper.facts?.table, world.account.text()], [ids.tableA, STANDS]);
    config.credentials = good;
    await world.pass(20 * MINUTE);
    assert.deepEqual(world.messages, []);
  });

  it('a source/destination check that another hand switches on again is off after the next look', async () => {
    world.run();
    await world.pass(MINUTE);
    world.calls();
    await operate('check', { instance: 'a1', on: true });
    await world.pass(20 * MINUTE);
    assert.deepEqual(mutations(), ['ModifyNetworkInterfaceAttribute ok']);
    assert.equal(world.account.cloud.state.interfaces.get(ids.a1)?.sourceDestCheck, false);
  });

  it('a table of senders that vanishes is forgotten, and for the own one the main table serves', async () => {
    world.run();
    await world.pass(MINUTE);
    world.calls();
    await operate('lose-table', { table: 'table-b' });
    await operate('lose-table', { table: 'table-a' });
    await world.pass(20 * MINUTE);
    assert.deepEqual([world.messages, mutations(), world.keeper.facts?.table], [[], [], ids.main]);
    assert.equal((await world.records.list('ledger', new AbortController().signal)).records.size, 0);
  });

  it('no table at all is told, and the tunnel has the reason', async () => {
    for (const table of ['table-a', 'main']) await operate('lose-table', { table });
    world.run();
    await world.pass(MINUTE);
    const [message = ''] = world.messages;
    assert.match(message, /^CLOUD_NOT_FOUND no route table serves subnet-\w+, and vpc-\w+ shows no main one$/);
    assert.equal(`CLOUD_NOT_FOUND ${world.keeper.facts?.trouble}`, message);
  });

  it('tables are named as one id, as a list, or by a tag; a gateway table is none', async () => {
    const named = (routeTables: object): object => ({ Weft: { AWS: routeTables } });
    const base = { ...world.config };
    world.run();
    for (const [config, told] of [
      [named({ RouteTableID: ids.tableB }), [`uses route table ${ids.tableA}, which the network config does not name`]],
      [named({ RouteTableID: [ids.tableA, ids.tableB] }), []],
      [named({ RouteTableID: [ids.tableA, ids.tableB, ids.edge] }), [`there is no route table ${ids.edge} in vpc-`]],
      [
        named({ RouteTableTag: 'weft:managed=no' }),
        [`uses route table ${ids.tableA}, which does not carry the tag weft:managed=no`],
      ],
      [named({ RouteTableTag: 'weft:managed=true' }), []],
      [named({ RouteTableTag: 'weft:managed' }), []],
    ] as const) {
      world.config = { ...base, ...config };
      world.keeper.wake();
      await world.pass(MINUTE);
      assert.equal(world.messages.length, told.length, world.messages.join());
      for (const words of told) assert.ok(world.messages.join().includes(words), world.messages.join());
    }
  });

  for (const kind of ['absent', 'silent', 'garbage', 'token-refused'] as const)
    it(`a metadata server that turns ${kind} while it runs takes nothing away`, async () => {
      if (kind === 'silent') await hasty({ metadataTimeoutMs: 500 });
      world.run();
      await world.pass(MINUTE);
      const before = world.keeper.facts;
      await operate('metadata', { kind });
      await world.pass(20 * MINUTE);
      assert.deepEqual([world.keeper.facts?.identity, world.keeper.facts?.table], [before?.identity, before?.table]);
      assert.deepEqual([world.messages, world.account.text()], [[], STANDS]);
    });
});
