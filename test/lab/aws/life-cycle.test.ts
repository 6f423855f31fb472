import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  CreateRouteCommand,
  DescribeInstancesCommand,
  DescribeRouteTablesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { planned } from '../../../src/lab/aws/account.ts';
import { carries } from '../../../src/lab/aws/interfaces.ts';
import { AccountFixture, ids, outcome } from './account-fixture.ts';

const A1 = planned.instance('a1');

describe('the life of an emulated instance', () => {
  let account: AccountFixture;
  const client = (): EC2Client => account.client();
  beforeEach(async () => {
    account = await AccountFixture.start({ stoppingMs: 30_000, pendingMs: 5000, blackholeShownMs: 60_000 });
    const route = { RouteTableId: ids.tableB, DestinationCidrBlock: '10.42.7.0/24', NetworkInterfaceId: ids.a1 };
    await client().send(new CreateRouteCommand(route));
  });
  afterEach(() => account.close());

  /** State of the instance, state of the route to it, and whether packets pass. */
  const look = async (): Promise<string> => {
    const { Reservations } = await client().send(new DescribeInstancesCommand({ InstanceIds: [A1] }));
    const { RouteTables } = await client().send(new DescribeRouteTablesCommand({ RouteTableIds: [ids.tableB] }));
    const route = RouteTables?.[0]?.Routes?.find((it) => it.DestinationCidrBlock === '10.42.7.0/24');
    const target = account.cloud.state.interfaces.get(ids.a1);
    const passes = target !== undefined && carries(account.cloud.state, target);
    return `${Reservations?.[0]?.Instances?.[0]?.State?.Name}, ${route?.State}, ${passes ? 'passes' : 'lost'}`;
  };
  const states = async (spansMs: readonly number[]): Promise<readonly string[]> => {
    const seen = [await look()];
    for (const span of spansMs) {
      await account.clock.advance(span);
      seen.push(await look());
    }
    return seen;
  };

  it('CLOUD 1.2: packets to a stopping instance die long before the route’s state shows it', async () => {
    const { StoppingInstances } = await client().send(new StopInstancesCommand({ InstanceIds: [A1] }));
    assert.equal(StoppingInstances?.[0]?.PreviousState?.Name, 'running');
    assert.equal(StoppingInstances?.[0]?.CurrentState?.Name, 'stopping');
    assert.deepEqual(await states([29_999, 1, 60_000]), [
      'stopping, active, lost',
      'stopping, active, lost',
      'stopped, active, lost',
      'stopped, blackhole, lost',
    ]);
    await client().send(new StartInstancesCommand({ InstanceIds: [A1] }));
    assert.deepEqual(await states([5000]), ['pending, blackhole, lost', 'running, active, passes']);
  });

  it('CLOUD 1.2: a route to a terminated instance stays, as a black hole', async () => {
    await client().send(new TerminateInstancesCommand({ InstanceIds: [A1] }));
    assert.deepEqual(await states([30_000]), ['shutting-down, active, lost', 'terminated, blackhole, lost']);
    const start = client().send(new StartInstancesCommand({ InstanceIds: [A1] }));
    assert.equal(await outcome(start), 'IncorrectInstanceState');
  });

  it('CLOUD 1.2: a route to a detached interface turns into a black hole after a delay', async () => {
    await account.control('POST', 'do', { op: 'detach', interface: ids.a1 });
    assert.deepEqual(await states([59_999, 1]), [
      'running, active, lost',
      'running, active, lost',
      'running, blackhole, lost',
    ]);
  });

  it('CLOUD 1.2: a route may be dead although the API calls it active', async () => {
    await account.control('POST', 'do', { op: 'darken', instance: 'a1' });
    assert.equal(await look(), 'running, active, lost');
    await account.control('POST', 'do', { op: 'lighten', instance: 'a1' });
    assert.equal(await look(), 'running, active, passes');
  });

  it('an interface replaced by another leaves a black hole behind', async () => {
    const { id } = (await account.control('POST', 'do', { op: 'swap-interface', instance: 'a1' })) as { id: string };
    assert.equal(await look(), 'running, blackhole, lost');
    const { Reservations } = await client().send(new DescribeInstancesCommand({ InstanceIds: [A1] }));
    const [first] = Reservations?.[0]?.Instances?.[0]?.NetworkInterfaces ?? [];
    assert.deepEqual([first?.NetworkInterfaceId, first?.PrivateIpAddress], [id, '10.0.1.11']);
  });
});
