/** The emulated EC2 as people meet it who have no SDK at hand: through Amazon's own command line. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { AccountFixture, ids, REGION } from './account-fixture.ts';

const run = promisify(execFile);

/** Root has it: setup.mjs installs it. */
const lacking = process.getuid?.() !== 0 && spawnSync('aws', ['--version']).error !== undefined;

describe('the emulated EC2 and the AWS CLI', { skip: lacking && 'aws is not installed (Debian: awscli)' }, () => {
  let account: AccountFixture;
  let key: { readonly id: string; readonly secret: string };
  before(async () => {
    // The command line signs with the time of day.
    account = await AccountFixture.start({}, undefined, new ManualClock(0, Date.now()));
    key = account.cloud.credentials.add('operator');
  });
  after(() => account.close());

  /** What it prints, or the last line of what it complains about. */
  const aws = async (...words: readonly string[]): Promise<string> => {
    const env = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      AWS_ACCESS_KEY_ID: key.id,
      AWS_SECRET_ACCESS_KEY: key.secret,
      AWS_DEFAULT_REGION: REGION,
      AWS_MAX_ATTEMPTS: '1',
      AWS_PAGER: '',
      AWS_EC2_METADATA_DISABLED: 'true',
      // No file of whoever runs this.
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    };
    try {
      const args = ['ec2', ...words, '--endpoint-url', account.url, '--output', 'text'];
      return (await run('aws', args, { env })).stdout.trim();
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
      return said.trim().split('\n').at(-1) ?? '';
    }
  };
  const route = ['--route-table-id', ids.tableA, '--destination-cidr-block', '10.42.9.0/24'];
  const stands = (): Promise<string> =>
    aws(
      'describe-route-tables',
      '--route-table-ids',
      ids.tableA,
      '--query',
      "RouteTables[].Routes[?DestinationCidrBlock=='10.42.9.0/24'][].[NetworkInterfaceId,State,Origin]",
    );

  it('shows, makes, replaces and deletes routes', async () => {
    assert.equal(await stands(), '');
    assert.equal(await aws('create-route', ...route, '--network-interface-id', ids.a1), 'True');
    assert.deepEqual((await stands()).split('\t'), [ids.a1, 'active', 'CreateRoute']);
    assert.equal(await aws('replace-route', ...route, '--network-interface-id', ids.b1), '');
    assert.deepEqual((await stands()).split('\t'), [ids.b1, 'active', 'CreateRoute']);
    assert.equal(await aws('delete-route', ...route), '');
    assert.equal(await stands(), '');
  });

  it('hears the codes of EC2', async () => {
    await aws('create-route', ...route, '--network-interface-id', ids.a1);
    assert.match(
      await aws('create-route', ...route, '--network-interface-id', ids.a1),
      /\(RouteAlreadyExists\) when calling the CreateRoute operation/,
    );
    assert.match(
      await aws('delete-route', ...route, '--dry-run'),
      /\(DryRunOperation\) when calling the DeleteRoute operation/,
    );
    await aws('delete-route', ...route);
    assert.match(await aws('delete-route', ...route), /\(InvalidRoute.NotFound\)/);
    key = { ...key, secret: 'wrong' };
    assert.match(await stands(), /\(AuthFailure\)|\(SignatureDoesNotMatch\)/);
  });
});
