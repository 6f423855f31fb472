/** Rows that tell of an owner who has not been yet: another hand's, or of a store that was set back. */
import type { Ledger, LedgerEntry } from '../core/ledger.ts';
import type { LeaseLooks } from './lease-looks.ts';

/**
 * The ledger as far as it can be true. It was read before the leases, and epochs only rise: no honest row of a subnet has a newer one than the lease that
 * stands now. An owner by himself cannot know that of his row, and leaves it; nobody else would ever write it again.
 */
export function withoutFutureEpochs(ledger: Ledger, looks: Pick<LeaseLooks, 'lease'>): Ledger {
  const epochOf = ({ row }: LedgerEntry): number => (row && looks.lease(row.destination)?.epoch) ?? Infinity;
  return new Map(
    [...ledger].map(([key, entry]) => {
      const { row } = entry;
      return row === undefined || row.epoch <= epochOf(entry)
        ? [key, entry]
        : [key, { ...entry, row: { ...row, epoch: 0 } }];
    }),
  );
}
