import { parseAddress } from '../../src/core/address.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { staticRoutes } from '../../src/lab/aws/routes.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { AwsAccount } from '../providers/aws-account.ts';
import { cloudNetworkContract } from './cloud-network.ts';
import type { CloudWorld } from './cloud-world.ts';

const ERRORS = { CLOUD_DENIED: 'UnauthorizedOperation', CLOUD_THROTTLED: 'RequestLimitExceeded' } as const;

async function awsWorld(): Promise<CloudWorld> {
  const account = await AwsAccount.start();
  const { cloud, clock } = account;
  return {
    cloud: account.host().network,
    clock,
    network: planned.vpc('lab'),
    address: parseAddress('10.0.1.11'),
    target: ids.a1,
    subnet: planned.subnet('a'),
    other: ids.b1,
    table: ids.tableA,
    main: ids.main,
    // The suite counts calls by itself, and names what it put there as expected.
    foreign: async (table, destination, target) => account.standing(table, destination, target),
    text: () => account.text(),
    mutations: () => account.mutations().length,
    quota: async (table, more) => {
      const found = cloud.state.tables.get(table);
      await account.account.control('POST', 'do', {
        op: 'quota',
        table,
        routes: more + (found === undefined ? 0 : staticRoutes(found)),
      });
    },
    refuse: (code, times) =>
      cloud.faults.add(
        code === 'CLOUD_UNREACHABLE'
          ? { kind: 'reset-before', action: '*Route', times }
          : { kind: 'error', action: '*Route', times, code: ERRORS[code] },
      ),
    loseAnswers: (times) => cloud.faults.add({ kind: 'reset-after', action: '*Route', times }),
    close: () => account.close(),
  };
}

cloudNetworkContract('AWS, as the lab emulates it', awsWorld);
