/** What another hand does to the store: values written past Weft, and leases given away. By a program on a host, for the store is in the lab. */
import { fileURLToPath } from 'node:url';
import type { LabHost } from '../../src/lab/lab-host.ts';

export type Deed =
  /** As when a person edits the store: in DynamoDB no delta tells of it; who watches etcd sees it. */
  | { readonly deed: 'write config'; readonly text: string }
  /** The same for a lease. `key` as in 10.42.3.0-24. */
  | { readonly deed: 'write lease'; readonly key: string; readonly value: string }
  /** As if its quarantine were over: everybody is told. */
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
  /** Of DynamoDB, with other keys than Weft's. */
  | { readonly deed: 'make table'; readonly table: string };

/** @param store URL; the host's own when absent */
export async function anotherHand(host: LabHost, deed: Deed, store?: string): Promise<void> {
  await host.run(anotherHandCommand(host, deed, store));
}

/** In the environment of a host. */
export function anotherHandCommand(host: LabHost, deed: Deed, store?: string): readonly string[] {
  const program = fileURLToPath(new URL('another-hand-program.js', import.meta.url));
  const url = store ?? host.environment['FLANNELD_STORE'] ?? '';
  return [process.execPath, program, url, JSON.stringify(deed)];
}
