/** Machines on their way out, remembered until the cloud says that they are gone: no later run puts their routes back. */
import type { LifecycleAction } from '../contracts/cloud-inventory.ts';
import type { Records } from '../contracts/records.ts';
import type { Leaving } from './reconciler-parts.ts';

export interface LeavingMachine extends Leaving {
  /** Of the runs' age, when it was first told. */
  readonly sinceMs: number;
}

export class LeavingMachines {
  static async read(records: Records, ageMs: number, signal: AbortSignal): Promise<LeavingMachines> {
    void ageMs;
    void signal;
    return new LeavingMachines(records);
  }

  private constructor(records: Records) {
    void records;
  }

  /** By instance. */
  get all(): ReadonlyMap<string, LeavingMachine> {
    return new Map();
  }

  /** Keys of records that cannot be read. */
  get unreadable(): readonly string[] {
    return [];
  }

  /** What was told is written before anything is done about it. Of a machine that is known: an action is added, the time stays. */
  async remember(told: readonly Leaving[], signal: AbortSignal): Promise<void> {
    void told;
    void signal;
  }

  /** Its action is completed; that it leaves stays known. */
  async completed(action: LifecycleAction, signal: AbortSignal): Promise<void> {
    void action;
    void signal;
  }

  /** It is gone, or runs on after all. */
  async forget(instance: string, signal: AbortSignal): Promise<void> {
    void instance;
    void signal;
  }
}
