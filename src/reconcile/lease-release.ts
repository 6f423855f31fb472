/** Leases whose owners cannot give them back themselves. */
import type { LeaseStore } from '../contracts/lease-store.ts';
import { asWeftError } from '../core/errors.ts';
import type { Lease } from '../core/lease.ts';
import { textHash } from '../core/text-hash.ts';
import type { AuditLog } from './audit-log.ts';
import type { LeaseLooks } from './lease-looks.ts';
import { PROVIDER, type Machines } from './run-facts.ts';
import type { Waiting } from './waiting.ts';

export interface ReleaseParts {
  readonly store: LeaseStore;
  readonly audit: Pick<AuditLog, 'add'>;
  readonly looks: LeaseLooks;
}

/** @returns whether nobody has it now; false: it was changed since it was read */
export async function release(
  { store, audit, looks }: ReleaseParts,
  lease: Lease,
  why: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { subnet, epoch, attributes } = lease;
  try {
    await store.release(lease, signal);
  } catch (error) {
    if (asWeftError(error).code !== 'RECORD_CHANGED') throw error;
    return false;
  }
  looks.released(lease);
  const node = attributes.weft === undefined ? {} : { node: attributes.weft.node };
  await audit.add({ action: 'released', destination: subnet.v4, ...node, epoch, why }, signal);
  return true;
}

/** Under which two runs remember what they have seen. It is no table: those of clouds have longer names. */
export const RELEASES = 'leases';

/**
 * Gives back the subnets of machines that the cloud calls terminated, long before their leases end. Two runs must have found so, with the lease unchanged
 * between them: one word of the cloud is not enough to take a lease away.
 */
export async function releaseTerminated(
  parts: ReleaseParts & {
    readonly waiting: Waiting;
    readonly machines: Machines;
    readonly networks: readonly string[];
    /** Is there time for another? */
    mayGoOn(): boolean;
  },
  signal: AbortSignal,
): Promise<void> {
  const { looks, waiting, machines, networks, mayGoOn } = parts;
  for (const lease of looks.view.leases.values()) {
    const { node, fabric } = lease.attributes.weft ?? {};
    if (node === undefined || fabric?.provider !== PROVIDER || !networks.includes(fabric.network)) continue;
    if (machines.instances.get(node)?.state !== 'terminated') continue;
    const { forMs } = waiting.wait(RELEASES, lease.subnet.v4, `terminated-${letters(lease.version)}`);
    if (forMs > 0 && mayGoOn()) await release(parts, lease, `instance ${node} is terminated`, signal);
  }
}

/** Eight letters that tell one version from another. */
const letters = (version: string): string =>
  Array.from(textHash(version).toString(16).padStart(8, '0'))
    .map((digit) => 'ghijklmnopabcdef'[Number.parseInt(digit, 16)])
    .join('');
