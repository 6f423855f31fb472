import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import {
  EC2_CALLS,
  LIFECYCLE_WRITES,
  QUOTA_READS,
  RECONCILER_CALLS,
  WRITING_NODE_CALLS,
} from '../../providers/aws/calls.ts';
import { parseSubnet } from '../../src/core/subnet.ts';
import { planned } from '../../src/lab/aws/account.ts';
import { never } from '../contract/store-world.ts';
import { ids } from '../lab/aws/account-fixture.ts';
import { AwsAccount, NETWORK } from './aws-account.ts';

const signal = never();
const destination = parseSubnet('10.42.7.0/24');

describe('the list of AWS calls', () => {
  it('names exactly the commands that the provider has, each with the permission of its name', async () => {
    const folder = 'providers/aws';
    const sources = await Promise.all((await readdir(folder)).map((name) => readFile(`${folder}/${name}`, 'utf8')));
    const commands = new Set(
      sources.flatMap((text) => [...text.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name ?? '')),
    );
    assert.deepEqual([...commands].toSorted(), Object.keys(RECONCILER_CALLS).toSorted());
    const services = { ec2: EC2_CALLS, servicequotas: QUOTA_READS, autoscaling: LIFECYCLE_WRITES };
    for (const [service, calls] of Object.entries(services)) {
      for (const [call, permissions] of Object.entries(calls)) assert.deepEqual(permissions, [`${service}:${call}`]);
    }
  });

  it('is what the life of a host that writes its routes calls, and then that of a reconciler, each at least once', async () => {
    const account = await AwsAccount.start();
    const called = (): string[] => [...new Set(account.cloud.journal.entries.map(({ action }) => action))].toSorted();
    try {
      const { network, inventory } = account.host();
      await network.prepare(ids.a1, signal);
      await network.tables({ network: planned.vpc('lab'), within: NETWORK }, signal);
      const route = { destination, live: true };
      await network.putRoute(ids.tableA, { ...route, target: ids.b1 }, undefined, signal);
      await network.putRoute(ids.tableA, { ...route, target: ids.a1 }, ids.b1, signal);
      await network.removeRoute(ids.tableA, destination, ids.a1, signal);
      await inventory.instances([planned.instance('a1')], signal);
      assert.deepEqual(called(), Object.keys(WRITING_NODE_CALLS).toSorted());
      await inventory.routeQuota(ids.tableA, signal);
      const over = { group: 'nodes', hook: 'drain', instance: planned.instance('a1'), token: 'x' };
      await inventory.completeLifecycle({ ...over, token: 'x'.repeat(36) }, signal);
      assert.deepEqual(called(), Object.keys(RECONCILER_CALLS).toSorted());
    } finally {
      await account.close();
    }
  });
});
