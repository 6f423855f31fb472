/** The two etcd leases under which a subnet is had: the lease's own, and the longer one of `held`, which is the quarantine when the first has ended. */
import type { Etcd } from './etcd.ts';

/** The contract's 15 minutes, and one for the time between the grant and the write that uses it. */
export const QUARANTINE_MS = 16 * 60_000;

export interface Tenure {
  /** Names, too, whose writing a key is: each writer draws its own. */
  readonly own: string;
  readonly held: string;
}

/** flannel, too, has a new etcd lease granted for each create and renewal; the old one ends empty. */
export async function grantTenure(etcd: Etcd, ttlMs: number, signal: AbortSignal): Promise<Tenure> {
  const [own, held] = await Promise.all([etcd.grant(ttlMs, signal), etcd.grant(ttlMs + QUARANTINE_MS, signal)]);
  return { own, held };
}

export function giveUpTenure(etcd: Etcd, { own, held }: Tenure): void {
  etcd.revoke(own);
  etcd.revoke(held);
}
