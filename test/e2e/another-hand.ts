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
  /** As flanneld with its udp backend writes it: an address, and nothing of Weft. */
  | { readonly deed: 'give plain lease'; readonly subnet: string; readonly publicIP: string }
  | { readonly deed: 'take lease'; readonly subnet: string }
  /** Such leases come and go, one change each time, until the program is ended: it prints a line for each. */
  | {
      readonly deed: 'let plain leases come and go';
      readonly leases: readonly { readonly subnet: string; readonly publicIP: string }[];
      readonly everyMs: number;
    }
  | { readonly deed: 'delete config' }
  /** One with other keys than Weft's. */
  | { readonly deed: 'make table'; readonly table: string };

export async function anotherHand(host: LabHost, deed: Deed): Promise<void> {
  await host.run(anotherHandCommand(deed));
}

/** In the environment of a host. */
export const anotherHandCommand = (deed: Deed): readonly string[] => [
  process.execPath,
  fileURLToPath(new URL('another-hand-program.js', import.meta.url)),
  JSON.stringify(deed),
];
