import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { planned } from '../../../src/lab/aws/account.ts';
import { askersIn, metadataServer } from '../../../src/lab/aws/metadata-server.ts';
import { AccountFixture, ids, outcome, REGION } from './account-fixture.ts';

describe('the emulated metadata service', () => {
  let account: AccountFixture;
  let server: Server;
  let url: string;
  /** From which address the next request seems to come: on loopback all come from one. */
  let from: string;
  beforeEach(async () => {
    account = await AccountFixture.start();
    from = '10.0.1.11';
    const askerOf = askersIn(account.cloud, planned.vpc('lab'));
    server = metadataServer(account.cloud, () => askerOf(from));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await account.close();
  });

  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    fetch(`${url}${path}`, { method, headers });
  const token = async (seconds = 60): Promise<string> => {
    const header = { 'x-aws-ec2-metadata-token-ttl-seconds': String(seconds) };
    return await (await ask('/latest/api/token', header, 'PUT')).text();
  };
  const read = async (path: string, own?: string): Promise<string> => {
    const answer = await ask(`/latest/${path}`, { 'x-aws-ec2-metadata-token': own ?? (await token()) });
    return answer.ok ? await answer.text() : String(answer.status);
  };

  it('CLOUD 1.7: wants a token first, made by PUT with a lifetime, and lets it end', async () => {
    assert.equal((await ask('/latest/meta-data/instance-id')).status, 401);
    assert.equal((await ask('/latest/api/token', {}, 'PUT')).status, 400);
    const header = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
    assert.equal((await ask('/latest/api/token', { ...header, 'x-forwarded-for': '10.0.1.12' }, 'PUT')).status, 403);
    const own = await token(60);
    assert.equal(await read('meta-data/instance-id', own), planned.instance('a1'));
    from = '10.0.2.11';
    assert.equal(await read('meta-data/instance-id', own), '401');
    from = '10.0.1.11';
    await account.clock.advance(60_000);
    assert.equal(await read('meta-data/instance-id', own), '401');
  });

  it('tells each instance of itself, by the address it asks from', async () => {
    const facts: Record<string, string> = {};
    for (const address of ['10.0.1.11', '10.0.2.11']) {
      from = address;
      const mac = await read('meta-data/mac');
      const own = `meta-data/network/interfaces/macs/${mac}`;
      const paths = ['interface-id', 'subnet-id', 'vpc-id', 'vpc-ipv4-cidr-blocks', 'subnet-ipv4-cidr-block'];
      const values = await Promise.all(paths.map((path) => read(`${own}/${path}`)));
      facts[address] = [await read('meta-data/placement/availability-zone'), ...values].join(' ');
    }
    const vpc = `${planned.vpc('lab')} 10.0.0.0/16`;
    assert.deepEqual(facts, {
      '10.0.1.11': `eu-central-1a ${ids.a1} ${planned.subnet('a')} ${vpc} 10.0.1.0/24`,
      '10.0.2.11': `eu-central-1b ${ids.b1} ${planned.subnet('b')} ${vpc} 10.0.2.0/24`,
    });
  });

  it('lists folders, has an identity document, and answers 404 for what is not there', async () => {
    assert.equal(await read('meta-data/placement/'), 'availability-zone\nregion');
    assert.match(await read('meta-data/'), /^network\/$/m);
    assert.equal(JSON.parse(await read('dynamic/instance-identity/document')).instanceId, planned.instance('a1'));
    assert.equal(await read('meta-data/spot/instance-action'), '404');
    assert.equal(await read('meta-data/constructor'), '404');
  });

  it('gives an address that is nobody’s no answer', async () => {
    from = '10.42.7.2';
    await assert.rejects(token());
  });

  it('shows an interface that took the place of another', async () => {
    const { id } = (await account.control('POST', 'do', { op: 'swap-interface', instance: 'a1' })) as { id: string };
    const mac = await read('meta-data/mac');
    assert.equal(await read(`meta-data/network/interfaces/macs/${mac}/interface-id`), id);
  });

  it('has role credentials that the SDK finds and signs with, until they end and new ones come', async () => {
    const names = ['AWS_EC2_METADATA_SERVICE_ENDPOINT', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'];
    const kept = names.map((name) => [name, process.env[name]] as const);
    for (const name of names) delete process.env[name];
    process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = url;
    try {
      // The SDK compares the end of credentials with the real clock.
      await account.control('PUT', 'settings', { clockOffsetMs: Date.now() - account.clock.wallTime() });
      const client = (): EC2Client => new EC2Client({ endpoint: account.url, region: REGION, maxAttempts: 1 });
      const first = client();
      assert.equal(await outcome(first.send(new DescribeVpcsCommand({}))), 'ok');
      const { who } = account.cloud.journal.entries.at(-1) ?? {};
      assert.equal(who, 'a1');
      const role = 'meta-data/iam/security-credentials/weft-node';
      const before = JSON.parse(await read(role));
      await account.clock.advance(6 * 3_600_000);
      assert.equal(await outcome(first.send(new DescribeVpcsCommand({}))), 'RequestExpired');
      const after = JSON.parse(await read(role));
      assert.notEqual(after.AccessKeyId, before.AccessKeyId);
      first.destroy();
    } finally {
      for (const [name, value] of kept) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  it('can be absent, garbage, slow, or refuse its token, for one instance alone', async () => {
    const wish = async (kind: string, more: object = {}): Promise<void> => {
      await account.control('POST', 'do', { op: 'metadata', instance: 'a1', kind, ...more });
    };
    await wish('absent');
    await assert.rejects(token());
    from = '10.0.1.12';
    assert.equal(await read('meta-data/instance-id'), planned.instance('a2'));
    from = '10.0.1.11';
    await wish('garbage');
    assert.match(await token(), /hotel/);
    await wish('token-refused');
    assert.equal((await ask('/latest/api/token', {}, 'PUT')).status, 403);
    await wish('slow', { ms: 900 });
    const late = token();
    await account.clock.untilAsleep();
    await account.clock.advance(900);
    assert.ok((await late).length > 20);
    await wish('well');
    assert.equal(await read('meta-data/instance-id'), planned.instance('a1'));
  });
});
