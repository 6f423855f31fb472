import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { CloudInventory } from '../../src/contracts/cloud-inventory.ts';
import type { CallFault } from '../../src/lab/aws/call-faults.ts';
import { never, rejectsWith } from '../contract/store-world.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { AwsAccount } from './aws-account.ts';

const MINUTE = 60_000;

describe('the quota of routes in a table', () => {
  let account: AwsAccount;
  let inventory: CloudInventory;
  beforeEach(async () => {
    account = await AwsAccount.start({ routeQuota: 1000 });
    inventory = account.host().inventory;
  });
  afterEach(() => account.close());
  const read = async (table = ids.tableA): Promise<string> => {
    const { limit, source } = await account.clock.during(inventory.routeQuota(table, never()));
    return `${limit} ${source}`;
  };
  const calls = (): number => account.cloud.journal.entries.length;
  const failing = (fault: CallFault): void => account.cloud.faults.add({ ...fault, action: 'GetServiceQuota' });
  const raise = (routeQuota: number) => account.account.control('PUT', 'settings', { routeQuota });

  it('is asked for once in ten minutes, for all tables', async () => {
    assert.deepEqual([await read(), await read(ids.tableB)], ['1000 live', '1000 live']);
    await raise(700);
    await account.clock.advance(10 * MINUTE - 1);
    assert.deepEqual([await read(), calls()], ['1000 live', 1]);
    await account.clock.advance(1);
    assert.deepEqual([await read(), calls()], ['700 live', 2]);
  });

  it('is the published one where it may not be read, or the service does not know it; after a minute it is asked for again', async () => {
    failing({ kind: 'error', code: 'AccessDeniedException', times: 1 });
    assert.equal(await read(), '500 default');
    assert.deepEqual([await read(), calls()], ['500 default', 1]);
    failing({ kind: 'error', code: 'NoSuchResourceException', times: 1 });
    await account.clock.advance(MINUTE);
    assert.equal(await read(), '500 default');
    await account.clock.advance(MINUTE);
    assert.deepEqual([await read(), calls()], ['1000 live', 3]);
  });

  it('stands as it was read last while the service cannot be reached, but not for one who may not know it any more', async () => {
    await read();
    await account.clock.advance(10 * MINUTE);
    failing({ kind: 'reset-before', times: 3 });
    assert.equal(await read(), '1000 live');
    await account.clock.advance(MINUTE);
    failing({ kind: 'error', code: 'TooManyRequestsException', times: 5 });
    assert.equal(await read(), '1000 live');
    await account.clock.advance(MINUTE);
    failing({ kind: 'error', code: 'AccessDeniedException', times: 1 });
    assert.equal(await read(), '500 default');
  });

  it('is the published one when the service was never reached, and when what it says is no quota', async () => {
    failing({ kind: 'reset-before', times: 3 });
    assert.equal(await read(), '500 default');
    await account.clock.advance(MINUTE);
    failing({ kind: 'garbage', times: 3 });
    assert.equal(await read(), '500 default');
    assert.equal(calls(), 6);
    await rejectsWith('ABORTED', account.host().inventory.routeQuota(ids.tableA, AbortSignal.abort()));
  });
});
