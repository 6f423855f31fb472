import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { detectAws } from '../../providers/aws/detect.ts';
import { parseAddress } from '../../src/core/address.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { never, rejectsWith } from '../contract/store-world.ts';
import { ids, REGION } from '../lab/aws/account-fixture.ts';
import { AwsAccount, type AwsHost } from './aws-account.ts';

const signal = never();
const ADDRESS = parseAddress('10.0.1.11');

describe('identity from the metadata server', () => {
  let account: AwsAccount;
  let host: AwsHost;
  beforeEach(async () => {
    account = await AwsAccount.start();
    host = account.host('a1');
  });
  afterEach(() => account.close());

  /** What is wrong with the server until it is put right, which happens when it was noticed twice. */
  const identifyDespite = async (kind: string): Promise<string[]> => {
    await account.account.control('POST', 'do', { op: 'metadata', kind });
    const mended = async (): Promise<void> => {
      while (host.troubles.length < 2) await new Promise((resolve) => setImmediate(resolve));
      await account.account.control('POST', 'do', { op: 'metadata', kind: 'well' });
    };
    const [self] = await Promise.all([account.clock.during(host.network.identify(ADDRESS, signal)), mended()]);
    assert.equal(self.identity.target, ids.a1);
    assert.equal(host.troubles.at(-1), undefined, 'told that it answers again');
    return host.troubles
      .slice(0, -1)
      .map((error) => `${error?.code} ${error?.message.replace(account.metadataUrl, 'URL')}`);
  };

  it('names instance, interface, subnet, VPC with its ranges, and region', async () => {
    assert.deepEqual(await host.network.identify(ADDRESS, signal), {
      instance: planned.instance('a1'),
      region: REGION,
      identity: { provider: 'aws', network: planned.vpc('lab'), subnet: planned.subnet('a'), target: ids.a1 },
      networkRanges: ['10.0.0.0/16'],
    });
    assert.equal(await host.imds.instance(signal), planned.instance('a1'));
    assert.deepEqual(host.troubles, []);
  });

  it('of several interfaces takes the one with the address', async () => {
    const made = await account.account.control('POST', 'do', {
      op: 'attach',
      instance: 'a1',
      address: '10.0.1.99',
      mac: '02:57:00:00:00:99',
    });
    const second = await host.network.identify(parseAddress('10.0.1.99'), signal);
    assert.deepEqual({ id: second.identity.target }, made);
  });

  it('an address that no interface has is an error that says what to do, at once', async () => {
    const error = await rejectsWith('CLOUD_NOT_FOUND', host.network.identify(parseAddress('192.168.1.1'), signal));
    assert.match(`${error.message} ${error.hint}`, /10\.0\.1\.11.*--iface/);
  });

  it('waits for a server that is not there yet', async () => {
    const [first = ''] = await identifyDespite('absent');
    assert.match(first, /^CLOUD_UNREACHABLE the metadata server at URL: /);
  });

  it('waits for one that does not answer', async () => {
    host = account.host('a1', { metadataTimeoutMs: 300 });
    const [first = ''] = await identifyDespite('silent');
    assert.match(first, /no answer within 300 ms/);
  });

  it('takes its time with one that is slow', async () => {
    await account.account.control('POST', 'do', { op: 'metadata', kind: 'slow', ms: 1500 });
    const self = await account.clock.during(host.network.identify(ADDRESS, signal));
    assert.deepEqual([self.identity.target, host.troubles], [ids.a1, []]);
  });

  it("takes another server's page for no identity, and waits", async () => {
    const [first = ''] = await identifyDespite('garbage');
    assert.match(first, /gave "<html><body>Please log in/);
  });

  it('says that the service is switched off, and waits', async () => {
    const [first = ''] = await identifyDespite('token-refused');
    assert.match(first, /no token \(HTTP status 403\)/);
  });

  it('asks for one token, and for another when it is old or refused', async () => {
    const asked: string[] = [];
    const emit = account.cloud.metadataFaults.of.bind(account.cloud.metadataFaults);
    account.cloud.metadataFaults.of = (instance) => {
      asked.push(instance);
      return emit(instance);
    };
    await host.imds.instance(signal);
    assert.equal(asked.length, 2);
    await host.imds.instance(signal);
    assert.equal(asked.length, 3);
    await account.clock.advance(7 * 3_600_000);
    await host.imds.instance(signal);
    assert.equal(asked.length, 5);
    // Another instance behind the same address, as after a restore: the token is refused.
    account.asker = 'a2';
    assert.equal(await host.imds.instance(signal), planned.instance('a2'));
    assert.equal(asked.length, 8);
  });

  it('ends with the signal while it waits', async () => {
    await account.account.control('POST', 'do', { op: 'metadata', kind: 'absent' });
    const stop = new AbortController();
    const waiting = host.imds.instance(stop.signal);
    await account.clock.untilAsleep();
    stop.abort();
    await rejectsWith('ABORTED', waiting);
  });
});

describe('detection of AWS', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'weft-dmi-'));
    await mkdir(path.join(root, 'sys/class/dmi/id'), { recursive: true });
    await mkdir(path.join(root, 'sys/hypervisor'), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true }));
  const detect = async (file?: string, text = ''): Promise<boolean> => {
    if (file !== undefined) await writeFile(path.join(root, file), `${text}\n`);
    return detectAws(signal, root);
  };

  it('knows an instance by its firmware, and is sure of nothing else', async () => {
    assert.equal(await detect(), false);
    assert.equal(await detect('sys/class/dmi/id/sys_vendor', 'Google'), false);
    assert.equal(await detect('sys/class/dmi/id/board_asset_tag', 'Not Specified'), false);
    assert.equal(await detect('sys/hypervisor/uuid', '45e12aec-dcd1-b213-94ed-012345abcdef'), true);
    assert.equal(await detect('sys/hypervisor/uuid', '01234567-dcd1-b213-94ed-012345abcdef'), false);
    assert.equal(await detect('sys/class/dmi/id/sys_vendor', 'Amazon EC2'), true);
  });
});
