/** A cloud whose calls that may change something are counted, and whose word that there are too many is passed on. */
import type { CloudNetwork } from '../contracts/cloud-network.ts';
import { asWeftError } from '../core/errors.ts';

export class CountedCloud {
  readonly network: CloudNetwork;
  #calls = 0;

  constructor(cloud: CloudNetwork, onThrottled: () => void) {
    const counted = async (call: Promise<void>): Promise<void> => {
      this.#calls += 1;
      try {
        await call;
      } catch (error) {
        if (asWeftError(error).code === 'CLOUD_THROTTLED') onThrottled();
        throw error;
      }
    };
    this.network = {
      identify: (address, signal) => cloud.identify(address, signal),
      tables: (wish, signal) => cloud.tables(wish, signal),
      prepare: (target, signal) => counted(cloud.prepare(target, signal)),
      putRoute: (table, route, expected, signal) => counted(cloud.putRoute(table, route, expected, signal)),
      removeRoute: (table, destination, expected, signal) =>
        counted(cloud.removeRoute(table, destination, expected, signal)),
    };
  }

  get calls(): number {
    return this.#calls;
  }
}
