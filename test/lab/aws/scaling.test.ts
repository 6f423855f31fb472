import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  CompleteLifecycleActionCommand,
  CreateAutoScalingGroupCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeAutoScalingInstancesCommand,
  DescribeLifecycleHooksCommand,
  TerminateInstanceInAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import { planned } from '../../../src/lab/aws/account.ts';
import type { AwsEvent } from '../../../src/lab/aws/events.ts';
import { AccountFixture, outcome } from './account-fixture.ts';

const [A1, A2, B1] = [planned.instance('a1'), planned.instance('a2'), planned.instance('b1')];
const HOOK = { AutoScalingGroupName: 'nodes', LifecycleHookName: 'drain' };

describe('the emulated Auto Scaling', () => {
  let account: AccountFixture;
  let events: AwsEvent[];
  const act = (op: string, order: object = {}) => account.control('POST', 'do', { op, ...order });
  beforeEach(async () => {
    account = await AccountFixture.start({ shuttingDownMs: 30_000 });
    await act('scaling-group', { name: 'nodes', instances: 'a1,a2', hook: 'drain', heartbeat: 300, metadata: 'weft' });
    events = [];
    account.cloud.onEvent((event) => events.push(event));
  });
  afterEach(() => account.close());

  const terminate = (InstanceId: string, decrement = true) =>
    account
      .scaling()
      .send(new TerminateInstanceInAutoScalingGroupCommand({ InstanceId, ShouldDecrementDesiredCapacity: decrement }));
  const complete = (more: object, LifecycleActionResult = 'CONTINUE') =>
    account.scaling().send(new CompleteLifecycleActionCommand({ ...HOOK, LifecycleActionResult, ...more }));
  const message = async (call: Promise<unknown>): Promise<string> =>
    call.then(
      () => 'ok',
      (error: unknown) => (error instanceof Error ? `${error.name}: ${error.message}` : ''),
    );
  const token = (): string =>
    String(events.findLast(({ source }) => source === 'aws.autoscaling')?.detail['LifecycleActionToken']);
  /** "a1 InService running", of whom the group names. */
  const members = async (): Promise<readonly string[]> => {
    const { AutoScalingInstances = [] } = await account.scaling().send(new DescribeAutoScalingInstancesCommand({}));
    const names = new Map([
      [A1, 'a1'],
      [A2, 'a2'],
    ]);
    return AutoScalingInstances.map(
      ({ InstanceId: id = '', LifecycleState }) =>
        `${names.get(id)} ${LifecycleState} ${account.cloud.state.instances.get(id)?.state}`,
    ).toSorted();
  };

  it('holds up the end of a machine until somebody says go on, and tells the world', async () => {
    const { Activity } = await terminate(A1);
    assert.deepEqual([Activity?.AutoScalingGroupName, Activity?.StatusCode], ['nodes', 'InProgress']);
    assert.deepEqual(await members(), ['a1 Terminating:Wait running', 'a2 InService running']);
    assert.deepEqual(
      events.map((event) => ({ ...event, id: '' })),
      [
        {
          version: '0',
          id: '',
          'detail-type': 'EC2 Instance-terminate Lifecycle Action',
          source: 'aws.autoscaling',
          account: '123456789012',
          time: '2026-01-01T00:00:00Z',
          region: 'eu-central-1',
          resources: [events[0]?.resources[0]],
          detail: {
            LifecycleActionToken: token(),
            AutoScalingGroupName: 'nodes',
            LifecycleHookName: 'drain',
            EC2InstanceId: A1,
            LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
            NotificationMetadata: 'weft',
            Origin: 'AutoScalingGroup',
            Destination: 'EC2',
          },
        },
      ],
    );
    assert.match(token(), /^[0-9a-f-]{36}$/);
    assert.match(
      String(events[0]?.resources[0]),
      /^arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:.+:autoScalingGroupName\/nodes$/,
    );
    await complete({ InstanceId: A1, LifecycleActionToken: token() });
    assert.deepEqual(await members(), ['a1 Terminating:Proceed shutting-down', 'a2 InService running']);
    await account.clock.advance(30_000);
    assert.deepEqual(await members(), ['a2 InService running']);
    assert.deepEqual(
      events.slice(1).map(({ detail }) => [detail['instance-id'], detail['state']]),
      [
        [A1, 'shutting-down'],
        [A1, 'terminated'],
      ],
    );
  });

  it('holds a machine up for each tool that has a hook, until the last of them says go on', async () => {
    await act('lifecycle-hook', { group: 'nodes', hook: 'ship-logs', heartbeat: 600, result: 'CONTINUE' });
    await terminate(A1);
    const told = events.map(({ detail }) => String(detail['LifecycleHookName']));
    const tokens = new Set(events.map(({ detail }) => detail['LifecycleActionToken']));
    assert.deepEqual([told, tokens.size], [['drain', 'ship-logs'], 2]);
    await complete({ InstanceId: A1 });
    assert.deepEqual(await members(), ['a1 Terminating:Wait running', 'a2 InService running']);
    assert.match(await message(complete({ InstanceId: A1 })), /No active Lifecycle Action/);
    await complete({ InstanceId: A1, LifecycleHookName: 'ship-logs' });
    assert.deepEqual(await members(), ['a1 Terminating:Proceed shutting-down', 'a2 InService running']);
  });

  it('a hook waits for its own time alone, and one that abandons ends what the others wait for', async () => {
    await act('lifecycle-hook', { group: 'nodes', hook: 'ship-logs', heartbeat: 600, result: 'CONTINUE' });
    await act('lifecycle-hook', { group: 'nodes', hook: 'drain', heartbeat: 300, result: 'CONTINUE' });
    await terminate(A1);
    await terminate(A2);
    await complete({ InstanceId: A2, LifecycleHookName: 'ship-logs' }, 'ABANDON');
    assert.deepEqual(await members(), ['a1 Terminating:Wait running', 'a2 Terminating:Proceed shutting-down']);
    await account.clock.advance(300_000);
    assert.equal(account.cloud.state.instances.get(A1)?.state, 'running');
    await account.clock.advance(300_000);
    assert.equal(account.cloud.state.instances.get(A1)?.state, 'shutting-down');
  });

  it('goes on by itself when nobody says anything for the heartbeat timeout', async () => {
    await terminate(A1);
    await account.clock.advance(299_999);
    assert.equal(account.cloud.state.instances.get(A1)?.state, 'running');
    await account.clock.advance(1);
    assert.equal(account.cloud.state.instances.get(A1)?.state, 'shutting-down');
  });

  it('an action that is over, of another token, or that never was is refused in AWS’s words', async () => {
    await terminate(A1);
    const wrong = '00000000-0000-4000-8000-000000000000';
    assert.equal(
      await message(complete({ InstanceId: A1, LifecycleActionToken: wrong })),
      `ValidationError: No active Lifecycle Action found with token ${wrong}`,
    );
    await complete({ InstanceId: A1 }, 'ABANDON');
    assert.equal(
      await message(complete({ InstanceId: A1 })),
      `ValidationError: No active Lifecycle Action found with instance ID ${A1}`,
    );
    assert.match(await message(complete({ InstanceId: A1, AutoScalingGroupName: 'others' })), /name not found/);
    assert.match(await message(complete({ InstanceId: A1, LifecycleActionToken: 'short' })), /length equal to 36/);
    assert.match(await message(complete({})), /either an instance ID or a lifecycle action token/);
    assert.match(await message(complete({ InstanceId: A1 }, 'MAYBE')), /CONTINUE or ABANDON/);
    assert.match(await message(terminate(B1)), /No managed instance found for instance ID/);
  });

  it('a second order to end changes nothing; without a hook a machine goes at once', async () => {
    await terminate(A1);
    await terminate(A1);
    assert.equal(events.length, 1);
    await act('scaling-group', { name: 'others', instances: 'b1' });
    await terminate(B1);
    assert.equal(account.cloud.state.instances.get(B1)?.state, 'shutting-down');
  });

  it('a member that ends by another hand leaves the group, and what waited for it is over', async () => {
    await terminate(A1);
    await act('terminate', { instance: 'a1' });
    await account.clock.advance(30_000);
    assert.deepEqual(await members(), ['a2 InService running']);
    assert.match(await message(complete({ InstanceId: A1 })), /No active Lifecycle Action/);
  });

  it('describes groups, hooks and members, page by page', async () => {
    await act('add-instances', { prefix: 'n', count: 120, subnets: 'a', 'scaling-group': 'nodes' });
    const { AutoScalingGroups } = await account.scaling().send(new DescribeAutoScalingGroupsCommand({}));
    const [group] = AutoScalingGroups ?? [];
    assert.deepEqual(
      [group?.AutoScalingGroupName, group?.DesiredCapacity, group?.Instances?.length],
      ['nodes', 122, 122],
    );
    const { LifecycleHooks } = await account
      .scaling()
      .send(new DescribeLifecycleHooksCommand({ AutoScalingGroupName: 'nodes' }));
    assert.deepEqual(
      LifecycleHooks?.map(({ HeartbeatTimeout, DefaultResult, GlobalTimeout }) => [
        HeartbeatTimeout,
        DefaultResult,
        GlobalTimeout,
      ]),
      [[300, 'ABANDON', 30_000]],
    );
    const seen: string[] = [];
    let page: string | undefined;
    do {
      const input = { MaxRecords: 50, ...(page === undefined ? {} : { NextToken: page }) };
      const answer = await account.scaling().send(new DescribeAutoScalingInstancesCommand(input));
      seen.push(...(answer.AutoScalingInstances ?? []).map(({ InstanceId = '' }) => InstanceId));
      page = answer.NextToken;
    } while (page !== undefined);
    assert.deepEqual([seen.length, new Set(seen).size], [122, 122]);
    const tooMany = account.scaling().send(new DescribeAutoScalingInstancesCommand({ MaxRecords: 51 }));
    assert.equal(await outcome(tooMany), 'ValidationError');
  });

  it('refuses whom a rule denies, and what it does not know', async () => {
    await account.control('POST', 'rules', [{ effect: 'deny', action: 'CompleteLifecycleAction' }]);
    assert.equal(await outcome(complete({ InstanceId: A1 })), 'AccessDenied');
    const group = { AutoScalingGroupName: 'x', MinSize: 0, MaxSize: 1 };
    assert.equal(await outcome(account.scaling().send(new CreateAutoScalingGroupCommand(group))), 'InvalidAction');
    const wrong = account.scaling('operator', { secret: 'guessed' });
    assert.equal(await outcome(wrong.send(new DescribeAutoScalingGroupsCommand({}))), 'SignatureDoesNotMatch');
  });
});
