/**
 * When no subnet is left for a claimer: leases whose machines the cloud reports as terminated, and which nobody has renewed since, are freed. A
 * machine that the cloud does not name is not terminated, and a node id that is no machine's is nobody's to judge.
 */
import type { CloudInventory } from '../contracts/cloud-inventory.ts';
import type { Clock } from '../contracts/clock.ts';
import type { LeaseStore } from '../contracts/lease-store.ts';
import type { Log } from '../contracts/log.ts';
import { asWeftError } from '../core/errors.ts';
import type { Lease, LeaseKey, LeaseView } from '../core/lease.ts';

export interface TerminatedParts {
  readonly store: LeaseStore;
  readonly inventory: Pick<CloudInventory, 'instances'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A lease must have stood unchanged for so long after its machine was reported as gone: another host may go by its name. */
const OBSERVED_MS = 5 * 60_000;
const GAP_MS = 60_000;

/** Ids of EC2 instances; the clouds of other providers have other forms. */
const INSTANCE = /^i-[0-9a-f]{8,17}$/;

interface Suspect {
  /** As it was before the cloud was asked: its release fails when it was renewed since. */
  readonly lease: Lease;
  readonly sinceMs: number;
}

export class TerminatedOwners {
  readonly #parts: TerminatedParts;
  #suspects: ReadonlyMap<LeaseKey, Suspect> = new Map();
  #askedMs = -Infinity;

  constructor(parts: TerminatedParts) {
    this.#parts = parts;
  }

  /** Frees what is proven by now. Called as often as one likes: the cloud is asked once a minute. Rejects with ABORTED alone. */
  async free(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    if (clock.now() < this.#askedMs + GAP_MS) return;
    this.#askedMs = clock.now();
    try {
      await this.#look(signal);
      for (const { lease, sinceMs } of this.#suspects.values())
        if (clock.now() >= sinceMs + OBSERVED_MS) await this.#release(lease, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const { code, message } = asWeftError(error);
      log.warn({ code, error: message }, 'owners of leases could not be looked up in the cloud');
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { store, inventory, clock } = this.#parts;
    const { leases } = await firstView(store, signal);
    const owned = [...leases.values()].filter(
      ({ attributes: { weft } }) => weft?.fabric?.provider === 'aws' && INSTANCE.test(weft.node),
    );
    const machines = owned.length === 0 ? undefined : await inventory.instances(owned.map(nodeOf), signal);
    const suspects = new Map<LeaseKey, Suspect>();
    for (const lease of owned) {
      if (machines?.get(nodeOf(lease))?.state !== 'terminated') continue;
      const known = this.#suspects.get(lease.key);
      const same = known !== undefined && known.lease.epoch === lease.epoch && known.lease.version === lease.version;
      suspects.set(lease.key, same ? known : { lease, sinceMs: clock.now() });
    }
    this.#suspects = suspects;
  }

  async #release(lease: Lease, signal: AbortSignal): Promise<void> {
    const { store, log } = this.#parts;
    const fields = { node: nodeOf(lease), subnet: lease.subnet.v4, epoch: lease.epoch };
    try {
      await store.release(lease, signal);
      log.info(fields, 'lease of a terminated machine is freed');
    } catch (error) {
      if (signal.aborted) throw error;
      log.info({ ...fields, code: asWeftError(error).code }, 'lease of a terminated machine is not freed');
    }
  }
}

const nodeOf = ({ attributes }: Lease): string => attributes.weft?.node ?? '';

async function firstView(store: LeaseStore, signal: AbortSignal): Promise<LeaseView> {
  const enough = new AbortController();
  const both = AbortSignal.any([signal, enough.signal]);
  let trouble: unknown;
  try {
    const failed = (error: unknown): void => {
      trouble = error;
      if (error !== undefined) enough.abort();
    };
    for await (const { view } of store.watch(both, failed)) return view;
  } finally {
    enough.abort();
  }
  throw asWeftError(trouble ?? new Error('the store yielded no view'));
}
