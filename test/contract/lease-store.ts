/** The suite that every LeaseStore passes. */
import { describe, it } from 'node:test';
import { claimContract } from './lease-store-claim.ts';
import { ownerContract } from './lease-store-owner.ts';
import { raceContract } from './lease-store-race.ts';
import { watchContract } from './lease-store-watch.ts';
import type { StoreWorld } from './store-world.ts';

/** One case of a suite: its name, and what happens in a world of its own. */
export type Case = (name: string, work: (world: StoreWorld) => Promise<void>) => void;

/** `makeWorld` makes an empty store each time it is called. */
export function leaseStoreContract(storeName: string, makeWorld: () => Promise<StoreWorld>): void {
  const test: Case = (name, work) => {
    it(name, async () => {
      const world = await makeWorld();
      try {
        await work(world);
      } finally {
        await world.close();
      }
    });
  };
  describe(`leases in ${storeName}: claims`, () => claimContract(test));
  describe(`leases in ${storeName}: owners`, () => ownerContract(test));
  describe(`leases in ${storeName}: races`, () => raceContract(test));
  describe(`leases in ${storeName}: views`, () => watchContract(test));
}
