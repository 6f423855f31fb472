import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { GetServiceQuotaCommand, ListServicesCommand } from '@aws-sdk/client-service-quotas';
import { AccountFixture, outcome } from './account-fixture.ts';

const ROUTES = { ServiceCode: 'vpc', QuotaCode: 'L-93826ACB' };

describe('the emulated Service Quotas', () => {
  let account: AccountFixture;
  beforeEach(async () => {
    account = await AccountFixture.start();
  });
  afterEach(() => account.close());
  const ask = (wish = ROUTES, more = {}) => account.quotas('operator', more).send(new GetServiceQuotaCommand(wish));

  it('tells how many routes a table may hold, as the account’s settings say at the time', async () => {
    const { Quota } = await ask();
    assert.deepEqual(
      [Quota?.Value, Quota?.QuotaName, Quota?.Adjustable, Quota?.QuotaAppliedAtLevel],
      [500, 'Routes per route table', true, 'ACCOUNT'],
    );
    await account.control('PUT', 'settings', { routeQuota: 1000 });
    assert.equal((await ask()).Quota?.Value, 1000);
  });

  it('knows no other quota, and none of a single table', async () => {
    assert.equal(await outcome(ask({ ...ROUTES, QuotaCode: 'L-589F43AA' })), 'NoSuchResourceException');
    const ofTable = { ...ROUTES, ContextId: 'arn:aws:ec2:eu-central-1:123456789012:route-table/rtb-1' };
    assert.equal(await outcome(ask(ofTable)), 'NoSuchResourceException');
    assert.equal(await outcome(account.quotas().send(new ListServicesCommand({}))), 'UnknownOperationException');
  });

  it('refuses whom a rule denies, whose signature is wrong or old, and who asks too often', async () => {
    assert.equal(await outcome(ask(ROUTES, { secret: 'guessed' })), 'InvalidSignatureException');
    assert.equal(await outcome(ask(ROUTES, { skewMs: -3_600_000 })), 'InvalidSignatureException');
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => outcome(ask())));
    assert.equal(outcomes.filter((it) => it === 'ok').length, 10);
    assert.equal(outcomes.filter((it) => it === 'TooManyRequestsException').length, 2);
    await account.clock.advance(1000);
    await account.control('POST', 'rules', [{ effect: 'deny', action: 'GetServiceQuota' }]);
    assert.equal(await outcome(ask()), 'AccessDeniedException');
    const [last] = account.cloud.journal.entries.slice(-1);
    assert.deepEqual(
      [last?.service, last?.action, last?.who, last?.outcome, last?.mutating],
      ['servicequotas', 'GetServiceQuota', 'operator', 'AccessDeniedException', false],
    );
  });

  it('answers what is no JSON in its own words', async () => {
    const { id } = account.cloud.credentials.add('operator');
    const scope = `${id}/20260101/eu-central-1/servicequotas/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}`;
    const answer = await fetch(account.url, { method: 'POST', body: '[1', headers: { authorization } });
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [400, 'application/x-amz-json-1.1']);
    assert.match(await answer.text(), /"__type":"SerializationException"/);
  });
});
