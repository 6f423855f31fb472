/** The suite that every CloudInventory passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CloudInventory } from '../../src/contracts/cloud-inventory.ts';
import { never, rejectsWith } from './store-world.ts';

/** A cloud with a running machine, a terminated one, and a route table. */
export interface CloudInventoryWorld {
  readonly inventory: CloudInventory;
  readonly running: { readonly instance: string; readonly target: string };
  readonly terminated: string;
  readonly table: string;
  readonly quota: number;
  /** "instance token" of each machine that was told that it may go. */
  completed(): Promise<readonly string[]>;
  refuse(code: 'CLOUD_DENIED' | 'CLOUD_THROTTLED'): Promise<void>;
  close(): Promise<void>;
}

const signal = never();

export function cloudInventoryContract(cloudName: string, makeWorld: () => Promise<CloudInventoryWorld>): void {
  const test = (name: string, work: (world: CloudInventoryWorld) => Promise<void>): void => {
    it(name, async () => {
      const world = await makeWorld();
      try {
        await work(world);
      } finally {
        await world.close();
      }
    });
  };

  describe(`the inventory of ${cloudName}`, () => {
    test('says of each machine what the cloud says of it, and of others that it does not know', async ({
      inventory,
      running,
      terminated,
    }) => {
      const states = await inventory.instances([running.instance, terminated, 'i-0nobody'], signal);
      assert.deepEqual(
        [running.instance, terminated, 'i-0nobody'].map((instance) => states.get(instance)?.state),
        ['running', 'terminated', 'unknown'],
      );
      assert.equal((await inventory.instances([], signal)).size, 0);
    });

    test('finds the machine behind an interface, and leaves out interfaces that are not there', async ({
      inventory,
      running,
    }) => {
      const found = await inventory.interfaces([running.target, 'eni-0nobody'], signal);
      assert.deepEqual([...found.keys()], [running.target]);
      assert.equal(found.get(running.target)?.instance, running.instance);
    });

    test('knows how many routes a table takes; where it may not ask, what the cloud publishes', async ({
      inventory,
      table,
      quota,
      refuse,
    }) => {
      const asked = await inventory.routeQuota(table, signal);
      assert.deepEqual(asked, { limit: quota, source: 'live' });
      await refuse('CLOUD_DENIED');
      const assumed = await inventory.routeQuota(table, signal);
      assert.equal(assumed.source, 'default');
      assert.ok(assumed.limit > 0);
    });

    test('tells the cloud that a machine may go', async ({ inventory, running, completed }) => {
      await inventory.completeLifecycle(
        { group: 'nodes', hook: 'drain', instance: running.instance, token: 'token-1' },
        signal,
      );
      assert.deepEqual(await completed(), [`${running.instance} token-1`]);
    });

    test('rejects rather than leave something out', async ({ inventory, running, refuse }) => {
      await refuse('CLOUD_THROTTLED');
      await rejectsWith('CLOUD_THROTTLED', inventory.instances([running.instance], signal));
      await rejectsWith('ABORTED', inventory.instances([running.instance], AbortSignal.abort()));
    });
  });
}
