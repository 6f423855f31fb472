/** What became of the routes to this host: by its own looks, and where another hand writes them by what the ledger says. */
import type { LedgerRow } from '../core/cloud-route.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { ledgerKey } from '../core/ledger.ts';
import type { RouteOutcome } from '../reconcile/cloud-report.ts';

/** One for each reason: it is mostly the same in all tables. */
export function refusedFindings(own: readonly LedgerRow[]): Finding[] {
  const refused = own.filter(({ state }) => state === 'refused');
  const reasons = new Set(refused.map(({ why }) => why));
  return [...reasons].map((reason) => {
    const rows = refused.filter(({ why }) => why === reason);
    const destinations = [...new Set(rows.map(({ destination }) => destination))].join(', ');
    const tables = rows.map(({ table }) => table).join(', ');
    return {
      code: 'CLOUD_REFUSED',
      message: `no cloud route ${destinations} in ${tables}: ${reason ?? 'it is refused'}`,
    };
  });
}

/** Why routes to this host are missing, by their number. What the ledger alone knows has the ledger's word for it, and no code of a call. */
export function refusals(
  own: readonly LedgerRow[],
  outcomes: ReadonlyMap<string, RouteOutcome>,
): ReadonlyMap<ErrorCode, number> {
  const counts = new Map<ErrorCode, number>();
  for (const { table, destination, state } of own) {
    if (state !== 'refused') continue;
    const code = outcomes.get(ledgerKey(table, destination))?.code ?? 'CLOUD_REFUSED';
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return counts;
}
