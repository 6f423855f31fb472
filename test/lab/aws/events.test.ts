import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { StopInstancesCommand } from '@aws-sdk/client-ec2';
import { planned } from '../../../src/lab/aws/account.ts';
import type { LoggedEvent } from '../../../src/lab/aws/events.ts';
import { AccountFixture } from './account-fixture.ts';

const A1 = planned.instance('a1');

describe('events of the emulated account', () => {
  let account: AccountFixture;
  beforeEach(async () => {
    account = await AccountFixture.start({ stoppingMs: 30_000, shuttingDownMs: 30_000 });
  });
  afterEach(() => account.close());
  const act = (op: string, order: object = {}) => account.control('POST', 'do', { op, ...order });
  const since = async (number: number) => (await account.control('GET', `events?since=${number}`)) as LoggedEvent[];
  const lines = async (number = 0): Promise<readonly string[]> =>
    (await since(number)).map(({ number: at, event }) => {
      const { detail } = event;
      return `${at} ${event.time} ${event['detail-type']} ${String(detail['state'] ?? detail['instance-action'])}`;
    });

  it('each change of an instance’s state is told once, in EventBridge’s envelope, at its time', async () => {
    await account.client().send(new StopInstancesCommand({ InstanceIds: [A1] }));
    await account.clock.advance(30_000);
    assert.deepEqual(await lines(), [
      '1 2026-01-01T00:00:00Z EC2 Instance State-change Notification stopping',
      '2 2026-01-01T00:00:30Z EC2 Instance State-change Notification stopped',
    ]);
    const [, second] = await since(0);
    assert.deepEqual(second?.event, {
      version: '0',
      id: second?.event.id,
      'detail-type': 'EC2 Instance State-change Notification',
      source: 'aws.ec2',
      account: '123456789012',
      time: '2026-01-01T00:00:30Z',
      region: 'eu-central-1',
      resources: [`arn:aws:ec2:eu-central-1:123456789012:instance/${A1}`],
      detail: { 'instance-id': A1, state: 'stopped' },
    });
    assert.match(String(second?.event.id), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.deepEqual(await lines(2), []);
  });

  it('a Spot instance is warned two minutes before it goes', async () => {
    await act('interrupt-spot', { instance: 'a1' });
    await account.clock.advance(119_999);
    assert.deepEqual(await lines(), ['1 2026-01-01T00:00:00Z EC2 Spot Instance Interruption Warning terminate']);
    const [warning] = await since(0);
    assert.deepEqual(warning?.event.resources, [`arn:aws:ec2:eu-central-1a:instance/${A1}`]);
    assert.deepEqual(warning?.event.detail, { 'instance-id': A1, 'instance-action': 'terminate' });
    await account.clock.advance(1);
    assert.deepEqual(await lines(1), ['2 2026-01-01T00:02:00Z EC2 Instance State-change Notification shutting-down']);
  });

  it('instances that are added run, and say so; whoever listens no more hears nothing', async () => {
    const heard: unknown[] = [];
    const stop = account.cloud.onEvent(({ detail }) => heard.push(detail['state']));
    await act('add-instances', { prefix: 'n', count: 3, subnets: 'a' });
    stop();
    await act('terminate', { instance: 'n0001' });
    assert.deepEqual(heard, ['running', 'running', 'running']);
    assert.equal((await lines()).length, 4);
  });

  it('a listener may order something itself, and events stay in order', async () => {
    account.cloud.onEvent(({ detail }) => {
      if (detail['state'] === 'stopping') account.cloud.orderInstance(planned.instance('a2'), 'terminate');
    });
    await act('stop', { instance: 'a1' });
    assert.deepEqual(
      (await since(0)).map(({ event }) => event.detail['state']),
      ['stopping', 'shutting-down'],
    );
  });
});
