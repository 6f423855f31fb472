/** The suite that every CloudInventory passes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CloudInventory, LifecycleAction } from '../../src/contracts/cloud-inventory.ts';
import { never, rejectsWith } from './store-world.ts';

/** A cloud with a running machine, a terminated one, and a route table. */
export interface CloudInventoryWorld {
  readonly inventory: CloudInventory;
  readonly running: { readonly instance: string; readonly target: string };
  readonly terminated: string;
  readonly table: string;
  readonly quota: number;
  /** More time passes than an answer may be kept for. */
  later(): Promise<void>;
  /** A machine's end that the cloud holds up. */
  leaving(): Promise<LifecycleAction>;
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
      later,
    }) => {
      const asked = await inventory.routeQuota(table, signal);
      assert.deepEqual(asked, { limit: quota, source: 'live' });
      await refuse('CLOUD_DENIED');
      await later();
      const assumed = await inventory.routeQuota(table, signal);
      assert.equal(assumed.source, 'default');
      assert.ok(assumed.limit > 0);
    });

    test('tells the cloud that a machine may go, and is content when it has gone already', async ({
      inventory,
      leaving,
      completed,
    }) => {
      const action = await leaving();
      await inventory.completeLifecycle(action, signal);
      await inventory.completeLifecycle(action, signal);
      assert.deepEqual([...new Set(await completed())], [`${action.instance} ${action.token}`]);
    });

    test('is content with an action of which nobody knows', async ({ inventory, running: { instance } }) => {
      const token = '00000000-0000-4000-8000-000000000000';
      await inventory.completeLifecycle({ group: 'nobodys', hook: 'drain', instance, token }, signal);
    });

    test('rejects rather than leave something out', async ({ inventory, running, refuse }) => {
      await refuse('CLOUD_THROTTLED');
      await rejectsWith('CLOUD_THROTTLED', inventory.instances([running.instance], signal));
      await rejectsWith('ABORTED', inventory.instances([running.instance], AbortSignal.abort()));
    });
  });
}
