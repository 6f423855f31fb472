import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect } from '../../providers/dynamodb/client.ts';
import { regionOr } from '../../providers/dynamodb/machine-region.ts';
import { WeftError } from '../../src/core/errors.ts';
import { never, rejectsWith } from '../contract/store-world.ts';
import { REGION } from '../lab/aws/account-fixture.ts';
import { AwsAccount } from './aws-account.ts';

const missing = async (): Promise<string> => {
  throw new Error('Region is missing');
};

describe('the region of a store whose URL names none', () => {
  it('is what variables and profiles say, and the machine is not asked', async () => {
    const region = regionOr(
      async () => 'eu-west-1',
      () => assert.fail('asked'),
    );
    assert.equal(await region(), 'eu-west-1');
  });

  it('is the machine\u2019s own where they say none, and is asked for once', async () => {
    let asked = 0;
    const region = regionOr(missing, async () => `eu-west-${(asked += 1)}`);
    assert.deepEqual([await region(), await region()], ['eu-west-1', 'eu-west-1']);
  });

  it('is missing on a machine that cannot say it', async () => {
    await assert.rejects(regionOr(missing, async () => undefined)(), /Region is missing/);
  });

  it('while the machine cannot be asked, is a store that is away, and comes by itself', async () => {
    const answers = [new WeftError('CLOUD_UNREACHABLE', 'the metadata server is late'), 'eu-west-1'];
    const region = regionOr(missing, async () => {
      const answer = answers.shift();
      if (typeof answer !== 'string') throw answer ?? new Error('asked too often');
      return answer;
    });
    const { message } = await rejectsWith('STORE_UNREACHABLE', region());
    assert.match(message, /the metadata server is late/);
    assert.equal(await region(), 'eu-west-1');
  });
});

describe('a DynamoDB client on an instance without a word about regions', () => {
  const SILENT = { AWS_REGION: '', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
  const saved: Record<string, string | undefined> = {};
  let account: AwsAccount;
  before(async () => {
    for (const [name, value] of Object.entries(SILENT)) {
      saved[name] = process.env[name];
      process.env[name] = value;
    }
    account = await AwsAccount.start();
  });
  after(async () => {
    for (const [name, value] of Object.entries(saved)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await account.close();
  });

  it('takes that of the metadata server', async () => {
    const { imds } = account.host('a1');
    const connection = connect({ machineRegion: () => imds.regionNow(never()) });
    assert.equal(await connection.client.config.region(), REGION);
    connection.close();
  });

  it('takes that of its variables before', async () => {
    process.env['AWS_REGION'] = 'eu-west-3';
    const connection = connect({ machineRegion: async () => assert.fail('asked') });
    assert.equal(await connection.client.config.region(), 'eu-west-3');
    connection.close();
    process.env['AWS_REGION'] = '';
  });
});
