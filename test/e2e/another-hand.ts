/** What another hand does to the store: rows written past Weft, and leases given away. By a program on a host, for the store is in the lab. */
import { fileURLToPath } from 'node:url';
import type { Plain } from '../../providers/dynamodb/attributes.ts';
import type { LabHost } from '../../src/lab/lab-host.ts';

export interface ForeignRow {
  readonly network?: string;
  readonly row: string;
  readonly item: Plain;
}

export type Deed =
  /** No delta tells of it, as when a person edits the table. */
  | ({ readonly deed: 'write row' } & ForeignRow)
  /** As if its quarantine were over: the feed tells everybody. */
  | { readonly deed: 'give lease'; readonly subnet: string; readonly node: string; readonly publicIP: string }
  | { readonly deed: 'delete config' }
  /** One with other keys than Weft's. */
  | { readonly deed: 'make table'; readonly table: string };

export async function anotherHand(host: LabHost, deed: Deed): Promise<void> {
  const program = fileURLToPath(new URL('another-hand-program.js', import.meta.url));
  await host.run([process.execPath, program, JSON.stringify(deed)]);
}
