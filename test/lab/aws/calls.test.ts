import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  CreateRouteCommand,
  DescribeAccountAttributesCommand,
  DescribeInstancesCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  EC2Client,
  ModifyNetworkInterfaceAttributeCommand,
  type Filter,
} from '@aws-sdk/client-ec2';
import { planned } from '../../../src/lab/aws/account.ts';
import { describeEntry } from '../../../src/lab/aws/journal.ts';
import { AccountFixture, ids, outcome, REGION } from './account-fixture.ts';

const MINUTE = 60_000;

describe('calls of the emulated EC2', () => {
  let account: AccountFixture;
  beforeEach(async () => {
    account = await AccountFixture.start();
  });
  afterEach(() => account.close());

  const createRoute = (number: number, dry = false): CreateRouteCommand =>
    new CreateRouteCommand({
      RouteTableId: ids.tableA,
      DestinationCidrBlock: `10.42.${number}.0/24`,
      NetworkInterfaceId: ids.a1,
      DryRun: dry,
    });
  const routes = async (client: EC2Client): Promise<number> => {
    const { RouteTables } = await client.send(new DescribeRouteTablesCommand({ RouteTableIds: [ids.tableA] }));
    return RouteTables?.[0]?.Routes?.length ?? 0;
  };
  /** How many of so many calls at one instant are let through, and what the others hear. */
  const burst = async (times: number, call: () => Promise<unknown>): Promise<readonly [number, ...string[]]> => {
    const outcomes = await Promise.all(Array.from({ length: times }, () => outcome(call())));
    const passed = outcomes.filter((it) => it !== 'RequestLimitExceeded');
    return [passed.length, ...new Set(outcomes.filter((it) => it === 'RequestLimitExceeded'))];
  };

  describe('throttling', () => {
    it('CLOUD 1.4: CreateRoute has a burst of 50 and 5 a second, of the whole account', async () => {
      const [a1, b1] = [account.client('a1'), account.client('b1')];
      assert.deepEqual(await burst(49, () => a1.send(createRoute(1))), [49]);
      assert.deepEqual(await burst(5, () => b1.send(createRoute(2))), [1, 'RequestLimitExceeded']);
      await account.clock.advance(1000);
      assert.deepEqual(await burst(9, () => b1.send(createRoute(3))), [5, 'RequestLimitExceeded']);
    });

    it('CLOUD 1.4: DescribeRouteTables has a burst of 100 and 20 a second', async () => {
      const client = account.client();
      const call = (): Promise<unknown> => client.send(new DescribeRouteTablesCommand({}));
      assert.deepEqual(await burst(105, call), [100, 'RequestLimitExceeded']);
      await account.clock.advance(500);
      assert.deepEqual(await burst(15, call), [10, 'RequestLimitExceeded']);
    });

    it('CLOUD 1.4: reads without filter and paging have a smaller bucket of their own', async () => {
      const client = account.client();
      const Filters: Filter[] = [{ Name: 'vpc-id', Values: [planned.vpc('lab')] }];
      const reads: readonly ((wish: { readonly Filters?: Filter[] }) => Promise<unknown>)[] = [
        (wish) => client.send(new DescribeInstancesCommand(wish)),
        (wish) => client.send(new DescribeNetworkInterfacesCommand(wish)),
      ];
      for (const read of reads) {
        assert.deepEqual(await burst(55, () => read({})), [50, 'RequestLimitExceeded']);
        assert.deepEqual(await burst(60, () => read({ Filters })), [60]);
      }
    });

    it('CLOUD 1.4: ModifyNetworkInterfaceAttribute has a burst of 100', async () => {
      const client = account.client();
      const change = { NetworkInterfaceId: ids.a1, SourceDestCheck: { Value: false } };
      const call = (): Promise<unknown> => client.send(new ModifyNetworkInterfaceAttributeCommand(change));
      assert.deepEqual(await burst(103, call), [100, 'RequestLimitExceeded']);
    });
  });

  describe('signatures', () => {
    it('refuses a key that it does not know and a secret that is not the key’s', async () => {
      const wrong = account.client('a1', { secret: 'guessed' });
      assert.equal(await outcome(wrong.send(createRoute(1))), 'SignatureDoesNotMatch');
      const stranger = new EC2Client({
        endpoint: account.url,
        region: REGION,
        credentials: { accessKeyId: 'AKIASTRANGER', secretAccessKey: 'x' },
        maxAttempts: 1,
      });
      assert.equal(await outcome(stranger.send(createRoute(1))), 'AuthFailure');
      stranger.destroy();
      assert.deepEqual(
        account.cloud.journal.entries.map(({ who, effect }) => [who, effect]),
        [
          [undefined, false],
          [undefined, false],
        ],
      );
    });

    it('refuses one that is older than the window, without effect, and one from the future', async () => {
      const minutes = (count: number): EC2Client => account.client('a1', { skewMs: count * MINUTE });
      assert.equal(await outcome(minutes(-4).send(createRoute(1))), 'ok');
      assert.equal(await outcome(minutes(-6).send(createRoute(2))), 'RequestExpired');
      assert.equal(await outcome(minutes(6).send(createRoute(3))), 'RequestExpired');
      await account.control('PUT', 'settings', { signatureWindowMs: 15 * MINUTE });
      assert.equal(await outcome(minutes(-6).send(createRoute(4))), 'ok');
    });

    it('counts the age by the account’s own clock, which may be set off', async () => {
      await account.control('PUT', 'settings', { clockOffsetMs: 10 * MINUTE });
      assert.equal(await outcome(account.client().send(createRoute(1))), 'RequestExpired');
      // The SDK takes the time of the answer and tries again.
      assert.equal(await outcome(account.client('a1', { attempts: 2 }).send(createRoute(1))), 'ok');
    });
  });

  describe('permissions', () => {
    it('CLOUD 1.3: DryRun answers DryRunOperation when permitted and UnauthorizedOperation when not, and does nothing', async () => {
      await account.control('POST', 'rules', [{ effect: 'deny', who: 'a1', action: 'CreateRoute' }]);
      assert.equal(await outcome(account.client('a1').send(createRoute(1, true))), 'UnauthorizedOperation');
      assert.equal(await outcome(account.client('b1').send(createRoute(1, true))), 'DryRunOperation');
      assert.equal(await routes(account.client()), 2);
      assert.equal(await outcome(account.client('a1').send(createRoute(1))), 'UnauthorizedOperation');
      assert.equal(await outcome(account.client('b1').send(createRoute(1))), 'ok');
    });

    it('lets a caller for whom something is allowed do that alone', async () => {
      await account.control('POST', 'rules', [{ effect: 'allow', who: 'a1', action: 'Describe*' }]);
      assert.equal(await routes(account.client('a1')), 2);
      assert.equal(await outcome(account.client('a1').send(createRoute(1))), 'UnauthorizedOperation');
      assert.equal(await outcome(account.client('b1').send(createRoute(1))), 'ok');
    });
  });

  it('CLOUD 1.3: a write shows late, though a second one already meets it', async () => {
    await account.control('PUT', 'settings', { visibilityMs: 3000 });
    await account.client().send(createRoute(1));
    assert.equal(await routes(account.client()), 2);
    assert.equal(await outcome(account.client().send(createRoute(1))), 'RouteAlreadyExists');
    await account.clock.advance(2999);
    assert.equal(await routes(account.client()), 2);
    await account.clock.advance(1);
    assert.equal(await routes(account.client()), 3);
  });

  describe('faults', () => {
    const fault = async (wish: object): Promise<void> => {
      await account.control('POST', 'faults', { action: 'CreateRoute', times: 1, ...wish });
    };
    const standing = (): number => account.cloud.state.tables.get(ids.tableA)?.routes.size ?? 0;

    it('may break the connection before the call takes effect, or after it', async () => {
      await fault({ kind: 'reset-before' });
      assert.notEqual(await outcome(account.client().send(createRoute(1))), 'ok');
      assert.equal(standing(), 2);
      await fault({ kind: 'reset-after' });
      assert.notEqual(await outcome(account.client().send(createRoute(1))), 'ok');
      assert.equal(standing(), 3);
    });

    it('may cut the answer in the middle, or answer something that is no XML', async () => {
      await fault({ kind: 'cut' });
      assert.notEqual(await outcome(account.client().send(createRoute(1))), 'ok');
      await fault({ kind: 'garbage' });
      await outcome(account.client().send(createRoute(2)));
      assert.equal(standing(), 4);
    });

    it('may say nothing until the caller gives up, though the call took effect', async () => {
      await fault({ kind: 'silence' });
      const giveUp = new AbortController();
      const call = account.client().send(createRoute(1), { abortSignal: giveUp.signal });
      while (standing() === 2) await new Promise((resolve) => setImmediate(resolve));
      giveUp.abort();
      assert.equal(await outcome(call), 'AbortError');
    });

    it('may hold a call back for a while', async () => {
      await fault({ kind: 'delay', ms: 700 });
      const call = account.client().send(createRoute(1));
      await account.clock.untilAsleep();
      assert.equal(standing(), 2);
      await account.clock.advance(700);
      assert.equal(await outcome(call), 'ok');
    });

    it('may answer any error, for one caller alone, as often as asked', async () => {
      await fault({ kind: 'error', code: 'InternalError', who: 'b1', times: 2 });
      const codes = [];
      for (const [number, who] of ['a1', 'b1', 'b1', 'b1'].entries()) {
        codes.push(await outcome(account.client(who).send(createRoute(number))));
      }
      assert.deepEqual(codes, ['ok', 'InternalError', 'InternalError', 'ok']);
    });

    it('refuses faults and settings that it does not know', async () => {
      const bad = await account.control('POST', 'faults', { kind: 'earthquake' });
      assert.match(JSON.stringify(bad), /no fault \\"earthquake\\"/);
      const setting = await account.control('PUT', 'settings', { visibility: 3 });
      assert.match(JSON.stringify(setting), /no setting \\"visibility\\"/);
    });
  });

  it('keeps a journal of who called what, and what came of it', async () => {
    await account.client('a1').send(createRoute(1));
    await outcome(account.client('b1').send(createRoute(1)));
    await outcome(account.client('b1').send(createRoute(2, true)));
    const wished = (dry: boolean, number: number): string =>
      `RouteTableId=${ids.tableA} DryRun=${dry} DestinationCidrBlock=10.42.${number}.0/24 NetworkInterfaceId=${ids.a1}`;
    assert.deepEqual(account.cloud.journal.entries.map(describeEntry), [
      `2026-01-01T00:00:00.000Z a1 CreateRoute ${wished(false, 1)} -> ok`,
      `2026-01-01T00:00:00.000Z b1 CreateRoute ${wished(false, 1)} -> RouteAlreadyExists`,
      `2026-01-01T00:00:00.000Z b1 CreateRoute ${wished(true, 2)} -> DryRunOperation (dry run)`,
    ]);
    assert.deepEqual(await account.control('GET', 'counts'), {
      a1: { total: 1, mutating: 1 },
      b1: { total: 2, mutating: 1 },
    });
  });

  it('answers an action that it does not know as AWS does', async () => {
    assert.equal(await outcome(account.client().send(new DescribeAccountAttributesCommand({}))), 'InvalidAction');
  });
});
