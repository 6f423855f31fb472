/** Has whoever looks after all nodes released this machine's lease because the machine is on its way out? */
import type { Records } from '../contracts/records.ts';

/** Asked where the lease is gone, before it is claimed anew: else it would be claimed and released in turn until the machine is off. */
export async function sentAway(records: Records, machine: string, signal: AbortSignal): Promise<string | undefined> {
  const { LeavingMachines } = await import('../reconcile/leaving.ts');
  const found = (await LeavingMachines.read(records, { ageMs: 0 }, signal)).all.get(machine);
  return found === undefined ? undefined : `the reconciler has released the lease of ${machine}: ${found.why}`;
}
