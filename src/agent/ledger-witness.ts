/**
 * Whoever looks at the cloud because a path went down sees what became of others' routes in his own table too, and says so in the ledger: their owners,
 * who do not look at that table for a while, hear of it there, and so do all who send by it. A word against a row takes nothing away: its owner looks,
 * and writes what is true.
 */
import type { Records } from '../contracts/records.ts';
import { tableOf, type CloudTable } from '../core/cloud-route.ts';
import { asWeftError } from '../core/errors.ts';
import { ledgerRowToJson, type Ledger } from '../core/ledger.ts';
import type { FabricIdentity } from '../core/lease.ts';
import type { NodeId } from '../core/node-id.ts';

export interface Sight {
  readonly node: NodeId;
  readonly identity: FabricIdentity;
  readonly tables: readonly CloudTable[];
  readonly ledger: Ledger;
}

/** Rows that changed meanwhile are left alone. */
export async function bearWitness(
  records: Records,
  { node, identity, tables, ledger }: Sight,
  signal: AbortSignal,
): Promise<void> {
  const table = tableOf(tables, identity.subnet);
  if (table === undefined) return;
  const routes = new Map(table.routes.map((route) => [route.destination, route]));
  for (const { key, version, row } of ledger.values()) {
    if (row === undefined || row.table !== table.id || row.state !== 'committed' || row.node === node) continue;
    const route = routes.get(row.destination);
    if (route?.target === row.target && route.live) continue;
    const what =
      route === undefined
        ? 'is not there'
        : route.target === row.target
          ? 'is a black hole'
          : `leads to ${route.target}`;
    const why = `the route to ${row.destination} in ${table.id} ${what}, as node ${node} saw`;
    try {
      await records.put('ledger', key, ledgerRowToJson({ ...row, state: 'refused', why }), version, signal);
    } catch (error) {
      if (asWeftError(error).code !== 'RECORD_CHANGED') throw error;
    }
  }
}
