import type { CloudInventory } from '../../src/contracts/cloud-inventory.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { AwsAccount } from '../providers/aws-account.ts';
import { cloudInventoryContract, type CloudInventoryWorld } from './cloud-inventory.ts';

const HOUR = 3_600_000;

async function awsWorld(): Promise<CloudInventoryWorld> {
  const account = await AwsAccount.start({ routeQuota: 1000 });
  const { cloud, clock } = account;
  const act = (op: string, order: object) => account.account.control('POST', 'do', { op, ...order });
  await act('terminate', { instance: 'b1' });
  await clock.advance(60_000);
  const { inventory } = account.host();
  /** Waits between attempts are over at once. */
  const patient: CloudInventory = {
    instances: (...asked) => clock.during(inventory.instances(...asked)),
    interfaces: (...asked) => clock.during(inventory.interfaces(...asked)),
    routeQuota: (...asked) => clock.during(inventory.routeQuota(...asked)),
    completeLifecycle: (...asked) => inventory.completeLifecycle(...asked),
  };
  return {
    inventory: patient,
    running: { instance: planned.instance('a1'), target: ids.a1 },
    terminated: planned.instance('b1'),
    table: ids.tableA,
    quota: 1000,
    later: () => clock.advance(HOUR),
    leaving: async () => {
      await act('scaling-group', { name: 'nodes', instances: 'a2', hook: 'drain' });
      await act('scale-in', { instance: 'a2' });
      const detail = cloud.events.since(0).findLast(({ event }) => event.source === 'aws.autoscaling')?.event.detail;
      const token = String(detail?.['LifecycleActionToken']);
      return { group: 'nodes', hook: 'drain', instance: planned.instance('a2'), token };
    },
    completed: async () =>
      cloud.journal.entries
        .filter(({ action, outcome }) => action === 'CompleteLifecycleAction' && outcome === 'ok')
        .map(({ parameters }) => `${parameters['InstanceId']} ${parameters['LifecycleActionToken']}`),
    refuse: async (code) => {
      const denied = code === 'CLOUD_DENIED';
      cloud.faults.add({
        kind: 'error',
        action: 'GetServiceQuota',
        code: denied ? 'AccessDeniedException' : 'TooManyRequestsException',
      });
      cloud.faults.add({ kind: 'error', code: denied ? 'UnauthorizedOperation' : 'RequestLimitExceeded' });
    },
    close: () => account.close(),
  };
}

cloudInventoryContract('AWS, as the lab emulates it', awsWorld);
