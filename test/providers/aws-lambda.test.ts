/** AWS where there is no metadata server: region and credentials from the environment, and no question to anybody else. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import type { AwsApi } from '../../providers/aws/aws-api.ts';
import { openAwsApi } from '../../providers/aws/open-aws.ts';
import { parseAddress } from '../../src/core/address.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { SystemClock } from '../../src/system/system-clock.ts';
import { never, rejectsWith } from '../contract/store-world.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { AccountFixture, ids, REGION } from '../lab/aws/account-fixture.ts';
import { NETWORK } from './aws-account.ts';

const signal = never();

describe('AWS from within a Lambda', () => {
  const standing = { ...process.env };
  let account: AccountFixture;
  let metadata: Server;
  let asked: string[];
  let opened: AwsApi | undefined;
  before(async () => {
    // Signatures are made by the time of day.
    account = await AccountFixture.start({}, undefined, new ManualClock(0, Date.now()));
    metadata = createServer((request, response) => {
      asked.push(String(request.url));
      response.end();
    });
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    metadata.closeAllConnections();
    metadata.close();
    await account.close();
  });
  afterEach(() => {
    opened?.close();
    process.env = { ...standing };
  });

  const open = (environment: Readonly<Record<string, string>>): AwsApi => {
    asked = [];
    const { port } = metadata.address() as AddressInfo;
    process.env = {
      PATH: standing['PATH'],
      // What would lead there, if anything did.
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}`,
      AWS_DEFAULTS_MODE: 'auto',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_ENDPOINT_URL: account.url,
      ...environment,
    };
    const seams = { clock: new SystemClock(), random: new SeededRandom(1) };
    opened = openAwsApi({ ...seams, credentials: 'environment' });
    return opened;
  };
  const signing = (): Readonly<Record<string, string>> => {
    const { credential } = account.cloud.credentials.ofInstance('reconciler', 'weft-reconciler', 3_600_000);
    const { id, secret, token = '' } = credential;
    return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token };
  };

  it('all three services answer at one endpoint, and no metadata server is asked', async () => {
    const { network, inventory } = open({ ...signing(), AWS_REGION: REGION });
    const tables = await network.tables({ network: planned.vpc('lab'), within: NETWORK }, signal);
    assert.equal(tables.length, 3);
    assert.deepEqual(await inventory.routeQuota(ids.tableA, signal), { limit: 500, source: 'live' });
    const over = { group: 'nodes', hook: 'drain', instance: planned.instance('a1'), token: 'x'.repeat(36) };
    await inventory.completeLifecycle(over, signal);
    assert.deepEqual(
      account.cloud.journal.entries.map(({ who, service, action }) => `${who} ${service} ${action}`),
      [
        'reconciler ec2 DescribeRouteTables',
        'reconciler servicequotas GetServiceQuota',
        'reconciler autoscaling CompleteLifecycleAction',
      ],
    );
    assert.deepEqual(asked, []);
  });

  it('without credentials in the environment it says so at once, and asks nobody for others', async () => {
    const { network } = open({ AWS_REGION: REGION });
    await rejectsWith('CLOUD_DENIED', network.tables({ network: planned.vpc('lab'), within: NETWORK }, signal));
    assert.deepEqual(asked, []);
  });

  it('without a region it does not start, and it is nobody’s instance', async () => {
    assert.throws(() => open({}), /no region is named/);
    const { network } = open({ AWS_DEFAULT_REGION: REGION });
    await rejectsWith('CLOUD_NOT_FOUND', network.identify(parseAddress('10.0.1.11'), signal));
    assert.deepEqual(asked, []);
  });
});
