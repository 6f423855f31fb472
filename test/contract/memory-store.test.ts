import { MemoryNetwork } from '../fakes/memory-network.ts';
import { MemoryRecords } from '../fakes/memory-records.ts';
import { MemoryStore } from '../fakes/memory-store.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { SeededRandom } from '../fakes/seeded-random.ts';
import { leaseStoreContract } from './lease-store.ts';
import { recordsContract } from './records.ts';
import { runRecordsContract } from './run-records.ts';
import type { StoreWorld } from './store-world.ts';

async function memoryWorld(): Promise<StoreWorld> {
  const storeClock = new ManualClock();
  const network = new MemoryNetwork(storeClock);
  let nodes = 0;
  const open = () => {
    const clock = new ManualClock(1000 * ++nodes);
    const random = new SeededRandom(nodes);
    return { clock, store: new MemoryStore(network, clock, random), records: new MemoryRecords(network) };
  };
  return {
    open,
    writeForeign: async (key, value) => open().store.writeForeign(key, value),
    pass: (ms) => storeClock.advance(ms),
    close: async () => undefined,
  };
}

leaseStoreContract('memory', memoryWorld);
recordsContract('memory', memoryWorld);
runRecordsContract('memory', memoryWorld);
