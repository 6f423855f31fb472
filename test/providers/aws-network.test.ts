import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { tableOf } from '../../src/core/cloud-route.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { never, rejectsWith } from '../contract/store-world.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { AwsAccount, NETWORK, type AwsHost } from './aws-account.ts';

const signal = never();
const destination = parseSubnet('10.42.7.0/24');
const MINE = { destination, target: ids.a1, live: true };
const STANDS = [`${ids.tableA} 10.42.7.0/24 ${ids.a1}`];
const vpc = planned.vpc('lab');

describe('route tables of a VPC', () => {
  let account: AwsAccount;
  let host: AwsHost;
  beforeEach(async () => {
    account = await AwsAccount.start();
    host = account.host('a1');
  });
  afterEach(() => account.close());
  /** One that waits less long, where there is nothing to wait for. */
  const meeting = (kind: string): void => {
    if (kind === 'silence') host = account.host('a1', { requestTimeoutMs: 600 });
  };
  const during = <T>(work: Promise<T>): Promise<T> => account.clock.during(work);
  const put = (expected?: string): Promise<void> => during(host.network.putRoute(ids.tableA, MINE, expected, signal));
  const tables = () => during(host.network.tables({ network: vpc, within: NETWORK }, signal));

  it('leaves gateway tables out, and finds the main one for subnets that none names', async () => {
    const found = await tables();
    assert.deepEqual(found.map(({ id }) => id).toSorted(), [ids.main, ids.tableA, ids.tableB].toSorted());
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => tableOf(found, planned.subnet(name))?.id),
      [ids.tableA, ids.tableB, ids.main],
    );
    assert.equal(found.find(({ id }) => id === ids.tableA)?.tags.get('weft:managed'), 'true');
  });

  it('sees another main table, and another association, at the next look', async () => {
    await account.account.control('POST', 'do', { op: 'set-main', table: 'table-b' });
    await account.account.control('POST', 'do', { op: 'associate', subnet: 'a', table: 'main' });
    const found = await tables();
    assert.deepEqual(
      [tableOf(found, planned.subnet('c'))?.id, tableOf(found, planned.subnet('a'))?.id],
      [ids.tableB, ids.main],
    );
  });

  for (const kind of ['reset-after', 'cut', 'garbage', 'silence'] as const) {
    it(`a creation that took effect and whose answer is lost (${kind}) is seen to stand, and made once`, async () => {
      meeting(kind);
      account.cloud.faults.add({ kind, action: 'CreateRoute', times: 1 });
      await put();
      assert.deepEqual([account.text(), account.mutations().length], [STANDS, 1]);
    });
    it(`a replacement whose answer is lost (${kind}) has taken place`, async () => {
      meeting(kind);
      account.standing(ids.tableA, destination, ids.b1);
      account.cloud.faults.add({ kind, action: 'ReplaceRoute', times: 1 });
      await put(ids.b1);
      assert.deepEqual([account.text(), account.mutations().length], [STANDS, 1]);
    });
    it(`a look whose answer is lost (${kind}) is repeated, and given up after three`, async () => {
      meeting(kind);
      account.cloud.faults.add({ kind, action: 'DescribeRouteTables', times: 2 });
      assert.equal((await tables()).length, 3);
      account.cloud.faults.add({ kind, action: 'DescribeRouteTables' });
      await rejectsWith('CLOUD_UNREACHABLE', tables());
    });
  }

  it('the route that was to be replaced is gone when the call comes: a conflict, and nothing is written', async () => {
    account.standing(ids.tableA, destination, ids.b1);
    host.connection.client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'ReplaceRouteCommand') {
          account.cloud.timeline.change((state) => {
            const tables = new Map(state.tables);
            const table = tables.get(ids.tableA);
            if (table !== undefined) tables.set(ids.tableA, { ...table, routes: new Map() });
            return { ...state, tables };
          });
        }
        return next(args);
      },
      { step: 'build' },
    );
    await rejectsWith('CLOUD_CONFLICT', put(ids.b1));
    assert.deepEqual([account.text(), account.mutations()], [[], ['ReplaceRoute InvalidParameterValue']]);
  });

  it('a route that stands and does not show yet is no conflict, and is not called for again: a look tells whose it is', async () => {
    account.cloud.settings = { ...account.cloud.settings, visibilityMs: 60_000 };
    await put();
    await put();
    assert.deepEqual(account.mutations(), ['CreateRoute ok', 'CreateRoute RouteAlreadyExists']);
    await account.clock.advance(60_000);
    await put();
    assert.deepEqual(account.text(), STANDS);
  });

  it('source/destination check: late to show is waited for; denied says so', async () => {
    account.cloud.settings = { ...account.cloud.settings, visibilityMs: 300 };
    await during(host.network.prepare(ids.a1, signal));
    assert.deepEqual(account.mutations(), ['ModifyNetworkInterfaceAttribute ok']);
    await account.account.control('POST', 'rules', [{ effect: 'deny', action: 'ModifyNetworkInterfaceAttribute' }]);
    await rejectsWith('CLOUD_DENIED', during(host.network.prepare(ids.a2, signal)));
    await rejectsWith('CLOUD_NOT_FOUND', during(host.network.prepare(planned.interface('nobody'), signal)));
  });

  it('credentials that have expired are CLOUD_DENIED', async () => {
    const { credential } = account.cloud.credentials.ofInstance('a1', 'weft-node', 60_000);
    host.connection.client.config.credentials = async () => ({
      accessKeyId: credential.id,
      secretAccessKey: credential.secret,
      sessionToken: credential.token ?? '',
    });
    await tables();
    await account.clock.advance(120_000);
    await rejectsWith('CLOUD_DENIED', tables());
  });

  it('knows states of instances and interfaces; one that the cloud does not name is unknown', async () => {
    const [a1, b1, nobody] = ['a1', 'b1', 'nobody'].map(planned.instance);
    await account.account.control('POST', 'do', { op: 'terminate', instance: 'b1' });
    await account.clock.advance(60_000);
    const states = await during(host.inventory.instances([a1 ?? '', b1 ?? '', nobody ?? ''], signal));
    assert.deepEqual(
      [a1, b1, nobody].map((id) => states.get(id ?? '')?.state),
      ['running', 'terminated', 'unknown'],
    );
    const interfaces = await during(host.inventory.interfaces([ids.a1, planned.interface('nobody')], signal));
    assert.deepEqual(
      [...interfaces.values()],
      [{ target: ids.a1, instance: a1, network: vpc, subnet: planned.subnet('a'), forwards: false }],
    );
  });
});
